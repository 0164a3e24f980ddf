"""A Prefect server of its own for the flow tests, and blocks that point to the test's database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.artifacts import Artifact
from prefect.client.schemas.objects import State
from prefect.testing.utilities import prefect_test_harness

from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database

Connect = Callable[..., Settings]


def artifact(key: str) -> str:
    """The newest artifact of a key, as the operator reads it."""
    found = Artifact.get(key)
    assert found is not None
    return str(found.data)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    """What the owner of the database sees."""
    with database.admin() as conn:
        return conn.execute(query).fetchall()


def run(flow: Any, **parameters: Any) -> State[Any]:
    """Run a flow in this process; its final state."""
    state = flow(**parameters, return_state=True)
    assert isinstance(state, State)
    return state


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[None]:
    """Prefect's own temporary server and database."""
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }
    before = {name: os.environ.get(name) for name in quiet}
    os.environ.update(quiet)
    with prefect_test_harness(server_startup_timeout=90):
        yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Connect]:
    """A function that makes settings and blocks for a database, as bootstrap does."""
    from deployments.bootstrap import make_blocks

    def make(database: Database, **environment: str) -> Settings:
        for name in [name for name in os.environ if name.startswith("HOMEPOT_AI_")]:
            monkeypatch.delenv(name)
        here = {"DATABASE_URL": database.url, "VAR_DIR": str(tmp_path / "var"), "OLLAMA__ENABLED": "false"}
        variables = here | environment
        for name, value in variables.items():
            monkeypatch.setenv(f"HOMEPOT_AI_{name}", value)
        load_settings.cache_clear()
        settings = load_settings()
        make_blocks(settings)
        return settings

    yield make
    load_settings.cache_clear()
