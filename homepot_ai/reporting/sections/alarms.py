"""How right the alarms were, and what was silenced: two sections of one line each."""

from __future__ import annotations

from homepot_ai.intervals import wilson
from homepot_ai.reporting.document import Paragraph, Section
from homepot_ai.reporting.facts import AlarmFacts, ReportFacts, ThresholdFacts
from homepot_ai.reporting.terms import failed, type_word
from homepot_ai.reporting.voice import Voice

KEY = "alarms"
#: Marked anomalies from which a precision is printed: below, its interval is as wide as ignorance.
MEASURED_FROM = 10


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """The period, the measured precision, the thresholds that marks moved."""
    title = voice.term("How right were the alarms")
    alarms = facts.alarms
    if alarms is None:
        said = failed(voice, facts.problem(KEY))
    else:
        said = " ".join([_period(alarms, voice), _precision(alarms, voice), _thresholds(alarms, voice)])
    return Section(KEY, title, (Paragraph(said, "missing"),), line=True)


def silenced(facts: ReportFacts, voice: Voice) -> Section | None:
    """What was kept quiet, and for how long."""
    quiet, said = facts.silenced, []
    if quiet.maintenance_minutes:
        said.append(
            voice.n(
                "{n} device in maintenance for {time} of device time (HOMEPOT's maintenance windows).",
                "{n} devices in maintenance for {time} of device time (HOMEPOT's maintenance windows).",
                quiet.maintenance_devices,
                time=voice.duration(quiet.maintenance_minutes),
            )
        )
    if quiet.excluded_devices:
        said.append(
            voice.n(
                "{n} device excluded from scoring by setting.",
                "{n} devices excluded from scoring by setting.",
                quiet.excluded_devices,
            )
        )
    text = " ".join(said) or voice.t("Nothing is silenced.")
    return Section("silenced", voice.term("Silenced"), (Paragraph(text, "missing"),), line=True)


def _period(alarms: AlarmFacts, voice: Voice) -> str:
    if not alarms.opened:
        return voice.t("No anomaly opened.")
    unmarked = alarms.opened - alarms.marked_true - alarms.marked_false
    if unmarked == alarms.opened:
        return voice.n(
            "{n} anomaly opened, it is not marked.",
            "{n} anomalies opened, none of them marked.",
            alarms.opened,
        )
    return voice.n(
        "{n} anomaly opened: {true} marked true, {false} false, {unmarked} not marked.",
        "{n} anomalies opened: {true} marked true, {false} false, {unmarked} not marked.",
        alarms.opened,
        true=voice.number(alarms.marked_true),
        false=voice.number(alarms.marked_false),
        unmarked=voice.number(unmarked),
    )


def _precision(alarms: AlarmFacts, voice: Voice) -> str:
    days = voice.number(alarms.window_days)
    if not alarms.window_opened:
        return voice.t("Precision is not yet measured: no anomaly in the last {days} days.", days=days)
    values = {
        "marked": voice.number(alarms.marked),
        "all": voice.number(alarms.window_opened),
        "days": days,
    }
    if alarms.marked < MEASURED_FROM:
        return voice.t(
            "Precision is not yet measured: {marked} of {all} anomalies of the last {days} days marked, "
            "{needed} are needed.",
            **values,
            needed=MEASURED_FROM,
        )
    low, high = wilson(alarms.window_true / alarms.marked, alarms.marked)
    return voice.t(
        "Measured precision: {precision} of those marked were right (95 % interval {low} to {high}; "
        "{marked} of {all} anomalies of the last {days} days marked).",
        **values,
        precision=voice.percent(alarms.precision),
        low=voice.percent(low, 0),
        high=voice.percent(high, 0),
    )


def _thresholds(alarms: AlarmFacts, voice: Voice) -> str:
    if not alarms.thresholds:
        return voice.t("No alarm threshold is moved.")
    moved = ", ".join(_moved(item, voice) for item in alarms.thresholds)
    return voice.t("Alarm thresholds moved by marks: {moved}.", moved=moved)


def _moved(item: ThresholdFacts, voice: Voice) -> str:
    size = voice.number(abs(item.offset), 2)
    values = {"type": type_word(item.device_type), "size": size}
    if item.offset > 0:
        return voice.t("{type} +{size} decades (wakes later)", **values)
    return voice.t("{type} −{size} decades (wakes earlier)", **values)
