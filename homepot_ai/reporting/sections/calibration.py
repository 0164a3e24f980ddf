"""Whether probabilities mean what they say."""

from __future__ import annotations

from homepot_ai.prediction import track_record
from homepot_ai.reporting.charts_reliability import Panel, reliability_charts
from homepot_ai.reporting.document import Figure, Paragraph, Section
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.track_record import CalibrationCurve, CalibrationFacts, CurvePoint
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections.track_record import forecaster, horizon
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice

KEY = "calibration"


def gather(source: Source) -> CalibrationFacts | None:
    """The curve of the forecaster that leads each horizon, out of the ledger; None: nothing is settled."""
    record = track_record.current(source.conn, source.period.end)
    leading = [f for f in record.figures if record.leader(f.horizon) == f.forecaster and f.n]
    if record.made_at is None or not leading:
        return None
    return CalibrationFacts(
        made_at=record.made_at,
        curves=tuple(
            CalibrationCurve(
                horizon=f.horizon, forecaster=f.forecaster, n=f.n, independent=round(f.independent, 1),
                calibration_error=round(f.calibration_error, 4), anecdotal=f.anecdotal,
                points=tuple(
                    CurvePoint(
                        said=round(p.said, 4), happened=round(p.happened, 4), low=round(p.low, 4),
                        high=round(p.high, 4), n=p.n,
                    )
                    for p in f.curve
                ),
            )
            for f in leading
        ),
    )  # fmt: skip


def build(facts: ReportFacts, voice: Voice) -> Section:
    """One plot per horizon, and how far off on average."""
    found = facts.calibration
    assert found is not None
    intro = voice.t(
        "Where a dot is on the diagonal, what was forecast with that probability happened that often. The "
        "upright line is the 95 % interval: where it crosses the diagonal, nothing is shown to be wrong."
    )
    notes = [Paragraph(_note(curve, voice), "note") for curve in found.curves]
    return Section(KEY, voice.term(PLUGIN.title), (Paragraph(intro), _figure(found, voice), *notes))


def _figure(found: CalibrationFacts, voice: Voice) -> Figure:
    told = []
    for curve in found.curves:
        points = "; ".join(
            voice.t(
                "said {said}, happened {happened}",
                said=voice.percent(p.said, 0), happened=voice.percent(p.happened, 0),
            )
            for p in curve.points
        )  # fmt: skip
        told.append(
            voice.t("Failures {horizon}: {points}", horizon=horizon(voice, curve.horizon), points=points)
        )
    drawing = reliability_charts(
        [
            Panel(
                horizon(voice, curve.horizon),
                [(p.said, p.happened, p.low, p.high, p.n) for p in curve.points],
            )
            for curve in found.curves
        ],
        title=". ".join(told),
        axes=(voice.t("said"), voice.t("happened")),
        ideal=voice.t("as said"),
        percent=lambda share: voice.percent(share, 0 if share >= 0.1 or not share else 1),
    )
    return Figure(drawing, voice.t("Probability of a failure that was said, and how often it happened"))


def _note(curve: CalibrationCurve, voice: Voice) -> str:
    said = voice.t(
        "Failures {horizon}, {forecaster}: {forecasts}, {off} off on average",
        horizon=horizon(voice, curve.horizon), forecaster=forecaster(voice, curve.forecaster),
        forecasts=voice.n("{n} settled forecast", "{n} settled forecasts", curve.n),
        off=voice.percent(curve.calibration_error),
    )  # fmt: skip
    if curve.anecdotal:
        few = voice.t("so few independent ones are anecdotal")
        return f"{said}; {few}."
    return f"{said}."


PLUGIN = Plugin(KEY, "Calibration", frozenset({"monthly", "custom"}), gather, build)
