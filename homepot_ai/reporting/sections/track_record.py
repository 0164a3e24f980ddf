"""How good the forecasts were, beside the trivial answer."""

from __future__ import annotations

from homepot_ai.intervals import wilson
from homepot_ai.prediction import track_record
from homepot_ai.prediction.track_record import SPAN
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.track_record import RecordCoverage, RecordFigure, TrackRecordFacts
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice

KEY = "track_record"


def gather(source: Source) -> TrackRecordFacts | None:
    """The record as the last settling before the period's end left it; None: nothing was settled yet."""
    record = track_record.current(source.conn, source.period.end)
    if record.made_at is None:
        return None
    told = record.warnings
    return TrackRecordFacts(
        made_at=record.made_at,
        settled=record.settled,
        censored=record.censored,
        waiting=record.waiting,
        figures=tuple(
            RecordFigure(
                horizon=f.horizon, forecaster=f.forecaster, n=f.n, independent=round(f.independent, 1),
                happened=f.happened, brier=round(f.brier, 5),
                base_brier=None if f.base_brier is None else round(f.base_brier, 5),
                skill=None if f.skill is None else round(f.skill, 4),
                calibration_error=round(f.calibration_error, 4),
                leads=record.leader(f.horizon) == f.forecaster, anecdotal=f.anecdotal,
            )
            for f in record.figures
        ),
        coverages=tuple(
            RecordCoverage(
                kind=c.kind, forecaster=c.forecaster, promised=c.promised, n=c.n, held=round(c.held, 4),
                low=round(c.low, 4), high=round(c.high, 4),
                error=None if c.error is None else float(f"{c.error:.4g}"), anecdotal=c.anecdotal,
            )
            for c in record.coverages
        ),
        came_true=told.came_true,
        averted=told.averted,
        false_alarms=told.false_alarms,
        warnings_censored=told.censored,
        warnings_waiting=told.waiting,
        lead_hours=None if told.lead_hours is None else round(told.lead_hours, 1),
        failures=told.failures,
        unwarned=told.unwarned,
    )  # fmt: skip


def horizon(voice: Voice, code: str) -> str:
    """A horizon of failure forecasts."""
    return {
        "24h": voice.t("within 24 hours"),
        "7d": voice.t("within 7 days"),
        "7-30d": voice.t("7 to 30 days ahead"),
    }.get(code, code)


def forecaster(voice: Voice, code: str) -> str:
    """Who forecast."""
    return {"base-rate": voice.t("always the base rate"), "hazard": voice.t("failure model")}.get(code, code)


def build(facts: ReportFacts, voice: Voice) -> Section:
    """Warnings in sentences, forecasts and intervals as tables."""
    found = facts.track_record
    assert found is not None
    blocks: list[Paragraph | Table] = [Paragraph(lead(found, voice), "lead")]
    if found.figures:
        blocks.append(_figures(found, voice))
    if found.coverages:
        blocks.append(_coverages(found, voice))
    note = voice.t(
        "Of the whole fleet, of the {days} days until {when}: {settled} daily forecasts settled, {censored} "
        "cannot be told, {waiting} wait. Skill above 0 is better than always saying the base rate.",
        days=voice.number(SPAN.days), when=voice.clock(found.made_at), settled=voice.number(found.settled),
        censored=voice.number(found.censored), waiting=voice.number(found.waiting),
    )  # fmt: skip
    return Section(KEY, voice.term(PLUGIN.title), (*blocks, Paragraph(note, "note")))


def lead(found: TrackRecordFacts, voice: Voice) -> str:
    """How many warnings were false, and how many failures came without one."""
    told = found.came_true + found.false_alarms
    if told:
        share = found.false_alarms / told
        low, high = wilson(share, told)
        said = [
            voice.t(
                "Of {told} that could be judged, {share} were false (95 % interval {low} to {high}).",
                told=voice.n("{n} warning", "{n} warnings", told), share=voice.percent(share, 0),
                low=voice.percent(low, 0), high=voice.percent(high, 0),
            )
        ]  # fmt: skip
    else:
        said = [voice.t("No warning has proved true or false yet: nobody knows how good they are here.")]
    if found.lead_hours is not None:
        ahead = voice.duration(found.lead_hours * 60)
        said.append(voice.t("Half of those that came true were {ahead} ahead or more.", ahead=ahead))
    if found.averted:
        said.append(
            voice.n(
                "{n} more may have been averted by a visit.",
                "{n} more may have been averted by a visit.",
                found.averted,
            )
        )
    if found.failures:
        said.append(
            voice.t(
                "Of {failures} {unwarned} came without a warning.",
                failures=voice.n("{n} failure", "{n} failures", found.failures),
                unwarned=voice.number(found.unwarned),
            )
        )
    return " ".join(said)


def _figures(found: TrackRecordFacts, voice: Voice) -> Table:
    return Table(
        name="track_record",
        caption=voice.t("Probabilities of a failure, beside always saying the base rate"),
        columns=(
            Column(voice.t("Horizon"), "horizon", 1.7, text_width=20),
            Column(voice.t("Forecaster"), "forecaster", 1.8, text_width=20),
            Column(voice.t("Settled"), "settled", 1.1, numeric=True, text_width=10),
            Column(voice.t("Failures"), "failures", 0.9, numeric=True, text_width=0),
            Column(voice.t("Brier score"), "brier", 1.3, numeric=True, text_width=12),
            Column(voice.t("Skill"), "skill", 0.9, numeric=True, text_width=8),
        ),
        rows=tuple(_figure_row(f, voice) for f in found.figures),
        in_mail=3,
    )


def _figure_row(f: RecordFigure, voice: Voice) -> tuple[Cell, ...]:
    notes = [
        *([voice.t("is used")] if f.leads else []),
        *([voice.t("anecdotal: too few")] if f.anecdotal else []),
    ]
    skill = Cell(ABSENT) if f.skill is None else Cell(
        ("+" if f.skill > 0 else "") + voice.number(f.skill, 2),
        tone="better" if f.skill > 0 else "worse" if f.skill < 0 else "same", raw=f.skill,
    )  # fmt: skip
    return (
        Cell(horizon(voice, f.horizon), raw=f.horizon),
        Cell(forecaster(voice, f.forecaster), about=" · ".join(notes), strong=f.leads, raw=f.forecaster),
        Cell(
            voice.number(f.n),
            about=voice.t("{n} independent", n=voice.number(f.independent)),
            raw=f.n,
        ),
        Cell(voice.number(f.happened), raw=f.happened),
        Cell(
            voice.number(f.brier, 4),
            about=voice.t("base rate {brier}", brier=voice.number(f.base_brier, 4)),
            raw=f.brier,
        ),
        skill,
    )


def _coverages(found: TrackRecordFacts, voice: Voice) -> Table:
    kinds = {
        "level": voice.t("levels 7 days ahead"),
        "limit": voice.t("dates of reaching a limit"),
        "life": voice.t("remaining lives"),
    }
    return Table(
        name="intervals",
        caption=voice.t("Intervals: what they promise, and how often they held what happened"),
        columns=(
            Column(voice.t("Of what"), "kind", 2.0, text_width=26),
            Column(voice.t("Settled"), "settled", 0.9, numeric=True, text_width=10),
            Column(voice.t("Promised"), "promised", 1.0, numeric=True, text_width=10),
            Column(voice.t("Held"), "held", 1.6, numeric=True, text_width=10),
        ),
        rows=tuple(
            (
                Cell(
                    kinds.get(c.kind, c.kind),
                    about=voice.t("anecdotal: too few") if c.anecdotal else "",
                    raw=c.kind,
                ),
                Cell(voice.number(c.n), raw=c.n),
                Cell(voice.percent(c.promised, 0), raw=c.promised),
                Cell(
                    voice.percent(c.held, 0),
                    about=voice.t(
                        "{low} to {high}", low=voice.percent(c.low, 0), high=voice.percent(c.high, 0)
                    ),
                    raw=c.held,
                ),
            )
            for c in found.coverages
        ),
        in_mail=0,
    )


PLUGIN = Plugin(
    KEY, "Track record of the forecasts", frozenset({"weekly", "monthly", "custom"}), gather, build
)
