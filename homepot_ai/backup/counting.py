"""Every table's rows and a digest of them, and how two such counts differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from homepot_ai.backup.records import Table
from homepot_ai.store import named_sql

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("backup/sql/backup.sql")
#: Larger tables are only counted: a digest reads every row as text.
DIGEST_ROWS = 200_000


@dataclass(frozen=True)
class Difference:
    """A table that is another one in the backup than now; None: it is not there."""

    table: str
    backup: int | None
    now: int | None


def count(conn: Connection, schema: str) -> dict[str, Table]:
    """Every table of a schema, as the connection's snapshot sees it."""
    names = [row[0] for row in conn.execute(_SQL["tables"], {"schema": schema})]
    return {name: _table(conn, sql.Identifier(schema, name)) for name in names}


def _table(conn: Connection, table: sql.Identifier) -> Table:
    (rows,) = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone() or (0,)
    if rows > DIGEST_ROWS:
        return Table(rows=rows)
    # A sum does not mind the order.
    (digest,) = conn.execute(
        sql.SQL("SELECT coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} AS t").format(table)
    ).fetchone() or ("0",)
    return Table(rows=rows, digest=digest)


def differences(backup: Mapping[str, Table], now: Mapping[str, Table]) -> list[Difference]:
    """Tables that are not the same, by name.

    >>> differences({"a": Table(rows=1, digest="7"), "b": Table(rows=2)}, {"a": Table(rows=1, digest="8")})
    [Difference(table='a', backup=1, now=1), Difference(table='b', backup=2, now=None)]
    """
    found = []
    for name in sorted({*backup, *now}):
        one, two = backup.get(name), now.get(name)
        same = one is not None and two is not None and one.rows == two.rows
        # A digest is there for both or counts for nothing.
        if same and one and two and None not in (one.digest, two.digest):
            same = one.digest == two.digest
        if not same:
            found.append(Difference(name, one.rows if one else None, two.rows if two else None))
    return found
