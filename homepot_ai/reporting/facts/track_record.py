"""How good the forecasts were: of the whole fleet, the last 180 days, as the last settling left it."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.reporting.facts.base import Fact


class CurvePoint(Fact):
    """Forecasts of about one probability: what was said, what happened, its 95 % Wilson interval."""

    said: float
    happened: float
    low: float
    high: float
    n: int


class RecordFigure(Fact):
    """One forecaster and horizon.

    Attributes:
        independent: settled forecasts with overlapping ones counted once.
        brier, base_brier: mean squared error, and that of always saying the base rate.
        skill: 1 - brier / base_brier over the same forecasts; None: no base rate stands beside them.
        leads: its probability is the one that is used. anecdotal: too few to rely on.
    """

    horizon: str
    forecaster: str
    n: int
    independent: float
    happened: int
    brier: float
    base_brier: float | None
    skill: float | None
    calibration_error: float
    leads: bool
    anecdotal: bool


class RecordCoverage(Fact):
    """How often intervals of a kind held what happened; `error`: median miss (days or the metric's unit)."""

    kind: str
    forecaster: str
    promised: float
    n: int
    held: float
    low: float
    high: float
    error: float | None
    anecdotal: bool


class TrackRecordFacts(Fact):
    """The record, and what became of warnings.

    Attributes:
        came_true, averted, false_alarms, censored, waiting: warnings by outcome.
        lead_hours: median from a warning to the failure.
        failures, unwarned: failures since forecasts are made, and how many came without a warning.
    """

    made_at: datetime
    settled: int
    censored: int
    waiting: int
    figures: tuple[RecordFigure, ...]
    coverages: tuple[RecordCoverage, ...]
    came_true: int
    averted: int
    false_alarms: int
    warnings_censored: int
    warnings_waiting: int
    lead_hours: float | None
    failures: int
    unwarned: int


class CalibrationCurve(Fact):
    """The curve of the forecaster that leads a horizon."""

    horizon: str
    forecaster: str
    n: int
    independent: float
    calibration_error: float
    anecdotal: bool
    points: tuple[CurvePoint, ...]


class CalibrationFacts(Fact):
    """What forecasts said, and what happened, as of `made_at`."""

    made_at: datetime
    curves: tuple[CalibrationCurve, ...]
