"""Golden queries: questions to memory whose answers a backup must give again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.backup.records import Golden
from homepot_ai.memory import similar
from homepot_ai.memory.index import Folder
from homepot_ai.memory.matching import Exact
from homepot_ai.store import named_sql

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("backup/sql/backup.sql")
#: Of the newest incidents of so many categories; and words that any fleet's operator may say.
CATEGORIES = 8
WORDS = ("the disk is nearly full", "a device does not answer any more", "it is slow and the memory runs out")
SHOWN = 10
#: An index that is built anew is searched a little differently: of all the ids so many are the same.
ALIKE = 0.9


def choose(conn: Connection) -> list[Golden]:
    """Questions for the memory that is there, without answers yet."""
    rows = conn.execute(_SQL["golden"], {"limit": CATEGORIES}).fetchall()
    known = [
        Golden(text=text, category=category, device_type=device_type, metrics=tuple(sorted(metrics)), ids=())
        for text, category, device_type, metrics in rows
    ]
    words = [Golden(text=text, category=None, device_type=None, metrics=(), ids=()) for text in WORDS]
    return known + words


def ask(
    conn: Connection, folder: Folder, settings: Settings, questions: Sequence[Golden], at: datetime
) -> tuple[list[Golden], str | None]:
    """The same questions with the answers of now, and why the index was not asked (None: it was)."""
    found = similar.find(
        conn, folder, settings,
        [similar.Question(one.text, _exact(one), at) for one in questions],
        SHOWN,
    )  # fmt: skip
    answered = [
        one.model_copy(update={"ids": tuple(hit.pattern.id for hit in answer.similar)})
        for one, answer in zip(questions, found, strict=True)
    ]
    return answered, next((answer.degraded for answer in found if answer.degraded), None)


def differences(before: Sequence[Golden], after: Sequence[Golden]) -> list[str]:
    """Questions that are answered otherwise, one line each."""
    return [
        f"{one.text[:60]!r}: {list(one.ids)} before, {list(two.ids)} now"
        for one, two in zip(before, after, strict=True)
        if one.ids != two.ids
    ]


def alike(before: Sequence[Golden], after: Sequence[Golden]) -> bool:
    """Whether an index built anew answers as the old one did.

    The first answers are the same, and of all of them nine in ten.

    >>> one = Golden(text="x", category=None, device_type=None, metrics=(), ids=(1, 2))
    >>> alike([one], [one]), alike([one], [one.model_copy(update={"ids": (2, 1)})])
    (True, False)
    """
    firsts = all(one.ids[:1] == two.ids[:1] for one, two in zip(before, after, strict=True))
    wanted = sum(len(one.ids) for one in before)
    same = sum(len(set(one.ids) & set(two.ids)) for one, two in zip(before, after, strict=True))
    return firsts and same >= ALIKE * wanted


def _exact(one: Golden) -> Exact:
    return Exact(one.device_type, one.category, frozenset(one.metrics))
