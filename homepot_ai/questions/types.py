"""What goes through a question: what was understood, what that is in the database, what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from homepot_ai.language.facts import Book, Language, Mode

SlotName = Literal[
    "device", "site", "other_site", "type", "metric", "period", "since", "horizon", "incident", "n",
    "severity", "category", "person",
]  # fmt: skip


@dataclass(frozen=True)
class Asker:
    """On whose behalf a question is answered.

    Attributes:
        user: mail address or token's name; "" at the command line and in the UI.
        sites: what they may see; None: everything.
        timezone: relative times are theirs.
    """

    user: str = ""
    sites: frozenset[int] | None = None
    timezone: str = "UTC"
    mode: Mode = "maintenance"
    language: Language = "en"


@dataclass(frozen=True)
class Understood:
    """What a text was taken for; slots are still its words.

    Attributes:
        intent: key in the catalogue; None: out of scope or nothing sure enough.
        slots: by name, the words of the question (`device`: "till 3", `since`: "yesterday 8am").
        how: what decided; confidence 0 to 1.
        nearest: intents that came close, best first: offered when nothing is sure.
    """

    intent: str | None
    slots: Mapping[str, str]
    how: Literal["rule", "example", "model", "follow-up", "none"]
    confidence: float
    language: Language = "en"
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """A stretch of time, aware; `words`: as it is printed, in the asker's zone."""

    start: datetime
    end: datetime
    words: str


@dataclass(frozen=True)
class Slots:
    """Slots resolved against the database."""

    device: int | None = None
    site: int | None = None
    other_site: int | None = None
    device_type: str | None = None
    metric: str | None = None
    span: Span | None = None
    horizon_hours: int | None = None
    incident: int | None = None
    n: int | None = None
    severity: str | None = None
    category: str | None = None
    person: str | None = None


@dataclass(frozen=True)
class RelevantDevice:
    """A device that an answer is about."""

    id: int
    name: str
    status: str


@dataclass(frozen=True)
class Found:
    """What a named query found, ready to be worded.

    Attributes:
        book: facts and template sentences of the answer.
        table: (heads, rows) for people, worded; at most the row cap. `more`: rows not shown.
        data_as_of: the newest data it rests on; None: there is none.
    """

    book: Book
    devices: Sequence[RelevantDevice] = ()
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    more: int = 0
    span: Span | None = None
    data_as_of: datetime | None = None


@dataclass(frozen=True)
class Ambiguous:
    """A name fits several; the candidates are offered. `of`: which slot."""

    of: str
    said: str
    candidates: tuple[str, ...] = field(default=())
