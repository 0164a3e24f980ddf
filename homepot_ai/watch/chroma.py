"""The vector index beside the record in PostgreSQL: is each pattern there that the record says is there?

Cheap: Chroma's own database file is read with SQLite, nothing is loaded and nobody is locked out. What this
does not see is a vector that is wrong; `rebuild-embeddings` compares every text.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai.memory.index import COLLECTIONS, REBUILD, Folder, made_elsewhere
from homepot_ai.store import named_sql
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

_SQL = named_sql.load("watch/sql/postgres.sql")
_PATIENCE_S = 3.0
_IDS = """
SELECT e.embedding_id FROM collections c
  JOIN segments s ON s.collection = c.id AND s.scope = 'METADATA'
  JOIN embeddings e ON e.segment_id = s.id
 WHERE c.name = ?
"""


@dataclass(frozen=True)
class Record:
    """One collection as PostgreSQL has it: its name in force, all patterns, those that were embedded."""

    name: str
    every: frozenset[int]
    embedded: frozenset[int]


def probe(db: Database, settings: Settings) -> list[ServiceCheck]:
    """Compare ids."""
    record = read(db)
    folder = Folder.of(settings).path
    if not any(one.embedded for one in record):
        return [ServiceCheck("chroma", "ok", "nothing to remember yet")]
    if settings.watch.machine and not folder.parent.exists():
        return []  # of several machines, one that never had the index
    if (other := made_elsewhere(folder)) is not None:
        said = f"the index was made by another version ({clean(other, 60)}): {REBUILD}"
        return [ServiceCheck("chroma", "down", said)]
    try:
        indexed = {one.name: ids(folder, one.name) for one in record if one.name}
    except FileNotFoundError:
        return [ServiceCheck("chroma", "down", f"the index is gone: {REBUILD}")]
    except sqlite3.Error as error:
        if "locked" in str(error) or "busy" in str(error):
            return [ServiceCheck("chroma", "ok", "is being written")]
        return [ServiceCheck("chroma", "down", f"the index is damaged ({clean(str(error), 80)}): {REBUILD}")]
    return [judge(record, indexed)]


def read(db: Database) -> list[Record]:
    """What the index should hold."""
    with db.reader() as conn:
        active = dict(conn.execute(_SQL["index_in_force"]).fetchall())
        patterns = {kind: (every, some) for kind, every, some in conn.execute(_SQL["patterns"])}
    found = []
    for kind, collection in COLLECTIONS.items():
        every, embedded = patterns.get(kind, ([], []))
        found.append(Record(str(active.get(collection, "")), frozenset(every), frozenset(embedded)))
    return found


def ids(folder: Path, name: str) -> set[int]:
    """The ids in a collection.

    Raises:
        FileNotFoundError: there is no index.
        sqlite3.Error: it cannot be read.
    """
    file = folder / "chroma.sqlite3"
    if not file.is_file():
        raise FileNotFoundError(file)
    with contextlib.closing(
        sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)
    ) as conn:
        return {int(row[0]) for row in conn.execute(_IDS, [name]) if str(row[0]).isdecimal()}


def judge(record: list[Record], indexed: dict[str, set[int]]) -> ServiceCheck:
    """One line of it. What came into the index after the record was read is not too much.

    >>> some = frozenset({1, 2, 3})
    >>> judge([Record("incident_history.m.1", some, some)], {"incident_history.m.1": {1, 2}}).detail
    '1 of 3 patterns are not in the index: run `homepot-ai memory rebuild`'
    """
    wanted = sum(len(one.embedded) for one in record)
    missing = sum(len(one.embedded - indexed.get(one.name, set())) for one in record)
    strange = 0
    for one in record:
        newest = max(one.every, default=0)
        strange += sum(number <= newest for number in indexed.get(one.name, set()) - one.every)
    hint = "run `homepot-ai memory rebuild`"
    if missing == wanted:
        return ServiceCheck(
            "chroma", "down", f"the index is empty, {wanted} patterns should be in it: {hint}"
        )
    if missing:
        return ServiceCheck(
            "chroma", "degraded", f"{missing} of {wanted} patterns are not in the index: {hint}"
        )
    if strange:
        said = f"{strange} in the index that the record does not have: {hint}"
        return ServiceCheck("chroma", "degraded", said)
    return ServiceCheck("chroma", "ok", f"{wanted} patterns, as recorded")
