"""Rows on their way out of the database: counted, or removed and handed on in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.string import TextLoader

from homepot_ai.retention.archive import Column, Rows
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_OLD = named_sql.load("retention/sql/old.sql")

# Rows held in memory while they are written to their archive.
CHUNK = 100_000


@dataclass(frozen=True)
class Counted:
    """How many rows of a table are past their time, and the moment of the oldest."""

    rows: int
    oldest: datetime | None


def count(
    conn: Connection, name: LiteralString, table: LiteralString, parameters: Mapping[str, Any]
) -> Counted:
    """Count what `take` would take."""
    old = _OLD[f"{name}_{table}"]
    statement = sql.SQL("SELECT count(*), min(moment) FROM ({}) AS old").format(sql.SQL(old))
    row = conn.execute(statement, parameters).fetchone()
    return Counted(*(row or (0, None)))


def chosen(conn: Connection, name: LiteralString, before: datetime) -> list[tuple[int, datetime]]:
    """Ids and moments of what a rule chooses first."""
    return conn.execute(_OLD[f"{name}_chosen"], {"before": before}).fetchall()


def let_go(conn: Connection, name: LiteralString, ids: list[int]) -> None:
    """Make others stop pointing at the chosen ones."""
    conn.execute(_OLD[f"{name}_let_go"], {"ids": ids})


def take(
    conn: Connection, name: LiteralString, table: LiteralString, parameters: Mapping[str, Any],
    *, within: datetime | None = None,
) -> Iterator[Rows]:  # fmt: skip
    """Remove a table's old rows and hand them on: exactly these, whatever others write meanwhile.

    They are gone when the transaction commits, and not before.

    Args:
        within: only those whose moment is before this; whether they are past their time is another question.
    """
    old = _OLD[f"{name}_{table}"]
    statement = sql.SQL(
        "WITH old AS MATERIALIZED (SELECT ctid FROM ({}) AS o WHERE %(within)s::timestamptz IS NULL "
        "OR moment < %(within)s ORDER BY moment LIMIT {}), "
        "gone AS (DELETE FROM {} AS t USING old WHERE t.ctid = old.ctid RETURNING t.*) SELECT * FROM gone"
    ).format(sql.SQL(old), sql.Literal(CHUNK), sql.Identifier(table))
    while True:
        piece = fetch(conn, statement, {**parameters, "within": within})
        if piece.rows:
            yield piece
        if len(piece.rows) < CHUNK:
            return


def stream(conn: Connection, statement: LiteralString, parameters: Mapping[str, Any]) -> Iterator[Rows]:
    """A query's rows in pieces; nothing is removed."""
    # A named cursor streams: a day of a large fleet does not fit in memory.
    with conn.cursor(name="archive") as cursor:
        _json_as_text(cursor)
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(CHUNK):
            yield Rows(_columns(cursor), rows)


def fetch(conn: Connection, statement: sql.Composed, parameters: Mapping[str, Any]) -> Rows:
    """A query's rows, all at once."""
    with conn.cursor() as cursor:
        _json_as_text(cursor)
        cursor.execute(statement, parameters)
        return Rows(_columns(cursor), cursor.fetchall())


def _json_as_text(cursor: Any) -> None:
    # An archive holds it as it was written; nobody here looks into it.
    for name in ("json", "jsonb"):
        cursor.adapters.register_loader(name, TextLoader)


def _columns(cursor: Any) -> tuple[Column, ...]:
    return tuple(Column(one.name, one.type_code, one.scale) for one in cursor.description or ())
