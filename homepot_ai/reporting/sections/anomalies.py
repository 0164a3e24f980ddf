"""What left its expected band: the value that was seen beside the band that was expected."""

from __future__ import annotations

from homepot_ai.reporting import charts
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import AnomalyFacts, ReportFacts
from homepot_ai.reporting.terms import SEVERITY, attached, device_cell, expected, observed
from homepot_ai.reporting.voice import Voice
from homepot_ai.text import NBSP

KEY = "anomalies"


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """Open ones first, then the severest, then the longest."""
    title = voice.term("Anomalies")
    shown = facts.anomalies[: voice.cap(KEY, 12)]
    if not shown:
        # The timeline of an incident tells its evidence, and says where there is none.
        if facts.report_type == "incident":
            return None
        said = voice.t("No anomaly was open at any time of the period.")
        return Section(KEY, title, (Paragraph(said, "missing"),), line=True)
    table = Table(
        KEY,
        voice.t("What left its expected band; open ones first"),
        (
            Column(voice.term("Device"), "device", 4.5),
            Column(voice.term("Severity"), "severity", 2.0),
            Column(voice.term("Metric"), "metric", 2.4),
            Column(voice.term("Observed"), "observed", 1.9, numeric=True, side=True),
            Column(voice.term("Expected"), "expected", 2.8),
            Column(voice.term("Since"), "started_at", 1.5),
            Column(voice.term("Lasted"), "minutes", 2.1),
            Column(voice.term("Health"), "lowest_health", 1.9, numeric=True),
        ),
        tuple(_row(item, facts, voice) for item in shown),
        _more(facts, voice, len(shown)),
        in_mail=6,
        sentences=tuple(_sentence(item, facts, voice) for item in shown),
    )
    key = voice.t(
        "Observed and expected are those of the opening; the bar shows the value (dot) beside its expected "
        "band (grey)."
    )
    return Section(KEY, title, (table, Paragraph(key, "note")))


def _more(facts: ReportFacts, voice: Voice, shown: int) -> str:
    rest = facts.anomalies_total - shown
    if rest <= 0:
        return ""
    where = attached(voice)
    if facts.anomalies_total > len(facts.anomalies):
        kept = voice.number(len(facts.anomalies))
        where = voice.t("the first {n} are in facts.json inside the PDF", n=kept)
    return voice.n("And {n} anomaly more; {where}.", "And {n} anomalies more; {where}.", rest, where=where)


def _state(item: AnomalyFacts, voice: Voice) -> str:
    said = (
        voice.t("still open")
        if item.ended_at is None
        else voice.t("until {time}", time=voice.clock(item.ended_at))
    )
    if item.mark is None:
        return said
    return f"{said}, {voice.t('marked true') if item.mark else voice.t('marked false')}"


def _minutes(item: AnomalyFacts, facts: ReportFacts) -> float:
    return ((item.ended_at or facts.period.end) - item.started_at).total_seconds() / 60


def _row(item: AnomalyFacts, facts: ReportFacts, voice: Voice) -> tuple[Cell, ...]:
    metric, seen, band = voice.metric(item.metric), observed(voice, item), expected(voice, item)
    glyph, severity = SEVERITY[item.severity]
    alt = voice.t("{metric}: {observed}, expected {band}", metric=metric, observed=seen, band=band)
    drawing = charts.band_chart(item.observed, item.expected_low, item.expected_high, title=alt)
    still_open = item.ended_at is None
    return (
        device_cell(voice, item.device, facts),
        Cell(voice.t(severity), _number(item, voice), glyph, item.severity),
        Cell(metric, raw=item.metric or ""),
        Cell(seen, raw=item.observed),
        Cell(band, drawing=drawing),
        Cell(voice.clock(item.started_at), raw=item.started_at.isoformat()),
        Cell(
            voice.duration(_minutes(item, facts)),
            _state(item, voice),
            tone="worse" if still_open else "",
            raw=round(_minutes(item, facts)),
        ),
        Cell(
            voice.score(item.lowest_score),
            voice.t("from {score}", score=voice.score(item.initial_score)),
            raw=item.lowest_score,
        ),
    )


def _number(item: AnomalyFacts, voice: Voice) -> str:
    return voice.t("no. {n}", n=item.id).replace(" ", NBSP)


def _sentence(item: AnomalyFacts, facts: ReportFacts, voice: Voice) -> tuple[str, str]:
    glyph, severity = SEVERITY[item.severity]
    said = voice.t(
        "{name}: {metric} {observed}, expected {band}; since {time}, {lasted}, {state}; health {health}; "
        "{number}",
        name=item.device.name,
        metric=voice.metric(item.metric),
        observed=observed(voice, item),
        band=expected(voice, item),
        time=voice.clock(item.started_at),
        lasted=voice.duration(_minutes(item, facts)),
        state=_state(item, voice),
        health=voice.score(item.lowest_score),
        number=_number(item, voice),
    )
    return f"{glyph} {voice.t(severity)}", said
