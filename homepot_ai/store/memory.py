"""`ai_incident_patterns`, `ai_passages`, `ai_memory_index`: memory's record. Chroma is made from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("store/sql/memory.sql")

Kind = Literal["incident", "course"]


@dataclass(frozen=True)
class IncidentRow:
    """What memory reads of an incident; the columns are those of `ai_incidents`."""

    id: int
    kind: str
    site_id: int | None
    root_device_id: int | None
    device_type: str | None
    cause: str
    category: str
    title: str
    severity: str
    devices: int
    facts: Mapping[str, Any]
    resolution: str | None
    provenance: str | None
    opened_at: datetime
    closed_at: datetime | None
    fingerprint: str


@dataclass(frozen=True)
class Pattern:
    """What a past incident was, as text and as what is known exactly.

    Attributes:
        metrics: `name:direction`, as `disk_percent:high`.
        outcome: `held`: it did not come back within a week; None: not judged yet.
    """

    id: int
    kind: Kind
    incident_id: int | None
    device_id: int | None
    site_id: int | None
    device_type: str | None
    category: str
    severity: str
    metrics: tuple[str, ...]
    description: str
    content_hash: str
    resolution: str | None
    outcome: str | None
    happened_at: datetime


@dataclass(frozen=True)
class NewPattern:
    """A pattern to be written for an incident that has closed."""

    incident_id: int
    device_id: int | None
    site_id: int | None
    device_type: str | None
    category: str
    severity: str
    metrics: tuple[str, ...]
    description: str
    content_hash: str
    resolution: str | None
    provenance: str | None
    happened_at: datetime


@dataclass(frozen=True)
class IndexRow:
    """Which Chroma collection is in force for a kind of pattern, and how far a rebuild is."""

    collection: str
    model: str
    active: str
    building: str | None
    built_to: int
    built_at: datetime | None
    checked_at: datetime | None
    checked: str | None


@dataclass(frozen=True)
class Manual:
    """A file of the operators' folder as it was last read."""

    path: str
    content_hash: str
    bytes: int
    state: Literal["read", "skipped"]
    reason: str | None
    passages: int
    read_at: datetime


@dataclass(frozen=True)
class Passage:
    """A part of an operator's page; `page` is that of a PDF."""

    id: int
    path: str
    heading: str
    page: int | None
    body: str


def without_pattern(conn: Connection, limit: int = 500) -> list[IncidentRow]:
    """Closed incidents that memory does not hold yet."""
    return [IncidentRow(*row) for row in conn.execute(_SQL["without_pattern"], {"limit": limit})]


def uninvestigated(conn: Connection, limit: int = 200) -> list[IncidentRow]:
    """Open incidents that were not investigated yet, the oldest first."""
    return [IncidentRow(*row) for row in conn.execute(_SQL["uninvestigated"], {"limit": limit})]


def incident(conn: Connection, number: int) -> IncidentRow | None:
    """One incident."""
    row = conn.execute(_SQL["incident"], {"id": number}).fetchone()
    return None if row is None else IncidentRow(*row)


def add_patterns(conn: Connection, patterns: Sequence[NewPattern], now: datetime) -> int:
    """Write patterns; one that is there already stays as it is. Returns how many were new."""
    return sum(
        conn.execute(
            _SQL["insert_pattern"], {**vars(new), "metrics": list(new.metrics), "created_at": now}
        ).rowcount
        for new in patterns
    )


def refresh(conn: Connection, now: datetime) -> int:
    """Follow resolutions and outcomes of incidents; returns how many patterns changed."""
    changed = conn.execute(_SQL["refresh_resolutions"]).rowcount
    return changed + conn.execute(_SQL["refresh_outcomes"], {"now": now}).rowcount


def patterns(conn: Connection, ids: Sequence[int]) -> dict[int, Pattern]:
    """Patterns by id; those that are not there are absent."""
    return {row[0]: _pattern(row) for row in conn.execute(_SQL["patterns_by_id"], {"ids": list(ids)})}


def patterns_after(conn: Connection, kind: Kind, after: int, limit: int) -> list[Pattern]:
    """The next patterns in the order of their ids."""
    parameters = {"kind": kind, "after": after, "limit": limit}
    return [_pattern(row) for row in conn.execute(_SQL["patterns_after"], parameters)]


def patterns_to_embed(conn: Connection, kind: Kind, model: str, limit: int) -> list[Pattern]:
    """Patterns that the index in force does not hold yet."""
    parameters = {"kind": kind, "model": model, "limit": limit}
    return [_pattern(row) for row in conn.execute(_SQL["patterns_to_embed"], parameters)]


def exact_patterns(
    conn: Connection,
    *,
    category: str,
    device_type: str | None,
    metrics: Sequence[str],
    before: datetime,
    incident_id: int | None,
    limit: int,
    sites: Collection[int] | None = None,
) -> list[Pattern]:
    """Past incidents of a category by what is known exactly: works without any index."""
    parameters = {
        "category": category, "device_type": device_type, "metrics": list(metrics), "before": before,
        "incident_id": incident_id, "sites": None if sites is None else list(sites), "limit": limit,
    }  # fmt: skip
    return [_pattern(row) for row in conn.execute(_SQL["exact_patterns"], parameters)]


def patterns_of_sites(conn: Connection, ids: Sequence[int], sites: Collection[int]) -> set[int]:
    """Which of these patterns happened at one of these sites."""
    parameters = {"ids": list(ids), "sites": list(sites)}
    return {number for (number,) in conn.execute(_SQL["patterns_of_sites"], parameters)}


def mark_embedded(conn: Connection, ids: Sequence[int], model: str, now: datetime) -> None:
    """Say that the index in force holds these patterns."""
    conn.execute(_SQL["mark_patterns"], {"ids": list(ids), "model": model, "at": now})


def unmark(conn: Connection, ids: Sequence[int]) -> None:
    """Say that the index lost these patterns: the next run embeds them again."""
    conn.execute(_SQL["unmark_patterns"], {"ids": list(ids)})


def pattern_hashes(conn: Connection, kind: Kind) -> dict[int, str]:
    """The content hash of every pattern of a kind."""
    return dict(conn.execute(_SQL["pattern_hashes"], {"kind": kind}).fetchall())


def counts(conn: Connection) -> dict[str, tuple[int, int]]:
    """By kind: patterns, and how many of them wait to be embedded."""
    return {kind: (total, waiting) for kind, total, waiting in conn.execute(_SQL["count_patterns"])}


def index_row(conn: Connection, collection: str) -> IndexRow | None:
    """What is in force for a collection; None before the first build."""
    row = conn.execute(_SQL["index_row"], {"collection": collection}).fetchone()
    return None if row is None else IndexRow(*row)


def begin_building(conn: Connection, collection: str, model: str, name: str) -> None:
    """Note that a new index is being built beside the one in force."""
    conn.execute(_SQL["begin_building"], {"collection": collection, "model": model, "building": name})


def built_to(conn: Connection, collection: str, name: str, number: int) -> None:
    """Note how far it is, so that a killed rebuild goes on there."""
    conn.execute(_SQL["built_to"], {"collection": collection, "building": name, "id": number})


def switch_index(conn: Connection, collection: str, name: str, model: str, now: datetime) -> bool:
    """Put the new index in force; False when another rebuild took its place."""
    parameters = {"collection": collection, "building": name, "model": model, "at": now}
    return conn.execute(_SQL["switch_index"], parameters).rowcount == 1


def checked_index(conn: Connection, collection: str, said: str, now: datetime) -> None:
    """Record what the check against the record found."""
    conn.execute(_SQL["checked_index"], {"collection": collection, "said": said, "at": now})


@contextmanager
def one_rebuild(db: Database) -> Iterator[bool]:
    """Hold the right to change the index until the end of the block; what is yielded says whether it is
    ours."""
    with db.session() as conn:
        yield conn.execute(_SQL["one_rebuild"], {"schema": db.schema}).fetchone() == (True,)


def manuals(conn: Connection) -> dict[str, Manual]:
    """Every file of the operators' folder that was looked at, by path."""
    return {row[0]: Manual(*row) for row in conn.execute(_SQL["manuals"])}


def put_manual(
    conn: Connection, manual: Manual, passages: Sequence[tuple[str, int | None, str, str]]
) -> None:
    """Replace a file's passages: (heading, page, body, hash) in their order."""
    conn.execute(_SQL["put_manual"], vars(manual))
    conn.execute(_SQL["drop_passages"], {"path": manual.path})
    with conn.cursor() as cursor:
        cursor.executemany(
            _SQL["insert_passage"],
            [
                {
                    "path": manual.path, "position": number, "heading": heading, "page": page, "body": body,
                    "content_hash": digest,
                }
                for number, (heading, page, body, digest) in enumerate(passages)
            ],
        )  # fmt: skip


def drop_manual(conn: Connection, path: str) -> None:
    """Forget a file that is gone."""
    conn.execute(_SQL["drop_manual"], {"path": path})


def passages(conn: Connection, limit: int = 20_000) -> list[Passage]:
    """Every passage, by path and place."""
    return [Passage(*row) for row in conn.execute(_SQL["passages"], {"limit": limit})]


def append_event(
    conn: Connection,
    incident_id: int,
    *,
    at: datetime,
    kind: Literal["investigated", "action"],
    actor: str,
    comment: str | None,
    details: Mapping[str, Any],
) -> int | None:
    """Add to an incident's history; None when it was investigated already.

    The incident's row is locked first: of two runs at once the second one sees the first one's event.
    """
    conn.execute(_SQL["lock_incident"], {"id": incident_id})
    row = conn.execute(
        _SQL["append_event"],
        {
            "incident_id": incident_id, "at": at, "kind": kind, "actor": actor, "comment": comment,
            "details": orjson.dumps(dict(details)).decode(),
        },
    ).fetchone()  # fmt: skip
    return None if row is None else int(row[0])


def _pattern(row: Sequence[Any]) -> Pattern:
    values = list(row)
    values[8] = tuple(values[8])
    return Pattern(*values)
