"""One judgement of each device out of all that is known: level, cause, what to do. Pure.

Two things put a device at risk: a failure that is likely (the leading forecaster's probabilities against
the thresholds in force, `prediction.thresholds`), and a limit that is about to be crossed. The higher level
counts, and names the cause. A crossing is judged by the early edge of its 80 % interval, not by its middle:

    critical   within a day, surely (the middle as well)
    high       within a week
    moderate   within thirty days

Refused, with level `unknown`: nothing can be said of a device that is silent, or too young.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from homepot_ai.fleet import metrics
from homepot_ai.prediction.forecast import SILENT_HOURS
from homepot_ai.prediction.history import DAY_S, HOUR_S, Courses, Fleet
from homepot_ai.prediction.records import HORIZONS, Crossing, DeviceRisk, Fact, Histories, Level, Refusal
from homepot_ai.prediction.screen import Screen
from homepot_ai.prediction.thresholds import Thresholds
from homepot_ai.prediction.track_record import TrackRecord

Doubles = npt.NDArray[np.float64]
LEVELS: tuple[Level, ...] = ("unknown", "low", "moderate", "high", "critical")
BASE_RATE, HAZARD, FAILURE = "base-rate", "hazard", "failure"
#: A fleet that has no failures yet: one per device and year, believed as much as one failure.
PRIOR_PER_DAY, PRIOR_FAILURES = 1 / 365, 1.0
FACTS_SHOWN = 5

_ACTIONS = (
    ("disk", "Free disk space or extend the volume; find what grows (logs, journals, caches)."),
    ("memory", "Restart the service that grows outside opening hours; look which update brought it."),
    ("cpu", "Look which process grows; plan more capacity or move work elsewhere."),
    ("latency", "Check uplink, gateway and cabling of the site."),
    ("error", "Read the device's error log; check the service it talks to."),
    ("temperature", "Check ventilation and surroundings of the device."),
)
_FACT_ACTIONS = (
    ("log", "Read the device's log since it began; check the part that it names."),
    ("job", "Look why its jobs fail; run one by hand."),
    ("anomaly", "Inspect it at the next visit; compare with its last incidents."),
    ("silen", "Check power and network of the device."),
    ("age", "Plan its replacement."),
    ("maint", "Bring its maintenance forward."),
)
_OTHERWISE = "Inspect it at the next visit; keep a spare at hand."


class FailureModel(Protocol):
    """What judges failures: `prediction.hazard` fits one."""

    @property
    def label(self) -> str: ...

    def predict(
        self, histories: Histories, device_positions: npt.NDArray[np.int64], step: float
    ) -> tuple[Doubles, Doubles, Sequence[Sequence[Fact]]]:
        """Probabilities [n, 3] by HORIZONS, life in days [n, 3] (NaN unknown), facts by device."""
        ...


@dataclass(frozen=True)
class Hazard:
    """Failure probabilities of every device of a fleet.

    Attributes:
        probabilities: [D, 3] by HORIZONS; base: [3], the fleet's base rates.
        life: [D, 3] in days, NaN where it cannot be said; facts: [D], the strongest first.
        forecaster, version: whose they are.
    """

    probabilities: Doubles
    base: Doubles
    life: Doubles
    facts: Sequence[Sequence[Fact]]
    forecaster: str
    version: str


@dataclass(frozen=True)
class Seen:
    """A series that was looked at closely: its place in the courses, its crossing or why there is none.

    `week` are low, mid, high of the hour a week ahead; `sampled`: looked at by lot, not because it stood out.
    """

    series: int
    crossing: Crossing | None = None
    refused: Refusal | None = None
    week: tuple[float, float, float] | None = None
    sampled: bool = False
    forecaster: str = ""


def base_rates(failures: int, device_days: float) -> Doubles:
    """The trivial answer: how likely a failure of any device is in each of HORIZONS, [3].

    Failures per device-day, with a prior of one a year that weighs as much as one failure.

    >>> base_rates(0, 0.0).round(4).tolist()
    [0.0027, 0.019, 0.0611]
    """
    rate = (failures + PRIOR_FAILURES) / (device_days + PRIOR_FAILURES / PRIOR_PER_DAY)
    hours = np.array([hi - lo for lo, hi in HORIZONS.values()], np.float64)
    return np.asarray(1 - np.exp(-rate * hours / 24))


def hazard(
    model: FailureModel | None, histories: Histories, devices: int, days: int, base: Doubles
) -> Hazard:
    """Ask the model in force about every device; without one the base rate answers, and is called so."""
    if model is None or not devices:
        return Hazard(
            np.tile(base, (devices, 1)),
            base,
            np.full((devices, 3), np.nan),
            [()] * devices,
            BASE_RATE,
            "prior",
        )
    found, life, facts = model.predict(histories, np.arange(devices), float(days))
    return Hazard(np.clip(found, 0, 1), base, life, facts, HAZARD, model.label)


def refusals(
    fleet: Fleet, courses: Courses, screened: Screen, replaced: npt.NDArray[np.bool_], least_days: int
) -> list[Refusal | None]:
    """By device: why nothing can be said of it; None where something can.

    Args:
        replaced: devices whose present unit is not their first.
    """
    first, last = np.full(len(fleet), np.inf), np.full(len(fleet), -np.inf)
    np.minimum.at(first, courses.device, courses.first_t)
    np.maximum.at(last, courses.device, courses.last_t)
    out: list[Refusal | None] = []
    for i in range(len(fleet)):
        silent = (courses.until - last[i]) / HOUR_S
        seen = (courses.until - first[i]) / DAY_S
        if not np.isfinite(last[i]):
            out.append(Refusal("no_data", f"no telemetry within {courses.days} days"))
        elif silent >= SILENT_HOURS:
            out.append(Refusal("vanished", f"no telemetry for {silent / 24:.1f} days"))
        elif replaced[i] and screened.age_days[i] < least_days:
            text = f"replaced {screened.age_days[i]:.1f} days ago: {least_days} are needed"
            out.append(Refusal("just_replaced", text))
        elif seen < least_days - 0.5:
            out.append(Refusal("short_history", f"{seen:.1f} days of history: {least_days} are needed"))
        else:
            out.append(None)
    return out


def crossing_level(crossing: Crossing, at: datetime) -> Level:
    """How urgent a crossing is, by the early edge of its interval."""
    if crossing.low is None or crossing.low > at + timedelta(days=30):
        return "low"
    if crossing.low > at + timedelta(days=7):
        return "moderate"
    sure = crossing.mid is not None and crossing.mid <= at + timedelta(days=1)
    return "critical" if sure else "high"


@dataclass(frozen=True)
class Kept:
    """What was written: risks, and rows of the ledger; `look_back`: nothing was, it is for a past moment."""

    risks: int
    ledger: int
    look_back: bool


@dataclass(frozen=True)
class Judged:
    """Everything that one run found.

    Attributes:
        risks: one per device that was asked about, in the fleet's order.
        seen: series that were looked at closely; sites: names by number; kept: None until it is.
        notes: what degraded, a sentence each.
    """

    at: datetime
    fleet: Fleet
    courses: Courses
    risks: Sequence[DeviceRisk]
    hazard: Hazard
    seen: Sequence[Seen]
    thresholds: Thresholds
    everybody: bool = True
    sites: Mapping[int, str] = field(default_factory=dict)
    record: TrackRecord = field(default_factory=TrackRecord)
    notes: tuple[str, ...] = ()
    kept: Kept | None = None

    @property
    def forecasts(self) -> int:
        return len(self.seen)


def judge(
    at: datetime,
    fleet: Fleet,
    courses: Courses,
    screened: Screen,
    found: Hazard,
    seen: Sequence[Seen],
    refused: Sequence[Refusal | None],
    thresholds: Thresholds,
    leaders: Mapping[str, str],
) -> list[DeviceRisk]:
    """One risk per device, in the fleet's order.

    Args:
        leaders: by horizon, the forecaster whose probability counts.
    """
    used = np.stack(
        [
            np.full(len(fleet), found.base[i])
            if leaders.get(name) == BASE_RATE
            else found.probabilities[:, i]
            for i, name in enumerate(HORIZONS)
        ],
        axis=1,
    ) if len(fleet) else np.zeros((0, len(HORIZONS)))  # fmt: skip
    by_device: dict[int, list[Seen]] = {}
    for one in seen:
        by_device.setdefault(int(courses.device[one.series]), []).append(one)
    out = []
    for i, (device_id, no) in enumerate(zip(fleet.ids.tolist(), refused, strict=True)):
        mine = by_device.get(i, [])
        details = _details(screened, i, courses, mine)
        if no is not None:
            out.append(
                DeviceRisk(
                    device_id, at, "unknown", None, None, {}, found.forecaster, found.version, None, None, no,
                    None, (), details,
                )
            )  # fmt: skip
            continue
        p = {name: float(used[i, k]) for k, name in enumerate(HORIZONS)}
        level = thresholds.level(p["24h"], p["7d"])
        crossings = [
            one.crossing for one in mine if one.crossing is not None and one.crossing.low is not None
        ]
        first = min(crossings, key=lambda c: c.low or at, default=None)
        cause, metric, action = None, None, None
        facts = tuple(found.facts[i])[:FACTS_SHOWN]
        if level != "low":
            cause, action = FAILURE, failure_action(facts)
        if first is not None:
            its = crossing_level(first, at)
            if LEVELS.index(its) >= LEVELS.index(level) and its != "low":
                level, cause, metric = its, f"{first.metric}.high", first.metric
                action = limit_action(first.metric)
            facts = (_crossing_fact(first), *facts)[:FACTS_SHOWN]
        life = found.life[i]
        whose = found.forecaster if found.forecaster == BASE_RATE else leaders.get("7d", found.forecaster)
        out.append(
            DeviceRisk(
                device_id, at, level, cause, metric, p, whose, found.version, first,
                (float(life[0]), float(life[1]), float(life[2])) if np.isfinite(life).all() else None, None,
                action, facts, details,
            )
        )  # fmt: skip
    return out


def _crossing_fact(crossing: Crossing) -> Fact:
    unit = f"{crossing.unit} a day".strip()
    return Fact(f"{metrics.label(crossing.metric)} trend", round(crossing.per_day, 4), unit, 0.0, 0.0)


def _details(screened: Screen, device: int, courses: Courses, mine: Sequence[Seen]) -> dict[str, Any]:
    """What stands behind a risk, for the page and for whoever asks later; only what there is."""
    numbers = {
        "anomalies_per_day": screened.anomalies[device],
        "errors_per_day": screened.errors[device],
        "health_lost_hours_per_day": screened.health_lost[device],
        "age_days": screened.age_days[device],
        "days_since_maintenance": screened.maintained_days[device],
    }
    out: dict[str, Any] = {k: round(float(v), 2) for k, v in numbers.items() if np.isfinite(v) and v}
    refused = {
        courses.names[courses.metric[one.series]]: one.refused.text
        for one in mine
        if one.refused is not None and not one.sampled
    }
    if refused:
        out["no_forecast"] = refused
    return out


def limit_action(metric: str) -> str:
    """What to do about a metric that is on its way to its limit.

    >>> limit_action("disk_percent")[:16]
    'Free disk space '
    """
    return next((text for word, text in _ACTIONS if word in metric), "Look what grows, and plan capacity.")


def failure_action(facts: Sequence[Fact]) -> str:
    """What to do about a failure that is likely, by the fact that pushes most."""
    for fact in sorted(facts, key=lambda f: -f.effect):
        if fact.effect <= 0:
            break
        for word, text in (*_FACT_ACTIONS, *_ACTIONS):
            if word in fact.name.casefold():
                return text
    return _OTHERWISE
