"""How right the alarms were, in words. Pure: facts in, sentences out."""

from __future__ import annotations

from homepot_ai.health.feedback import wilson
from homepot_ai.reporting import words
from homepot_ai.reporting.facts import AlarmFacts, ReportFacts, ThresholdFacts
from homepot_ai.text import NBSP

#: Marked anomalies from which a precision is printed: below, its interval is as wide as ignorance.
MEASURED_FROM = 10


def sentences(facts: ReportFacts) -> str:
    """The section's text: the period, the measured precision, the thresholds that marks moved."""
    alarms = facts.alarms
    if alarms is None:
        return f"This section could not be made: {facts.problem('alarms') or 'unknown'}."
    return " ".join([_period(alarms), _precision(alarms), _thresholds(alarms)])


def _period(alarms: AlarmFacts) -> str:
    if not alarms.opened:
        return "No anomaly opened."
    opened = f"{words.count(alarms.opened, 'anomaly', 'anomalies')} opened"
    unmarked = alarms.opened - alarms.marked_true - alarms.marked_false
    if unmarked == alarms.opened:
        return f"{opened}, none of them marked."
    said = f"{alarms.marked_true:,} marked true, {alarms.marked_false:,} false, {unmarked:,} not marked"
    return f"{opened}: {said}."


def _precision(alarms: AlarmFacts) -> str:
    days = f"the last {words.count(alarms.window_days, 'day')}"
    of = f"{alarms.marked:,} of {words.count(alarms.window_opened, 'anomaly', 'anomalies')} of {days}"
    if alarms.marked < MEASURED_FROM:
        if not alarms.window_opened:
            return f"Precision is not yet measured: no anomaly in {days}."
        return f"Precision is not yet measured: {of} marked, {MEASURED_FROM} are needed."
    low, high = wilson(alarms.window_true, alarms.marked)
    between = f"{low * 100:.0f} to {high * 100:.0f}{NBSP}%"
    return (
        f"Measured precision: {words.percent(alarms.precision)} of those marked were right "
        f"(95{NBSP}% interval {between}; {of} marked)."
    )


def _thresholds(alarms: AlarmFacts) -> str:
    if not alarms.thresholds:
        return "No alarm threshold is moved."
    return f"Alarm thresholds moved by marks: {', '.join(_moved(item) for item in alarms.thresholds)}."


def _moved(item: ThresholdFacts) -> str:
    wakes = "wakes later" if item.offset > 0 else "wakes earlier"
    return f"{item.device_type.replace('_', ' ')} {item.offset:+.2f}{NBSP}decades ({wakes})"
