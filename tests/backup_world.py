"""A fleet with past incidents in the record and in the index, and one backup of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from homepot_ai.backup import places, service
from homepot_ai.backup.records import Made, Stored
from homepot_ai.memory import keeping
from homepot_ai.memory.manuals import folder_of
from homepot_ai.settings import OllamaSettings, Settings
from homepot_ai.store.database import Database
from tests.incident_rows_mem import NOW, past

#: Planted where secrets are set: no archive may hold one.
SECRETS = {
    "mail": "marker-mail-7f3a", "channel": "marker-channel-7f3a", "link": "marker-link-7f3a",
    "ping": "marker-ping-7f3a", "second": "marker-second-7f3a",
}  # fmt: skip
_numbers = itertools.count(1)


@dataclass
class Fleet:
    """A database, its settings, and what was backed up."""

    db: Database
    settings: Settings
    made: Made

    @property
    def stored(self) -> list[Stored]:
        return places.stored(places.folder_of(self.settings))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.db.admin() as conn:
            return conn.execute(query).fetchall()

    def do(self, query: str) -> None:
        with self.db.admin() as conn:
            conn.execute(query)


def settings_of(var_dir: Path, **backup: Any) -> Settings:
    """Settings with a secret wherever one can be."""
    return Settings.model_validate(
        {
            "var_dir": var_dir,
            "ollama": OllamaSettings(enabled=False),
            "mail": {"password": SECRETS["mail"], "user": "reports"},
            "alerts": {"channels": {"ops": f"json://hooks.example/{SECRETS['channel']}"}},
            "api": {"link_secret": SECRETS["link"]},
            "watch": {"ping_url": f"https://ping.example/{SECRETS['ping']}"},
            "backup": {
                "second_command_env": {"TOKEN": SECRETS["second"]},
                **backup,
            },
        }
    )


def new_database(url: str, template: str | None) -> Database:
    """A database of one's own on the tests' server."""
    name = f"backup_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return Database(url.replace("/homepot?", f"/{name}?"))


def remembered(db: Database, settings: Settings) -> None:
    """Four incidents of the past, learned; a page of the operators; a device."""
    past(db)
    keeping.learn(db, settings, NOW)
    pages = folder_of(settings)
    pages.mkdir(parents=True, exist_ok=True)
    (pages / "tills.md").write_text("# Tills\n## Disk nearly full\nDelete old log files.\n", encoding="utf-8")
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) VALUES (1, 'S-1', 'Berlin', "
            "true, "
            "'active')"
        )


def backed_up(db: Database, settings: Settings, at: datetime = NOW) -> Made:
    """One backup more."""
    return service.make(db, settings, at, actor="test")
