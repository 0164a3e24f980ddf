"""What a named query writes its answer on: a book of facts and sentences, a table, the devices it is about.

Sentences are keys of the catalogues (`templates/locale/LANGUAGE/reports.po`); values stand in them as
references only, so that the same page can be worded by a model or by its template.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from homepot_ai.fleet import metrics
from homepot_ai.health.rows import deviating, passed, stored_factors
from homepot_ai.language.booking import Builder, Ref
from homepot_ai.questions.types import Asker, Found, RelevantDevice, Span
from homepot_ai.reporting.periods import local
from homepot_ai.reporting.terms import STATUS, type_word
from homepot_ai.reporting.voice import ABSENT, Voice, message
from homepot_ai.settings import project_home
from homepot_ai.text import NBSP, clean

#: Devices that an answer says it is about, at most.
ABOUT = 50
CELL = 80
#: A day's worth: what is older than this is said to be old.
STALE = timedelta(minutes=10)
#: Of forecasts' intervals.
COVERAGE = 0.8
WORDS = {
    "open": message("open"), "acknowledged": message("acknowledged"), "closed": message("closed"),
    "critical": message("critical"), "warning": message("warning"), "info": message("info"),
    "high": message("high"), "moderate": message("moderate"), "low": message("low"),
    "unknown": message("unknown"), "proposed": message("proposed"), "accepted": message("accepted"),
    "helped": message("it helped"), "did_not_help": message("it did not help"),
    "cannot_tell": message("nobody can tell"), "held": message("it held"),
    "came_back": message("it came back"), "failure": message("failure"),
}  # fmt: skip

TYPES = {
    "pos_terminal": message("POS terminal"), "kiosk": message("kiosk"), "gateway": message("gateway"),
    "iot_sensor": message("IoT sensor"), "tablet": message("tablet"), "printer": message("printer"),
}  # fmt: skip


class Page:
    """Collects an answer.

    >>> from datetime import UTC
    >>> page = Page("device_status", Asker(), datetime(2026, 11, 20, tzinfo=UTC))
    >>> till = page.device(3, "Till 3", "healthy")
    >>> page.say("{device} is {status}.", device=till, status=page.state(till, "status", "healthy"))
    >>> found = page.found()
    >>> found.book.template[0].text, found.devices[0].name
    ('{D1} is {f1}.', 'Till 3')
    """

    def __init__(self, key: str, asker: Asker, now: datetime, span: Span | None = None) -> None:
        """An empty page of a question."""
        self.asker, self.now, self.span = asker, now, span
        self.voice = Voice(asker.language, asker.timezone, templates=project_home() / "templates")
        self.book = Builder(f"answer.{key}", asker.language, asker.mode, at_most=6)
        self._devices: dict[int, RelevantDevice] = {}
        self._table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
        self._more = 0
        self.as_of: datetime | None = None

    # --- words

    def t(self, text: str, /, **values: object) -> str:
        """A text in the asker's language."""
        return self.voice.t(text, **values)

    def say(self, text: str, /, **refs: object) -> None:
        """A sentence; what it names are references."""
        self.book.say(self.voice.t(text, **refs))

    def word(self, key: str | None) -> str:
        """A status, level or state as people say it."""
        known = WORDS.get(key or "") or STATUS.get(key or "")  # type: ignore[call-overload]
        return self.t(known) if known else type_word(key or ABSENT)

    def when(self, moment: datetime | None) -> str:
        """A moment on the asker's clock."""
        return ABSENT if moment is None else self.voice.clock(moment)

    def ago(self, moment: datetime) -> str:
        """How long ago a moment was."""
        return self.voice.duration(max(0.0, (self.now - moment).total_seconds() / 60))

    @property
    def period(self) -> str:
        """The span in words; "" where there is none."""
        return self.span.words if self.span else ""

    # --- subjects

    def device(self, id: int, name: str, status: str | None = None, site: Ref | None = None) -> Ref:
        """A device that the answer is about."""
        told = clean(name)
        if id not in self._devices and len(self._devices) < ABOUT:
            self._devices[id] = RelevantDevice(id, told, status or "")
        return self.book.device(told, at=site, key=id)

    def site(self, id: int, name: str) -> Ref:
        """A site."""
        return self.book.site(clean(name), key=id)

    def everything(self) -> Ref:
        """All that the asker may see."""
        return self.book.fleet(self.t("the fleet") if self.asker.sites is None else self.t("your sites"))

    def type(self, name: str, site: str | None = None) -> Ref:
        """Devices of a type, at a site where one is named."""
        told = self.t("the type {type}", type=self.type_name(name))
        if site is not None:
            told = self.t("{type} at {site}", type=told, site=clean(site))
        return self.book.type(told, key=told)

    def type_name(self, name: str) -> str:
        """A type as people call it; what HOMEPOT's users made up stays as it is."""
        return self.t(TYPES[name]) if name in TYPES else type_word(name)

    def sure(self) -> Ref:
        """How likely an interval of ours holds what it is of."""
        return self.share(None, "probability", COVERAGE)

    def incident(self, id: int) -> Ref:
        """An incident by its number."""
        return self.book.incident(self.t("Incident {n}", n=id), key=id)

    # --- facts

    def state(self, subject: Ref | None, metric: str, value: str, shown: str = "", **more: Any) -> Ref:
        """A state by its word, or others' text as it stands (cleaned)."""
        return self.book.state(subject, self.t(metric), value, shown or self.word(value), **more)

    def text(self, subject: Ref | None, metric: str, value: str, **more: Any) -> Ref:
        """Words that others wrote."""
        told = clean(value)
        return self.book.state(subject, self.t(metric), told, told, **more)

    def count(self, subject: Ref | None, metric: str, value: int, **more: Any) -> Ref:
        """How many."""
        return self.book.count(subject, self.t(metric), value, self.voice.number(value), **more)

    def share(self, subject: Ref | None, metric: str, value: float, **more: Any) -> Ref:
        """A part of a whole."""
        return self.book.share(subject, self.t(metric), value, self.voice.percent(value), **more)

    def score(self, subject: Ref, value: float, **more: Any) -> Ref:
        """A health score."""
        more.setdefault("source", "ai_health_scores.score")
        return self.book.value(
            subject, self.t("health score"), round(value, 4), self.voice.score(value), precision=0.01, **more
        )

    def measured(self, subject: Ref, metric: str, value: float, **more: Any) -> Ref:
        """A metric's value in its unit."""
        return self.book.value(
            subject, self.voice.metric(metric), value, self.voice.value(metric, value),
            unit=metrics.unit(metric), **more,
        )  # fmt: skip

    def difference(self, metric: str, change: float) -> str:
        """A change of a metric without its sign; of what is a percentage, in points of it."""
        if metrics.unit(metric) != "%":
            return self.voice.value(metric, abs(change))
        points = self.voice.number(abs(change), 0 if abs(change) >= 10 else 1)
        return self.t("{n} percentage points", n=points).replace(" ", NBSP)

    def moment(self, subject: Ref | None, metric: str, value: datetime, **more: Any) -> Ref:
        """A point in time on the asker's clock."""
        shown = self.when(value)
        zone = local(value, self.asker.timezone).tzname() or ""
        if self.span is None and not shown.endswith(zone):  # no line beside the answer says the zone
            shown = f"{shown}{NBSP}{zone}"
        return self.book.moment(subject, self.t(metric), value, shown, **more)

    def duration(self, subject: Ref | None, metric: str, minutes: float, **more: Any) -> Ref:
        """A length of time."""
        return self.book.duration(subject, self.t(metric), minutes, self.voice.duration(minutes), **more)

    def tell_why(self, subject: Ref, factors: Sequence[Any] | None, at_most: int = 3) -> bool:
        """What deviates, in one sentence; False: which metric it is was not recorded."""
        causes = [
            self.book.cause(
                subject, self.t("what deviates"), clause, clause, source="ai_health_scores.factors"
            )
            for clause in self.why(factors)[:at_most]
        ]
        if causes:
            self.say("What deviates: {reason}.", reason="; ".join(causes))
        return bool(causes)

    def money(self, subject: Ref | None, metric: str, value: float, currency: str, **more: Any) -> Ref:
        """A sum of money, in whole units of its currency."""
        return self.book.value(
            subject, self.t(metric), value, f"{self.voice.number(value)} {clean(currency, 8)}",
            unit=clean(currency, 8), **more,
        )  # fmt: skip

    def about(self) -> Ref:
        """The span as a fact, to be put at a sentence's end."""
        return self.book.state(None, self.t("period"), self.period, self.period, period=self.period)

    # --- the rest of an answer

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[object]], total: int | None = None) -> None:
        """A table in the asker's language; `total`: how many rows there are, where they are not all here."""
        shown = [[clean(str(cell), CELL) if cell not in (None, "") else "" for cell in row] for row in rows]
        self._table = ([self.t(head) for head in heads], shown)
        self._more = max(0, (total or 0) - len(shown))

    def heads(self, *heads: str) -> Sequence[str]:
        """Column titles: a way to name them for the catalogues."""
        return heads

    def dated(self, *moments: datetime | None) -> None:
        """The newest data that the answer rests on."""
        known = [moment for moment in (*moments, self.as_of) if moment is not None]
        self.as_of = max(known, default=None)

    def found(self) -> Found:
        """The answer."""
        return Found(
            self.book.book(), tuple(self._devices.values()), self._table, self._more, self.span, self.as_of
        )

    def why(self, factors: Sequence[Any] | None) -> list[str]:
        """What deviates, in a clause each, the heaviest first; numbers stand in them as they were seen."""
        told: list[str] = []
        known = stored_factors(factors or [])
        outside = deviating(known)
        if known and not outside:
            return [self.t("several metrics together")]
        for factor in outside[:3]:
            name = self.voice.metric(factor.metric)
            seen = None if factor.observed != factor.observed else factor.observed
            low, high = metrics.told_band(factor.metric, seen, factor.low, factor.high)
            value = self.voice.value(factor.metric, seen)
            if seen is None:
                told.append(name)
            elif passed(factor) and high is not None:
                told.append(
                    self.t(
                        "{metric} {value} and rising, over its limit of {limit}", metric=name, value=value,
                        limit=self.voice.value(factor.metric, high),
                    )
                )  # fmt: skip
            elif factor.kind == "trend" and high is not None and factor.hours == factor.hours:
                told.append(
                    self.t(
                        "{metric} {value} and rising, reaches {limit} in about {duration}", metric=name,
                        value=value, limit=self.voice.value(factor.metric, high),
                        duration=self.voice.duration(factor.hours * 60),
                    )
                )  # fmt: skip
            elif low is not None and high is not None:
                told.append(
                    self.t(
                        "{metric} {value}, expected {low} to {high}", metric=name, value=value,
                        low=self.voice.value(factor.metric, low), high=self.voice.value(factor.metric, high),
                    )
                )  # fmt: skip
            elif high is not None:
                most = self.voice.value(factor.metric, high)
                told.append(
                    self.t("{metric} {value}, expected at most {high}", metric=name, value=value, high=most)
                )
            elif low is not None:
                least = self.voice.value(factor.metric, low)
                told.append(
                    self.t("{metric} {value}, expected at least {low}", metric=name, value=value, low=least)
                )
            else:
                told.append(f"{name} {value}")
        return told
