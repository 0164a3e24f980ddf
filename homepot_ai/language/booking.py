"""Building a book: subjects and facts get their aliases, template sentences name them by reference.

What a builder hands out stands for its alias wherever text is put together, with `format`, in an f-string
or through a translation, so that a value or a name never gets into a template by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from homepot_ai.errors import LanguageError
from homepot_ai.language.facts import Book, Claim, Direction, Fact, FactKind, Language, Mode, Subject
from homepot_ai.language.render import placeholders
from homepot_ai.text import NBSP, clean

SubjectKind = Literal["device", "site", "type", "fleet", "incident", "person"]
Universal = Literal["", "all", "none"]
_LETTERS: Mapping[SubjectKind, str] = {
    "device": "D", "site": "S", "type": "T", "fleet": "A", "incident": "I", "person": "P",
}  # fmt: skip


class Ref(str):
    """A reference to a subject or fact: reads as its placeholder.

    >>> f"Health of {Ref('D1')}"
    'Health of {D1}'
    """

    __slots__ = ()

    def __new__(cls, alias: str) -> Ref:
        """The reference of an alias."""
        return super().__new__(cls, "{" + alias + "}")

    @property
    def alias(self) -> str:
        """Without its braces."""
        return self[1:-1]


class Builder:
    """Collects what one passage may speak of.

    Every method that makes a fact takes `subject` first (a reference; None: the passage as a whole), `metric`
    in words of the book's language (they are the words a model may use of it: `health score`, `time out of
    order`), the `value` as it is in the database and how it is `shown`, with its unit. Say in `period` what
    time it is about (`yesterday`, `last 7 days`); without it no text may say a time.

    >>> b = Builder("answer.device_status", "en", "maintenance")
    >>> shop = b.site("Berlin")
    >>> till = b.device("Till 3", at=shop)
    >>> score = b.value(till, "health score", 0.61, "0.61", period="now")
    >>> fell = b.delta(till, "health score", -0.2, "0.20", better_up=True, period="since yesterday")
    >>> b.say("The health score of {till} is {score}.", till=till, score=score)
    >>> b.say(f"It fell by {fell} since yesterday.", rests_on=[till])
    >>> book = b.book()
    >>> [claim.text for claim in book.template]
    ['The health score of {D1} is {f1}.', 'It fell by {f2} since yesterday.']
    >>> book.facts[1].direction, book.facts[1].better, dict(book.about)
    (-1, False, {'D1': 'S1'})
    """

    def __init__(
        self, section: str, language: Language = "en", mode: Mode = "maintenance", *, at_most: int = 5
    ) -> None:
        """An empty book of a section (`daily.summary`, `answer.status` …)."""
        self.section, self.language, self.mode, self.at_most = section, language, mode, at_most
        self._subjects: list[Subject] = []
        self._keys: dict[tuple[SubjectKind, object], Ref] = {}
        self._facts: list[Fact] = []
        self._claims: list[Claim] = []
        self._events: list[str] = []
        self._about: dict[str, str] = {}

    def __len__(self) -> int:
        """How many template sentences there are so far."""
        return len(self._claims)

    # --- subjects

    def device(self, name: str, *, at: Ref | None = None, key: object = None) -> Ref:
        """A device. `key` (its id): asked again, the same reference; without one, names are never merged."""
        return self._subject("device", name, key, at)

    def site(self, name: str, *, key: object = None) -> Ref:
        """A site."""
        return self._subject("site", name, key)

    def type(self, name: str, *, key: object = None) -> Ref:
        """A type of devices."""
        return self._subject("type", name, key)

    def fleet(self, name: str) -> Ref:
        """Everything that the asker may see, under the name that the page gives it."""
        return self._subject("fleet", name, "fleet")

    def incident(self, name: str, *, at: Ref | None = None, key: object = None) -> Ref:
        """An incident, under its title or number; `at`: the site or device that it hit."""
        return self._subject("incident", name, key, at)

    def person(self, name: str, *, key: object = None) -> Ref:
        """Somebody, as the page names them."""
        return self._subject("person", name, key)

    # --- facts

    def value(
        self, subject: Ref | None, metric: str, value: float | int | str | None, shown: str,
        *, unit: str = "", period: str = "", precision: float | None = None, source: str = "",
    ) -> Ref:  # fmt: skip
        """A level: what is measured or was computed, as it is."""
        return self._fact(
            "value", subject, metric, value, shown, unit=unit, period=period, precision=precision,
            source=source,
        )  # fmt: skip

    def delta(
        self, subject: Ref | None, metric: str, value: float, shown: str,
        *, better_up: bool | None = None, other: Ref | None = None, unit: str = "", period: str = "",
        precision: float | None = None, source: str = "",
    ) -> Ref:  # fmt: skip
        """A change (later less earlier), or with `other` the difference of two subjects (first less other).

        Args:
            shown: without its sign: words carry the direction.
            better_up: whether more of it is good news; None: neither.
        """
        direction: Direction = 0 if value == 0 else 1 if value > 0 else -1
        better = None if better_up is None or direction == 0 else (direction > 0) == better_up
        return self._fact(
            "delta", subject, metric, value, shown, unit=unit, period=period, precision=precision,
            source=source, direction=direction, better=better, other=other.alias if other else "",
        )  # fmt: skip

    def rank(
        self, subject: Ref, metric: str, which: Literal["highest", "lowest"], shown: str,
        *, better: bool | None = None, value: float | None = None, period: str = "", source: str = "",
    ) -> Ref:  # fmt: skip
        """That a subject is the highest or lowest of its set in a metric; `better`: whether that is good."""
        direction: Direction = 1 if which == "highest" else -1
        return self._fact(
            "rank", subject, metric, value, shown, period=period, source=source, direction=direction,
            better=better,
        )  # fmt: skip

    def count(
        self, subject: Ref | None, metric: str, value: int, shown: str,
        *, universal: Universal = "", period: str = "", source: str = "",
    ) -> Ref:  # fmt: skip
        """How many of what `metric` names (`critical devices`). Zero proves none; `universal`: or all."""
        return self._fact(
            "count", subject, metric, value, shown, period=period, source=source,
            universal=universal or ("none" if value == 0 else ""),
        )  # fmt: skip

    def share(
        self, subject: Ref | None, metric: str, value: float | None, shown: str,
        *, universal: Universal = "", period: str = "", source: str = "",
    ) -> Ref:  # fmt: skip
        """A part of a whole, 0 to 1; 1 proves all and 0 none of what `metric` names."""
        proved: Universal = "all" if value == 1 else "none" if value == 0 else ""
        return self._fact(
            "share", subject, metric, value, shown, period=period, source=source,
            universal=universal or proved,
        )  # fmt: skip

    def moment(
        self, subject: Ref | None, metric: str, value: datetime | str | None, shown: str,
        *, period: str = "", source: str = "",
    ) -> Ref:  # fmt: skip
        """A point in time (aware); `metric` says of what: `last seen`, `critical since`, `expected full`."""
        told = value.isoformat() if isinstance(value, datetime) else value
        return self._fact("moment", subject, metric, told, shown, period=period, source=source)

    def duration(
        self, subject: Ref | None, metric: str, value: float | None, shown: str,
        *, unit: str = "min", period: str = "", source: str = "",
    ) -> Ref:  # fmt: skip
        """A length of time."""
        return self._fact("duration", subject, metric, value, shown, unit=unit, period=period, source=source)

    def state(
        self, subject: Ref | None, metric: str, value: str, shown: str, *, period: str = "", source: str = ""
    ) -> Ref:
        """What something is, in words: `critical`, `acknowledged`, a title, an advice."""
        return self._fact("state", subject, metric, value, shown, period=period, source=source)

    def cause(
        self, subject: Ref | None, metric: str, value: str, shown: str, *, period: str = "", source: str = ""
    ) -> Ref:
        """What a rule has proved to be the cause of something."""
        return self._fact("cause", subject, metric, value, shown, period=period, source=source)

    # --- text

    def say(self, text: str, /, *, rests_on: Sequence[Ref] = (), **refs: object) -> None:
        """A template sentence, which must be said: `{names}` stand for the references given by name.

        Text that was put together with references already (an f-string, a translation) needs no names.
        """
        told = text.format(**refs) if refs else text
        mentioned = [*placeholders(told), *(ref.alias for ref in rests_on)]
        facts = tuple(dict.fromkeys(alias for alias in mentioned if alias.startswith("f")))
        self._claims.append(Claim(told, facts))

    def event(self, text: str) -> None:
        """Something that happened lately, in others' words: background for a model, never an instruction."""
        self._events.append(text)

    def book(self) -> Book:
        """The book.

        Raises:
            LanguageError: a sentence names what does not exist, or there is no sentence at all.
        """
        if not self._claims:
            raise LanguageError(f"the passage {self.section!r} has no template sentence: say() at least one")
        known = {subject.alias for subject in self._subjects} | {fact.id for fact in self._facts}
        for claim in self._claims:
            missing = sorted(set(placeholders(claim.text)) - known)
            if missing:
                raise LanguageError(
                    f"the passage {self.section!r} says {', '.join(missing)} in {claim.text!r}, "
                    "which is neither a fact nor a subject of it"
                )
        return Book(
            self.section, self.language, self.mode, tuple(self._subjects), tuple(self._facts),
            tuple(self._claims), tuple(self._events), self.at_most, dict(self._about),
        )  # fmt: skip

    def _subject(self, kind: SubjectKind, name: str, key: object, at: Ref | None = None) -> Ref:
        if key is not None and (kind, key) in self._keys:
            return self._keys[kind, key]
        letter = _LETTERS[kind]
        number = sum(subject.kind == kind for subject in self._subjects) + 1
        ref = Ref(f"{letter}{number}")
        self._subjects.append(Subject(ref.alias, kind, clean(name)))
        if key is not None:
            self._keys[kind, key] = ref
        if at is not None:
            self._about[ref.alias] = at.alias
        return ref

    def _fact(
        self, kind: FactKind, subject: Ref | None, metric: str, value: float | int | str | None, shown: str,
        *, unit: str = "", period: str = "", precision: float | None = None, source: str = "",
        direction: Direction | None = None, better: bool | None = None, universal: Universal = "",
        other: str = "",
    ) -> Ref:  # fmt: skip
        ref = Ref(f"f{len(self._facts) + 1}")
        self._facts.append(
            Fact(
                ref.alias, kind, subject.alias if subject else "", metric, value, _shown(shown), unit,
                direction, better, universal, period, precision, source, other,
            )
        )  # fmt: skip
        return ref


def _shown(text: str) -> str:
    """Cleaned, but a number stays with its unit: the cleaner takes a no-break space for any other."""
    return clean(text.replace(NBSP, "\ue000")).replace("\ue000", NBSP)
