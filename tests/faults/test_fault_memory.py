"""The Chroma folder is gone, damaged, locked: memory is an index, the text of record is in PostgreSQL."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from homepot_ai.memory.index import Folder
from tests.faults.compare import Content, content, differ
from tests.faults.conftest import NOW, Bed, Copy
from tests.faults.record import Case

pytestmark = pytest.mark.faults

MINUTE = timedelta(minutes=1)
LOOK = "flows.incident_memory.investigate_incident"


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    yield


@contextmanager
def gone(folder: Path) -> Iterator[None]:
    shutil.rmtree(folder)
    yield


@contextmanager
def damaged(folder: Path) -> Iterator[None]:
    """The database file is overwritten in its middle, and an index file is cut."""
    file = folder / "chroma.sqlite3"
    with file.open("r+b") as stream:
        stream.seek(0)
        stream.write(b"\0" * 8192)
    for binary in folder.rglob("*.bin"):
        binary.write_bytes(binary.read_bytes()[:10])
    yield


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Somebody else writes, and does not come to an end."""
    with (folder.parent / f"{folder.name}.lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_inside(folder: Path) -> Iterator[None]:
    """A program that knows nothing of our lock holds Chroma's own database."""
    with sqlite3.connect(folder / "chroma.sqlite3") as conn:
        conn.execute("BEGIN EXCLUSIVE")
        yield
        conn.rollback()


FAULTS = {
    "deleted": gone,
    "overwritten": damaged,
    "locked by a writer that does not end": locked,
    "held by a program that knows nothing of our lock": locked_inside,
}


@pytest.fixture(scope="module")
def learned(bed: Bed) -> Iterator[tuple[Copy, Content]]:
    """What investigating and rebuilding leave behind, undisturbed."""
    copy = bed.clone()
    try:
        prepare(copy)
        heal(copy)
        yield copy, content(copy.database)
    finally:
        copy.drop()


def prepare(copy: Copy) -> None:
    copy.environment["HOMEPOT_AI_MAIL__PORT"] = "9"
    assert copy.run("flows.health.score_health", NOW)["good"]
    assert copy.run(LOOK, NOW + MINUTE)["good"]


def heal(copy: Copy) -> None:
    assert copy.run("flows.incident_memory.rebuild_embeddings", NOW + 3 * MINUTE)["good"]
    assert copy.run(LOOK, NOW + 4 * MINUTE)["good"]


def ids(copy: Copy) -> dict[int, str]:
    """What the index holds, by the row of record that it stands for."""
    active = copy.rows("SELECT active FROM ai_memory_index WHERE collection = 'incident_history'")[0][0]
    with Folder.of(copy.settings).reading() as opened:
        return opened.hashes(active)


@pytest.mark.parametrize("name", FAULTS)
def test_chroma_is(name: str, bed: Bed, fleet: Copy, case: Case, learned: tuple[Copy, Content]) -> None:
    case.inject("memory", f"the Chroma folder is {name} while investigate-incident runs")
    calm, expected = learned
    prepare(fleet)
    folder = Folder.of(fleet.settings).path
    with FAULTS[name](folder):
        during = fleet.run(LOOK, NOW + 2 * MINUTE)
    with case.healing():
        heal(fleet)
    found = differ(expected, content(fleet.database))
    print(during, found.what)
    lost = len(ids(calm).items() - ids(fleet).items())
    case.judge(
        lost=lost + sum(found.lost.values()), twice=sum(found.twice.values()),
        of=f"{len(ids(calm))} indexed incidents, {sum(map(len, expected.values())):,} rows",
        told="the artifact: without memory, by rule; check-services; rebuild-embeddings",
    )  # fmt: skip
