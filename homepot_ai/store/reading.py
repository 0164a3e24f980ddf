"""One SELECT that somebody typed: read with the reader's rights, within a time and a number of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from homepot_ai.errors import DatabaseError

if TYPE_CHECKING:
    from homepot_ai.store.database import Database

MOST_ROWS = 200
TIMEOUT_S = 30
_READS = {"SELECT", "WITH", "VALUES", "TABLE"}
# What may stand before the first word.
_BEFORE = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_NUMBERS = {20, 21, 23, 26, 700, 701, 1700}


@dataclass(frozen=True)
class Answer:
    """What was found, as PostgreSQL writes it.

    Attributes:
        columns: their names.
        rows: at most as many as were asked for; None is NULL.
        numbers: which columns hold numbers.
        more: whether there are more rows.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    numbers: tuple[bool, ...]
    more: bool


def read(db: Database, statement: str, *, most_rows: int = MOST_ROWS, timeout_s: float = TIMEOUT_S) -> Answer:
    """Run one SELECT in a read-only transaction of the reader's. Sealed addresses stay sealed.

    Raises:
        DatabaseError: it is no statement that reads, takes too long, or PostgreSQL refuses it.
    """
    first = re.match(r"\w*", statement[_BEFORE.match(statement).end() :])  # type: ignore[union-attr]
    if first is None or first[0].upper() not in _READS:
        raise DatabaseError(
            "this takes one SELECT (or WITH, VALUES, TABLE): what changes something is done in psql as the "
            "owner"
        )
    try:
        with db.reader() as conn:
            conn.execute("SELECT set_config('statement_timeout', %s, true)", [f"{int(timeout_s * 1000)}ms"])
            # A cursor takes only what reads; prepared, only one statement.
            conn.execute(f"DECLARE typed NO SCROLL CURSOR FOR {statement}".encode(), prepare=True)
            cursor = conn.execute(f"FETCH {most_rows + 1} FROM typed".encode())
            found, encoding = cursor.pgresult, conn.info.encoding
            assert found is not None
            every = range(found.nfields)
            rows = [
                tuple(
                    None if value is None else value.decode(encoding, "replace")
                    for value in (found.get_value(row, column) for column in every)
                )
                for row in range(found.ntuples)
            ]
            return Answer(
                columns=tuple((found.fname(column) or b"").decode(encoding, "replace") for column in every),
                rows=rows[:most_rows],
                numbers=tuple(found.ftype(column) in _NUMBERS for column in every),
                more=len(rows) > most_rows,
            )
    except psycopg.errors.QueryCanceled:
        raise DatabaseError(
            f"it took longer than {timeout_s:g} s and was ended: ask for less, with a narrower WHERE"
        ) from None
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip()
        raise DatabaseError(f"PostgreSQL refuses this: {said}") from None
