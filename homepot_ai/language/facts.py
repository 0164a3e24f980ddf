"""Typed facts that a text may speak of, under aliases, and the book of one passage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["en", "de"]
Mode = Literal["maintenance", "predictive", "executive"]
Stance = Literal["fact", "hypothesis"]
#: `delta` carries a direction; `rank` is highest or lowest of its set; `count` and `share` may prove all or
#: none; `cause` names what a rule has proved to be the cause of something.
FactKind = Literal["value", "delta", "rank", "share", "count", "moment", "duration", "state", "cause"]
Direction = Literal[-1, 0, 1]


@dataclass(frozen=True)
class Subject:
    """Somebody or something that facts are about.

    Attributes:
        alias: what a model knows it by: `D1`, `S2`, `T1`, `I3`.
        name: as it stands on the page: cleaned by :func:`homepot_ai.text.clean`. Never shown to a model.
    """

    alias: str
    kind: Literal["device", "site", "type", "fleet", "incident", "person"]
    name: str


@dataclass(frozen=True)
class Fact:
    """One thing that is known, and that a text may mention.

    Attributes:
        id: its alias, `f1`, `f2` …
        subject: alias of the subject it is about; "" for the passage's whole.
        metric: what is measured, as words of the language (`temperature`, `time out of order`).
        value: as it is in the database (numbers in `unit`, moments as ISO 8601, states as words).
        shown: as it stands on the page, with its unit: put in by code wherever `{id}` stands.
        direction: of a delta: rose 1, fell -1, unchanged 0; of a rank: highest 1, lowest -1.
        better: whether that direction is good news; None: neither.
        universal: what a count or share proves of its set.
        period: about when, as words; precision: of the value, in its unit.
        other: of a delta between two subjects: alias of the one that it is compared with.
        source: table and columns it was computed from.
    """

    id: str
    kind: FactKind
    subject: str
    metric: str
    value: float | int | str | None
    shown: str
    unit: str = ""
    direction: Direction | None = None
    better: bool | None = None
    universal: Literal["", "all", "none"] = ""
    period: str = ""
    precision: float | None = None
    source: str = ""
    other: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence, of a model or of a template: values only as `{f3}`, names only as `{D1}`.

    Attributes:
        fact_ids: every fact that it rests on.
    """

    text: str
    fact_ids: tuple[str, ...]
    stance: Stance = "fact"


@dataclass(frozen=True)
class Book:
    """Everything that one passage may speak of, and what it says without a model.

    Attributes:
        section: which passage (`daily.summary`, `incident.summary`, `answer.status` …).
        template: sentences that say what must be said; a model's claims replace them, nothing else does.
        events: what happened lately to the subjects (`fleet.events`), written by others: quoted data only.
        at_most: sentences that the passage may have.
        about: where a subject belongs: alias of a device to alias of its site. What is not in here may not
            be said.
    """

    section: str
    language: Language
    mode: Mode
    subjects: tuple[Subject, ...]
    facts: tuple[Fact, ...]
    template: tuple[Claim, ...]
    events: tuple[str, ...] = ()
    at_most: int = 5
    about: Mapping[str, str] = field(default_factory=dict)

    def fact(self, alias: str) -> Fact | None:
        """The fact of an alias."""
        return next((fact for fact in self.facts if fact.id == alias), None)

    def subject(self, alias: str) -> Subject | None:
        """The subject of an alias."""
        return next((subject for subject in self.subjects if subject.alias == alias), None)
