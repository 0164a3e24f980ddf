"""The forecasts' own track record, in public: what they promised and what happened.

Made of the ledger's daily rows only, which exist for every device whatever its risk. Per forecaster and
horizon: Brier score, skill against the base rate that stands in the same rows (1 - Brier / Brier of the base
rate), the reliability curve with Wilson intervals, and its mean distance from the diagonal (expected
calibration error). Daily forecasts of a horizon of seven days tell seven times the same: intervals,
'anecdotal' and the choice of the leader count them once (`n` divided by the overlap), which is said as
`independent`. Accuracy is not shown: where few devices fail, always-no has nearly all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from homepot_ai.intervals import wilson
from homepot_ai.prediction.records import HORIZONS
from homepot_ai.prediction.thresholds import STEP, Thresholds, learn
from homepot_ai.store import ledger
from homepot_ai.store.ledger import FailureBin, IntervalCount

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection

SPAN = timedelta(days=180)
EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
BASE_RATE = "base-rate"
#: Who leads until the record says otherwise.
FIRST_LEADER = "hazard"
#: A challenger's advantage is shrunk by so many forecasts, and must then exceed this share of the base's
#: score.
LEADER_PRIOR_N = 100.0
LEADER_MARGIN = 0.02


@dataclass(frozen=True)
class Point:
    """Forecasts of about one probability: what was said, what happened, and its 95 % interval."""

    said: float
    happened: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Figure:
    """The record of one forecaster for one horizon.

    Attributes:
        n: settled forecasts; independent: the same with overlapping ones counted once.
        skill: against the base rate of the same rows; None where none stands in them, or it scores 0.
        calibration_error: mean distance of said and happened, weighted by n.
    """

    forecaster: str
    horizon: str
    n: int
    independent: float
    happened: int
    brier: float
    base_brier: float | None
    skill: float | None
    calibration_error: float
    curve: tuple[Point, ...]
    anecdotal: bool


@dataclass(frozen=True)
class Coverage:
    """How often intervals held what happened.

    Attributes:
        promised: e.g. 0.8; error: median miss of the middle, in days or in the metric's unit.
    """

    forecaster: str
    kind: str
    promised: float
    n: int
    held: float
    low: float
    high: float
    error: float | None
    anecdotal: bool


@dataclass(frozen=True)
class Warnings:
    """What became of the warnings that people got.

    Attributes:
        false_share: false alarms among those that came true or were false, with its interval; None: none yet.
        lead_hours: median time from a warning to the failure.
        failures, unwarned: failures since forecasts are made, and how many nothing had warned of.
    """

    came_true: int = 0
    averted: int = 0
    false_alarms: int = 0
    censored: int = 0
    waiting: int = 0
    lead_hours: float | None = None
    failures: int = 0
    unwarned: int = 0

    @property
    def told(self) -> int:
        """Those whose outcome says whether they were right."""
        return self.came_true + self.false_alarms

    @property
    def false_share(self) -> tuple[float, float, float] | None:
        """Share of false alarms with its 95 % interval."""
        if not self.told:
            return None
        share = self.false_alarms / self.told
        return share, *wilson(share, self.told)


@dataclass(frozen=True)
class TrackRecord:
    """Everything that is known about how good the forecasts are, as of a moment.

    Attributes:
        made_at: when it was computed; None: never, everything is a prior.
        leaders: by horizon, the forecaster whose probability is used.
    """

    made_at: datetime | None = None
    figures: tuple[Figure, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    warnings: Warnings = Warnings()
    thresholds: Thresholds = field(default_factory=Thresholds)
    leaders: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(HORIZONS, FIRST_LEADER))
    settled: int = 0
    censored: int = 0
    waiting: int = 0

    def leader(self, horizon: str) -> str:
        """Whose probability is used for a horizon."""
        return self.leaders.get(horizon, FIRST_LEADER)

    def figure(self, horizon: str, forecaster: str | None = None) -> Figure | None:
        """The record of a forecaster (the leading one) for a horizon."""
        who = forecaster or self.leader(horizon)
        return next((f for f in self.figures if (f.forecaster, f.horizon) == (who, horizon)), None)


def overlap_of(horizon: str) -> float:
    """How many daily forecasts of a horizon are about mostly the same days.

    >>> overlap_of("24h"), overlap_of("7-30d")
    (1.0, 23.0)
    """
    begin, end = HORIZONS.get(horizon, (0, 24))
    return max(1.0, (end - begin) / 24)


def figures_of(bins: Sequence[FailureBin], least_settled: int) -> tuple[Figure, ...]:
    """The figures of every forecaster and horizon, out of the ledger's counts sorted by them."""
    made = []
    for (forecaster, horizon), group in groupby(bins, key=lambda b: (b.forecaster, b.horizon)):
        mine = list(group)
        n = sum(b.n for b in mine)
        independent = n / overlap_of(horizon)
        with_base = sum(b.with_base for b in mine)
        base, beside = sum(b.base_sum for b in mine), sum(b.beside_sum for b in mine)
        curve = _curve(mine, overlap_of(horizon))
        made.append(
            Figure(
                forecaster=forecaster,
                horizon=horizon,
                n=n,
                independent=independent,
                happened=sum(b.happened for b in mine),
                brier=sum(b.brier_sum for b in mine) / n,
                base_brier=base / with_base if with_base else None,
                skill=1.0 - beside / base if base > 0 else None,
                calibration_error=sum(p.n * abs(p.said - p.happened) for p in curve) / n,
                curve=curve,
                anecdotal=independent < least_settled,
            )
        )
    return tuple(made)


def _curve(bins: Sequence[FailureBin], overlap: float) -> tuple[Point, ...]:
    points = []
    for low, high in pairwise(EDGES):
        mine = [b for b in bins if low <= b.step * STEP < high or (high == 1.0 and b.step * STEP >= 1.0)]
        n = sum(b.n for b in mine)
        if n:
            share = sum(b.happened for b in mine) / n
            points.append(Point(sum(b.p_sum for b in mine) / n, share, *wilson(share, n / overlap), n))
    return tuple(points)


def coverages_of(counts: Sequence[IntervalCount], least_settled: int) -> tuple[Coverage, ...]:
    """How often intervals held, by forecaster and kind. Seven days overlap for a level seven days ahead."""
    made = []
    for c in counts:
        independent = c.n / 7.0
        made.append(
            Coverage(
                c.forecaster, c.kind, round(c.coverage, 3), c.n, c.held / c.n,
                *wilson(c.held / c.n, independent), c.error, independent < least_settled,
            )
        )  # fmt: skip
    return tuple(made)


def choose_leaders(figures: Sequence[Figure], before: Mapping[str, str]) -> dict[str, str]:
    """Who leads each horizon: the one in force, until another's advantage survives shrinking.

    Skill, each against the base rate of its own rows, is shrunk towards none by `LEADER_PRIOR_N` forecasts,
    so that a lucky beginner does not lead; and a change needs an advantage of `LEADER_MARGIN`, so that two
    equals do not take turns. The base rate itself leads where the others do worse than it.
    """
    leaders = dict(before)
    for horizon in HORIZONS:
        gains = {f.forecaster: _gain(f) for f in figures if f.horizon == horizon and f.skill is not None}
        if not gains:
            continue
        holder = leaders.get(horizon, FIRST_LEADER)
        best = min(gains, key=lambda who: (-gains[who], who))
        if best != holder and gains[best] - gains.get(holder, 0.0) > LEADER_MARGIN:
            leaders[horizon] = best
    return leaders


def _gain(figure: Figure) -> float:
    """Shrunk skill. Of the base rate in the same rows: forecasters of other times had other failures."""
    return (figure.skill or 0.0) * figure.independent / (figure.independent + LEADER_PRIOR_N)


def compute(conn: Connection, settings: Settings, now: datetime) -> TrackRecord:
    """The record as the ledger has it at this moment. Reads 180 days: once a day, not hourly."""
    since, rules = now - SPAN, settings.prediction
    bins = ledger.failure_bins(conn, since, now)
    figures = figures_of(bins, rules.least_settled)
    waiting, censored, settled, _ = ledger.counts(conn, since, now)
    leaders = choose_leaders(figures, current(conn, now).leaders)
    thresholds = learn(
        [b for b in bins if b.forecaster == leaders.get(b.horizon, FIRST_LEADER)],
        false_alarm_budget=rules.false_alarm_budget,
        inspections_per_day=rules.inspections_per_day,
        least_settled=rules.least_settled,
        overlap=overlap_of("7d"),
    )
    return TrackRecord(
        made_at=now,
        figures=figures,
        coverages=coverages_of(ledger.interval_counts(conn, since, now), rules.least_settled),
        warnings=Warnings(*ledger.warnings(conn, since, now), *ledger.missed(conn, since, now)),
        thresholds=thresholds,
        leaders=leaders,
        settled=settled,
        censored=censored,
        waiting=waiting,
    )


def keep(conn: Connection, record: TrackRecord) -> None:
    """Put a record, its thresholds and leaders in force."""
    assert record.made_at is not None
    ledger.put_rules(
        conn, record.made_at,
        thresholds=asdict(record.thresholds), leaders=record.leaders, record=asdict(record),
    )  # fmt: skip


def current(conn: Connection, now: datetime) -> TrackRecord:
    """The record in force: as the last settling before `now` left it; priors when there was none.

    One small row: cheap enough for every run that judges devices.

    >>> current(conn, now).thresholds.level(p_24h=0.02, p_7d=0.3)                  # doctest: +SKIP
    'moderate'
    """
    stored = ledger.rules(conn, now)
    return TrackRecord() if stored is None else _read(stored.record)


def _read(stored: Mapping[str, Any]) -> TrackRecord:
    from pydantic import TypeAdapter

    return TypeAdapter(TrackRecord).validate_python(dict(stored))
