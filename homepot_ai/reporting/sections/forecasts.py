"""What is predicted: devices at high risk, when, what to do, and how good such forecasts have been."""

from __future__ import annotations

from homepot_ai.prediction.calendar import TELLING
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table, Tone
from homepot_ai.reporting.facts import ForecastFacts, ForecastRecord, PredictedDevice, ReportFacts
from homepot_ai.reporting.periods import local
from homepot_ai.reporting.terms import device_cell, failed
from homepot_ai.reporting.tiles import soon
from homepot_ai.reporting.voice import Voice, message

KEY = "forecasts"
# What :mod:`homepot_ai.prediction.judge` proposes, so that the catalogues have it; what people wrote stays as
# they wrote it.
PROPOSED = (
    message("Free disk space or extend the volume; find what grows (logs, journals, caches)."),
    message("Restart the service that grows outside opening hours; look which update brought it."),
    message("Look which process grows; plan more capacity or move work elsewhere."),
    message("Check uplink, gateway and cabling of the site."),
    message("Read the device's error log; check the service it talks to."),
    message("Check ventilation and surroundings of the device."),
    message("Read the device's log since it began; check the part that it names."),
    message("Look why its jobs fail; run one by hand."),
    message("Inspect it at the next visit; compare with its last incidents."),
    message("Check power and network of the device."),
    message("Plan its replacement."),
    message("Bring its maintenance forward."),
    message("Inspect it at the next visit; keep a spare at hand."),
    message("Look what grows, and plan capacity."),
    message("Look at the device before it fails"),
)
_LEVELS: dict[str, tuple[str, str, Tone]] = {
    "high": ("▲", message("high risk"), "warning"),
    "critical": ("▼", message("critical risk"), "critical"),
}
_VISITS = {
    "proposed": message("visit proposed for {time}"),
    "accepted": message("visit accepted for {time}"),
    "done": message("visited {time}"),
}
_HORIZONS = {
    "24h": message("within 24 hours"),
    "7d": message("within 7 days"),
    "7-30d": message("7 to 30 days ahead"),
}


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """The most urgent first; a line when there is nothing to tell."""
    title, found = voice.term("Next 72 hours"), facts.forecasts
    if found is None:
        problem = facts.problem(KEY)
        said = (
            failed(voice, problem)
            if problem
            else voice.t("Forecasts of the next 72 hours are not available yet.")
        )
        return Section(KEY, title, (Paragraph(said, "missing"),), line=True)
    lead = " ".join([_lead(found, facts, voice), record(found.record, voice), warnings(found.record, voice)])
    shown = found.devices[: voice.cap(KEY, 8)]
    if not shown:
        return Section(KEY, title, (Paragraph(lead, "missing"),), line=True)
    rest = found.total - len(shown)
    table = Table(
        KEY,
        voice.t("Devices at high risk, the most urgent first"),
        (
            Column(voice.term("Device"), "device", 4.6),
            Column(voice.term("Risk"), "risk", 2.4, side=True),
            Column(voice.term("What is expected"), "expected", 5.4),
            Column(voice.term("What to do, and when"), "action", 5.4),
        ),
        tuple(_row(item, facts, voice) for item in shown),
        voice.n("And {n} device more: homepot-ai predict.", "And {n} devices more: homepot-ai predict.", rest)
        if rest > 0
        else "",
        in_mail=8,
        sentences=tuple(_sentence(item, facts, voice) for item in shown),
    )
    return Section(KEY, title, (Paragraph(lead, "lead"), table))


def _lead(found: ForecastFacts, facts: ReportFacts, voice: Voice) -> str:
    judged = voice.number(found.judged)
    if not found.total:
        return voice.t("No device is at high risk; {judged} judged.", judged=judged)
    near = soon(found, facts)
    if near:
        return voice.n(
            "{n} device at high risk, of {judged} judged; {near} of them within 72 hours.",
            "{n} devices at high risk, of {judged} judged; {near} of them within 72 hours.",
            found.total,
            judged=judged,
            near=voice.number(near),
        )
    return voice.n(
        "{n} device at high risk, of {judged} judged.",
        "{n} devices at high risk, of {judged} judged.",
        found.total,
        judged=judged,
    )


def record(known: ForecastRecord, voice: Voice) -> str:
    """How good the probabilities were, in a sentence."""
    if known.horizon is None or known.brier is None:
        if known.settled:
            return voice.n(
                "{n} forecast is settled, not of a failure.",
                "{n} forecasts are settled, none of them of a failure.",
                known.settled,
            )
        return voice.t("None of the forecasts is settled yet.")
    said = voice.n(
        "{n} forecast {horizon} of {forecaster} settled, {happened} failures; Brier score {brier}",
        "{n} forecasts {horizon} of {forecaster} settled, {happened} failures; Brier score {brier}",
        known.n,
        horizon=voice.t(_HORIZONS.get(known.horizon, known.horizon)),
        forecaster=known.forecaster,
        happened=voice.number(known.happened),
        brier=voice.number(known.brier, 3),
    )
    if known.base_brier is not None and known.skill is not None:
        sign = "−" if known.skill < 0 else "+"
        said += voice.t(
            " (always the base rate: {base}), skill {skill} against it",
            base=voice.number(known.base_brier, 3),
            skill=sign + voice.number(abs(known.skill), 2),
        )
    return said + (voice.t(". So few are anecdotal.") if known.anecdotal else ".")


def warnings(known: ForecastRecord, voice: Voice) -> str:
    """How good the warnings were, in a sentence."""
    if not known.told:
        return voice.t("No warning has proved true or false yet: nobody knows how good they are here.")
    said = voice.n(
        "Of {n} warning that could be judged {false} was false ({share}, 95 % interval {low} to {high})",
        "Of {n} warnings that could be judged {false} were false ({share}, 95 % interval {low} to {high})",
        known.told,
        false=voice.number(known.false_alarms),
        share=voice.percent(known.false_alarms / known.told, 0),
        low=voice.percent(known.false_low, 0),
        high=voice.percent(known.false_high, 0),
    )
    if known.lead_hours is not None:
        lead = voice.duration(known.lead_hours * 60)
        said += voice.t("; those that came true were {time} ahead", time=lead)
    if known.averted:
        said += voice.t("; {n} more may have been averted by a visit", n=voice.number(known.averted))
    return said + ("." if known.told >= 10 else voice.t(". So few are anecdotal."))


def reason(item: PredictedDevice, facts: ReportFacts, voice: Voice) -> str:
    """Why a device should be looked at: the limit that it will reach and when, or a probability."""
    p = item.probability
    if item.metric is None:
        if p is None:
            return voice.t("Failure is likely")
        return voice.t("{p} probability of a failure within 7 days", p=voice.percent(round(p, 2), 0))
    values = {"metric": voice.metric(item.metric), "limit": voice.value(item.metric, item.limit)}
    said = (
        voice.t("{metric} is expected to reach {limit}", **values)
        if item.rises
        else voice.t("{metric} is expected to fall to {limit}", **values)
    )
    days = [
        None if at is None else voice.day(local(at, facts.period.timezone).date())
        for at in (item.low, item.high)
    ]
    if days[0] and days[1]:
        said += (
            voice.t(" on {day} (80 % interval)", day=days[0])
            if days[0] == days[1]
            else voice.t(" between {low} and {high} (80 % interval)", low=days[0], high=days[1])
        )
    elif item.low or item.mid:
        first = item.low or item.mid
        assert first is not None
        said += voice.t(" from {day} on", day=voice.day(local(first, facts.period.timezone).date()))
    else:
        said += voice.t(" soon")
    if item.low is not None and p is not None and p >= TELLING:
        likely = voice.t("{p} probability of a failure within 7 days", p=voice.percent(round(p, 2), 0))
        said += f"; {likely}"
    return said


def _action(item: PredictedDevice, voice: Voice) -> str:
    return voice.t(item.action or "Look at the device before it fails").rstrip(".")


def _visit(item: PredictedDevice, facts: ReportFacts, voice: Voice) -> str:
    if item.visit_at is None or item.visit_state not in _VISITS:
        return voice.t("no visit is planned")
    there = local(item.visit_at, facts.period.timezone)
    return voice.t(_VISITS[item.visit_state], time=f"{voice.day(there.date())} {there:%H:%M}")


def _since(item: PredictedDevice, facts: ReportFacts, voice: Voice) -> str:
    return voice.day(local(item.since, facts.period.timezone).date())


def _row(item: PredictedDevice, facts: ReportFacts, voice: Voice) -> tuple[Cell, ...]:
    glyph, word, tone = _LEVELS[item.level]
    since = voice.t("since {time}", time=_since(item, facts, voice))
    return (
        device_cell(voice, item.device, facts),
        Cell(voice.t(word), since, glyph, tone, raw=item.level),
        Cell(reason(item, facts, voice)),
        Cell(_action(item, voice), _visit(item, facts, voice)),
    )


def _sentence(item: PredictedDevice, facts: ReportFacts, voice: Voice) -> tuple[str, str]:
    glyph, word, _ = _LEVELS[item.level]
    said = voice.t(
        "{name}: {reason}. {action}; {visit}.",
        name=item.device.name,
        reason=reason(item, facts, voice),
        action=_action(item, voice),
        visit=_visit(item, facts, voice),
    )
    return f"{glyph} {voice.t(word)}", said
