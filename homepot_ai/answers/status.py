"""Every part by name: what answers, what is late, what is installed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from homepot_ai.answers.contracts import FlowState, Memory, ModelState, Status
from homepot_ai.answers.prefect_api import PrefectApi, PrefectDown
from homepot_ai.errors import DatabaseError
from homepot_ai.memory.index import Folder
from homepot_ai.store import checks, named_sql

if TYPE_CHECKING:
    from homepot_ai.answers.caching import Cache
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

_SQL = named_sql.load("answers/sql/status.sql")
KEPT_S = 15.0
OLLAMA_S = 2.0


def status(db: Database, settings: Settings, *, prefect: PrefectApi, cache: Cache, now: datetime) -> Status:
    """Look at every part; what does not answer is told, nothing is raised."""

    def look() -> Status:
        ollama = _ollama(settings)
        database = _database(db, settings)
        prefect_state, flows = _flows(prefect, now)
        return Status(
            ollama_url=settings.ollama.url,
            timestamp=now,
            mail=_state(checks.mail_server(settings)),
            prefect=prefect_state,
            flows=flows,
            **ollama,
            **database,
            memory_usage=Memory(
                ollama=ollama_bytes(ollama["available_models"]), chromadb=_bytes(Folder.of(settings).path)
            ),
        )

    return cache.get(("status",), KEPT_S, look)


def _state(check: checks.ServiceCheck) -> str:
    return check.state if check.state == "ok" else f"{check.state}: {check.detail}"


def _ollama(settings: Settings) -> dict[str, Any]:
    """The server's models beside those that are configured."""
    import httpx

    wanted = dict.fromkeys((settings.ollama.fast, settings.ollama.balanced, settings.ollama.accurate))
    if not settings.ollama.enabled:
        return {"ollama_status": "off", "available_models": []}
    base = settings.ollama.url.rstrip("/")
    try:
        with httpx.Client(timeout=OLLAMA_S, trust_env=False) as client:
            tags = client.get(f"{base}/api/tags").raise_for_status().json()["models"]
            loaded = client.get(f"{base}/api/ps").raise_for_status().json()["models"]
            installed = {str(m["name"]): int(m["size"]) for m in tags}
            running = {str(m["name"]) for m in loaded}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        missing = [ModelState(name=name, size=None, status="missing") for name in wanted]
        return {"ollama_status": f"down: {type(error).__name__}", "available_models": missing}
    models = [
        ModelState(name=name, size=size, status="loaded" if name in running else "installed")
        for name, size in sorted(installed.items())
    ]
    models += [ModelState(name=name, size=None, status="missing") for name in wanted if name not in installed]
    return {"ollama_status": "ok", "available_models": models}


def ollama_bytes(models: list[ModelState]) -> int | None:
    """What the loaded models take; None: nobody says."""
    loaded = [model.size for model in models if model.status == "loaded" and model.size is not None]
    return sum(loaded) if loaded else None


def _database(db: Database, settings: Settings) -> dict[str, Any]:
    """PostgreSQL, and what its tables say about memory and backups."""
    try:
        with db.reader() as conn:
            collections = conn.execute(_SQL["collections"]).fetchall()
            (embeddings,) = conn.execute(_SQL["embeddings"]).fetchone() or (0,)
            backup = conn.execute(_SQL["backups"]).fetchone() or (None, None)
    except (DatabaseError, psycopg.Error) as error:
        return {
            "database": f"down: {(str(error).splitlines() or ['?'])[0]}", "chromadb_status": "not known",
            "chromadb_collections": [], "total_embeddings": None, "last_backup": None,
            "last_restore_drill": None,
        }  # fmt: skip
    there = (Folder.of(settings).path / "chroma.sqlite3").is_file()
    return {
        "database": "ok",
        "chromadb_status": "ok" if there else "no index yet",
        "chromadb_collections": [str(row[1]) for row in collections],
        "total_embeddings": int(embeddings),
        "last_backup": backup[0],
        "last_restore_drill": backup[1],
    }


def _flows(prefect: PrefectApi, now: datetime) -> tuple[str, dict[str, FlowState]]:
    """When each scheduled flow last completed, and how much later than its rhythm that is by now."""
    try:
        known = prefect.rhythms()
    except PrefectDown as error:
        return f"down: {error}", {}
    return "ok", {
        one.name: FlowState(
            last_success=one.last,
            lateness_seconds=None
            if one.last is None
            else round(max(0.0, (now - one.last).total_seconds() - one.seconds), 1),
        )
        for one in sorted(known, key=lambda one: one.name)
    }


def _bytes(folder: Path) -> int | None:
    """What the index takes on the disk."""
    if not folder.is_dir():
        return None
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
