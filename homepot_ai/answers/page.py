"""Answers as Markdown, for artifacts and the terminal. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homepot_ai.fleet import metrics
from homepot_ai.health.summary import cell

if TYPE_CHECKING:
    from homepot_ai.answers.contracts import Analysis, DeviceReport

#: Whole sentences, not names.
LONG = 2000


def headline(found: Analysis) -> str:
    """One line for a list of runs."""
    score = found.analysis.health_score
    told = "" if score is None else f", health {score:.2f}"
    return f"{found.device_name}: {found.analysis.status}{told}"


def analysis(found: Analysis) -> str:
    """A device's analysis."""
    seen = found.analysis
    status = cell(seen.status.replace("_", " "))
    lines = [f"# {cell(found.device_name)}: {status}", "", cell(seen.summary, LONG), ""]
    age = found.data_age_seconds
    told = "no data in the last day" if age is None else f"newest data {age:.0f} s old"
    lines += [f"The last {found.period} up to {found.generated_at:%Y-%m-%d %H:%M} UTC; {told}.", ""]
    names = [name.removeprefix("avg_") for name in found.metrics if name.startswith("avg_")]
    if names:
        lines += ["| metric | average | highest |", "|---|--:|--:|"]
        lines += [
            f"| {cell(metrics.label(name))} | {_value(found, 'avg', name)} | {_value(found, 'max', name)} |"
            for name in names
        ]
        lines.append("")
    if seen.recommendations:
        lines += ["## What to do", "", *(f"- {cell(said, LONG)}" for said in seen.recommendations), ""]
    if seen.similar_past_incidents:
        lines += ["## What was like it before", ""]
        for past in seen.similar_past_incidents:
            held = {True: "it held", False: "it came back", None: "whether it held is not known"}[past.held]
            ended = f"“{past.resolution}”, {held}" if past.resolution else "it ended by itself"
            lines.append(
                f"- {past.date:%Y-%m-%d}: {cell(past.description, LONG)} "
                f"({past.similarity_score:.0%} alike): {cell(ended, LONG)}"
            )
        lines.append("")
    words = found.grounded
    lines.append(
        f"Worded by a {words.worded_by}: {words.figures} figures put in by code, {words.refused} sentences "
        f"refused{f'; {cell(words.note)}' if words.note else ''}."
    )
    return "\n".join(lines) + "\n"


def report(made: DeviceReport) -> str:
    """A device's report in short; its pages are the PDF."""
    content = made.content
    lines = [
        f"# {cell(content.title)}",
        "",
        cell(content.summary, LONG),
        "",
        f"- report `{cell(made.report_id)}`",
    ]
    lines += [f"- {cell(name)}: {cell(str(value))}" for name, value in content.key_metrics.items()]
    if content.incidents:
        lines += ["", "## Incidents", ""]
        lines += [
            f"- {one.timestamp:%Y-%m-%d %H:%M} UTC: {cell(one.description)} ({cell(one.impact or '')})"
            for one in content.incidents
        ]
    if content.recommendations:
        lines += ["", "## What to do", "", *(f"- {cell(said, LONG)}" for said in content.recommendations)]
    return "\n".join(lines) + "\n"


def _value(found: Analysis, kind: str, name: str) -> str:
    value = found.metrics.get(f"{kind}_{name}")
    return "-" if value is None else metrics.format_value(name, value)
