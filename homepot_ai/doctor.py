"""What is there, missing, too old or unreachable - and what to do about it."""

from __future__ import annotations

import os
import platform
import stat
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from homepot_ai.errors import DatabaseError, FleetError, HomepotAIError
from homepot_ai.fleet import schema
from homepot_ai.language import survey
from homepot_ai.language.ollama import Ollama
from homepot_ai.settings import Settings, settings_file
from homepot_ai.store import checks
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Database

OLDEST_POSTGRES = 150000  # UNIQUE NULLS NOT DISTINCT
# Versions whose neighbours break Prefect's scheduler silently; see docs/prefect.md.
_DEBIAN = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
_TOGETHER = {"prefect": "3.8.8", "SQLAlchemy": "2.0", "fastapi": "0.150"}


def examine(settings: Settings, now: datetime) -> list[ServiceCheck]:
    """Look at everything once. Nothing is changed and nothing is raised: all of it is told."""
    found = [
        _python(),
        *_packages(),
        _libraries(),
        *_secrets(settings),
        checks.disk(settings),
        checks.mail_server(settings),
    ]
    try:
        db = Database.from_settings(settings)
        found += _database(db, settings, now)
    except HomepotAIError as error:
        found.append(ServiceCheck("database", "down", str(error)))
    found += [_prefect(settings), survey.check_service(Ollama.from_settings(settings, None), now)]
    return found


def _python() -> ServiceCheck:
    good = sys.version_info >= (3, 11)
    detail = f"{platform.python_version()} at {sys.prefix}"
    return ServiceCheck("python", "ok" if good else "down", detail if good else f"{detail}; 3.11 is needed")


def _packages() -> list[ServiceCheck]:
    found = []
    for name, wanted in _TOGETHER.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            found.append(
                ServiceCheck(
                    name, "down", "is not installed: run scripts/demo or pip install -r requirements.lock"
                )
            )
            continue
        good = installed == wanted or installed.startswith(f"{wanted}.")
        note = "" if good else f"; only {wanted} works with the others: pip install -r requirements.lock"
        found.append(ServiceCheck(name, "ok" if good else "down", f"{installed}{note}"))
    return found


def _secrets(settings: Settings) -> list[ServiceCheck]:
    """Files that hold secrets, and whether somebody else may read them."""
    found = []
    for path in (settings_file(), settings.var_dir):
        if not path.exists():
            continue
        if path.is_file() and path.stat().st_uid != os.geteuid():
            continue  # as root installed it: its secrets stand elsewhere, and we have to read it
        mode = stat.S_IMODE(path.stat().st_mode)
        # Others may pass through the state folder: under root the embedded server's own user has to.
        if mode & (stat.S_IRWXG | stat.S_IRWXO) & ~(0o011 if path.is_dir() else 0):
            detail = f"others may read {path}: chmod {'go-rw' if path.is_dir() else '600'} {path}"
            found.append(ServiceCheck("secrets", "degraded", detail))
    return found or [ServiceCheck("secrets", "ok", "settings and state are their owner's alone")]


def _libraries() -> ServiceCheck:
    """WeasyPrint draws with Pango, which is no Python package."""
    try:
        from weasyprint.text import ffi

        ffi.pango.pango_version()
    except Exception as error:
        return ServiceCheck(
            "pdf libraries", "down",
            f"{str(error).splitlines()[0]}: apt-get install {' '.join(_DEBIAN)}",
        )  # fmt: skip
    return ServiceCheck("pdf libraries", "ok", "Pango is there")


def _database(db: Database, settings: Settings, now: datetime) -> list[ServiceCheck]:
    found = []
    with db.admin() as conn:
        number = conn.info.server_version
        text = f"PostgreSQL {number // 10000}.{number % 10000}, schema {db.schema}"
        state: checks.State = "ok" if number >= OLDEST_POSTGRES else "down"
        if state == "down":
            text += "; 15 or later is needed"
        found.append(ServiceCheck("database", state, text))
        try:
            lacking = schema.require_vital(conn, db.homepot_schema)
        except FleetError as error:
            found.append(ServiceCheck("HOMEPOT's tables", "down", str(error)))
        else:
            listed = "; ".join(str(item) for item in lacking)
            found.append(
                ServiceCheck("HOMEPOT's tables", "degraded" if lacking else "ok", listed or "all there")
            )
    found.append(checks.migrated(db))
    if found[-1].state == "ok":
        try:
            with db.reader() as conn, db.writer() as other:
                roles = [str(c.execute("SELECT current_user").fetchone()[0]) for c in (conn, other)]  # type: ignore[index]
            found.append(ServiceCheck("roles", "ok", " and ".join(roles)))
            with db.reader() as conn:
                found += checks.stored_health(conn, settings, now)
        except DatabaseError as error:
            found.append(ServiceCheck("roles", "down", str(error)))
    return found


def _prefect(settings: Settings) -> ServiceCheck:
    import httpx

    url = settings.prefect.api_url
    try:
        # Not /health, which answers without a login too.
        answer = httpx.get(f"{url}/admin/version", auth=settings.prefect.login, timeout=3, trust_env=False)
    except httpx.HTTPError:
        starts = "it runs elsewhere (prefect.url)" if settings.prefect.url else "`homepot-ai up` starts it"
        return ServiceCheck("prefect server", "degraded", f"{url} does not answer: {starts}")
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        detail = f"{url} asks for a login that HOMEPOT_AI_PREFECT__AUTH does not give"
        return ServiceCheck("prefect server", "degraded", detail)
    good = answer.status_code == httpx.codes.OK
    return ServiceCheck("prefect server", "ok" if good else "degraded", f"{url} answers {answer.status_code}")
