"""What an operator reads of marks and thresholds, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.health.marking import Marked, Moved, name_of, span, verdict_of, why
from homepot_ai.health.summary import cell
from homepot_ai.store.marks import LoggedAnomaly, Threshold

HOW = (
    "To judge one: run the deployment *mark* with its number and a verdict, or "
    "`homepot-ai mark NUMBER true|false|withdrawn`."
)
_SYMBOLS = {"info": "●", "warning": "▲", "critical": "■"}


def headline(marked: Marked) -> str:
    """A verdict in one line."""
    number = f"anomaly {marked.anomaly.id}"
    if not marked.written:
        nothing = f"{number} had no mark to withdraw" if marked.verdict == "withdrawn" else ""
        return nothing or f"{number} was marked {marked.verdict} already: nothing written"
    said = (
        f"{number}: mark withdrawn" if marked.verdict == "withdrawn" else f"{number} marked {marked.verdict}"
    )
    if marked.moved is not None and marked.moved.changed:
        said += f"; threshold of {marked.moved.device_type} {_change(marked.moved)}"
    return said


def marked_page(marked: Marked) -> str:
    """What was marked, and what it changed."""
    anomaly = marked.anomaly
    said = headline(marked)
    lines = [
        f"**{cell(said[0].upper() + said[1:])}**",
        "",
        f"- {_SYMBOLS[anomaly.severity]} {anomaly.severity}: {cell(name_of(anomaly))}, {span(anomaly)}",
        f"- {cell(why(anomaly))}",
        f"- opened by {anomaly.opened_by or 'what was not kept'}{_strength(anomaly)}",
        f"- judged by {cell(marked.by)}" + (f": {cell(marked.comment)}" if marked.comment else ""),
        "",
    ]
    if marked.moved is None:
        lines.append(marked.unmoved)
    else:
        moved = marked.moved
        lines.append(
            f"Alarm threshold of device type `{cell(moved.device_type)}`: **{_change(moved)}**, because "
            f"{cell(moved.reason)}."
        )
    if marked.written:
        back = f"`homepot-ai mark {anomaly.id} withdrawn` takes it back, and the threshold with it."
        lines += [
            "",
            back if marked.verdict != "withdrawn" else "Nothing was deleted: every verdict is kept.",
        ]
    return "\n".join(lines) + "\n"


def listing_page(
    anomalies: Sequence[LoggedAnomaly], thresholds: Sequence[Threshold], settled: Sequence[Moved]
) -> str:
    """The newest anomalies with their ids, and the thresholds in force."""
    lines = ["**Nothing marked: no anomaly was named**", "", HOW, ""]
    lines += [
        f"- threshold of `{cell(moved.device_type)}` {_change(moved)}: marks have aged" for moved in settled
    ]
    if anomalies:
        lines += ["", "| id | device | open | severity | why | mark |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {a.id} | {cell(name_of(a))} | {span(a)} | {_SYMBOLS[a.severity]} {a.severity} "
            f"| {cell(why(a))} | {verdict_of(a.mark)} |"
            for a in anomalies
        ]
    else:
        lines.append("There are no anomalies yet.")
    lines += ["", *_thresholds(thresholds)]
    return "\n".join(lines) + "\n"


def reset_page(moved: Moved, thresholds: Sequence[Threshold]) -> str:
    """What a reset did."""
    said = f"Alarm threshold of {cell(moved.device_type)} reset: {_change(moved)}"
    return "\n".join([f"**{said}**", "", f"- {cell(moved.reason)}", "", *_thresholds(thresholds)]) + "\n"


def _thresholds(thresholds: Sequence[Threshold]) -> list[str]:
    if not thresholds:
        return ["Every alarm threshold is as designed."]
    return [
        "| device type | threshold moved by | true | false | why | decided |",
        "|---|---|---|---|---|---|",
        *(
            f"| {cell(t.device_type)} | {decades(t.offset)} | {t.marked_true} | {t.marked_false} "
            f"| {cell(t.reason)} | {t.decided_at:%Y-%m-%d %H:%M} UTC by {cell(t.decided_by)} |"
            for t in thresholds
        ),
    ]


def decades(offset: float) -> str:
    """An offset as printed.

    >>> decades(0.12), decades(-0.2), decades(0.0)
    ('+0.12 decades', '-0.20 decades', 'not moved')
    """
    return f"{offset:+.2f} decades" if abs(offset) > 0.001 else "not moved"


def _change(moved: Moved) -> str:
    if not moved.changed:
        return f"stays ({decades(moved.after)})"
    return f"{moved.before:+.2f} → {moved.after:+.2f} decades"


def _strength(anomaly: LoggedAnomaly) -> str:
    if anomaly.strength is None or anomaly.opened_by != "evidence":
        return ""
    return f", at most {anomaly.strength:.2f} decades above routine"
