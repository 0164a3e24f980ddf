"""Fixtures: one real PostgreSQL for the session, a fresh database cloned for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import hypothesis
import psycopg
import pytest

from homepot_ai.settings import OllamaSettings, Settings, load_settings
from homepot_ai.store import embedded, migrate
from homepot_ai.store.database import Database

# A slow machine is no counterexample, and what fails here must fail there as well.
hypothesis.settings.register_profile("homepot-ai", deadline=None, derandomize=True)
hypothesis.settings.load_profile("homepot-ai")

DUMP = Path(__file__).parent / "data" / "homepot_reduced.sql.gz"
_numbers = itertools.count(1)


# Files that mostly wait, for a minute to come or a server to start: while they do, the other core works.
WAITING = ("test_prefect_server.py", "test_on_homepot_dump.py", "test_incident_flows.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first."""
    place = {name: number for number, name in enumerate(WAITING)}
    items.sort(key=lambda item: place.get(item.path.name, len(WAITING)))


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """What a profile puts into the environment, for child processes, ends with the test."""
    before = {name: value for name, value in os.environ.items() if name.startswith("HOMEPOT_AI_")}
    yield
    after = {name: value for name, value in os.environ.items() if name.startswith("HOMEPOT_AI_")}
    if after != before:
        for name in after:
            del os.environ[name]
        os.environ.update(before)
        load_settings.cache_clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The url of a PostgreSQL server that lives as long as the session."""
    # Not pytest's own folders: their length would break the socket's path, and a server as another
    # user could not enter them.
    var_dir = Path(tempfile.mkdtemp(prefix="hp-test-"))
    server = embedded.start(var_dir)
    try:
        # No test pulls the plug of this server, and nothing of it is kept: a clone costs a third.
        with psycopg.connect(server.url, autocommit=True) as conn:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                conn.execute(f"ALTER SYSTEM SET {name} = off")
            conn.execute("SELECT pg_reload_conf()")
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(var_dir, ignore_errors=True)


def _named(url: str, name: str) -> str:
    return url.replace("/homepot?", f"/{name}?")


def _create(url: str, name: str, template: str | None = None) -> str:
    with psycopg.connect(url, autocommit=True) as conn:
        source = f" TEMPLATE {template}" if template else ""
        conn.execute(f"CREATE DATABASE {name}{source}")
    return _named(url, name)


@pytest.fixture(scope="session")
def empty_template(postgres: str) -> str:
    """A database with HOMEPOT's empty tables and ours."""
    name = "template_empty"
    db = Database(_create(postgres, name))
    with db.admin() as conn:
        conn.execute("SET search_path = public")
        conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
    migrate.upgrade(db, may_add_indexes=True)
    return name


@pytest.fixture(scope="session")
def dump_template(postgres: str) -> str:
    """A database restored from the reduced dump of a real HOMEPOT; ours are not there yet."""
    from homepot_ai.testing.homepot_dump import restore

    name = "template_dump"
    db = Database(_create(postgres, name))
    with db.admin() as conn:
        conn.execute("SET search_path = public")
        restore(conn, DUMP)
    return name


@pytest.fixture
def clone(postgres: str) -> Iterator[Callable[[str], Database]]:
    """A function that clones a template into a database of this test's own."""
    made: list[str] = []

    def make(template: str) -> Database:
        name = f"test_{next(_numbers)}"
        url = _create(postgres, name, template)
        made.append(name)
        return Database(url)

    yield make
    with psycopg.connect(postgres, autocommit=True) as conn:
        for name in made:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(clone: Callable[[str], Database], empty_template: str) -> Database:
    """HOMEPOT's empty tables and ours, migrated."""
    return clone(empty_template)


@pytest.fixture
def homepot_dump(clone: Callable[[str], Database], dump_template: str) -> Database:
    """A real HOMEPOT's data with our tables beside them."""
    db = clone(dump_template)
    migrate.upgrade(db)
    return db


@pytest.fixture
def raw_homepot_dump(clone: Callable[[str], Database], dump_template: str) -> Database:
    """A real HOMEPOT's data, before anything of ours was installed."""
    return clone(dump_template)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Default settings with state under the test's own folder, and no model that this machine may have."""
    return Settings(var_dir=tmp_path / "var", ollama=OllamaSettings(enabled=False))
