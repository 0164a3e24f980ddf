"""A site's insight as Markdown, for the artifact and the command line. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from homepot_ai.prediction.acting import reason_of
from homepot_ai.prediction.record_page import record_sentence, warnings_sentence
from homepot_ai.prediction.visits_page import span
from homepot_ai.reporting.insight import Insight, cause_words, findings, money
from homepot_ai.reporting.words import count
from homepot_ai.text import clean

WORST = 5
WORD = {"no_data": "no data", "in_maintenance": "in maintenance", "not_scored": "not scored"}
ORDER = ("critical", "warning", "no_data", "healthy", "in_maintenance", "not_scored")
OUTCOME = {
    "came_true": "came true", "averted": "averted", "false_alarm": "a false alarm",
    "censored": "cannot be told", None: "open",
}  # fmt: skip


def headline(insight: Insight) -> str:
    """One line for a list of runs."""
    health = "nothing scored" if insight.health is None else f"health {insight.health:.2f}"
    counts = f"{count(len(insight.live), 'warning')}, {count(len(insight.failures), 'failure')}"
    return f"{clean(insight.site.name)}: {health}, {counts}"


def page(insight: Insight) -> str:
    """The whole page."""
    zone = ZoneInfo(insight.site.timezone)
    names = {d.id: clean(d.name, 60) for d in insight.devices}
    lines = [
        f"# {clean(insight.site.name)}: {(insight.now - insight.since).days} days",
        "",
        f"{_day(insight.since, zone)} to {_day(insight.now, zone)}, {insight.site.timezone}.",
        "",
        *_health(insight),
        "## Key findings",
        "",
        *([f"- {clean(said, 300)}" for said in findings(insight)] or ["- Nothing stands out."]),
        "",
        *_predicted(insight, names, zone),
        *_incidents(insight),
        *_costs(insight),
        *_actions(insight, names, zone),
        "## How good the forecasts are",
        "",
        f"Of the whole fleet: {record_sentence(insight.record)} {warnings_sentence(insight.record)}",
    ]
    return "\n".join(lines) + "\n"


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}"


def _health(insight: Insight) -> list[str]:
    counts = insight.statuses
    said = ", ".join(f"{counts[s]} {WORD.get(s, s)}" for s in ORDER if counts.get(s))
    shown, known = insight.shown, sum(d.mean is not None for d in insight.shown)
    kind = "simulated devices" if shown and shown[0].simulated else "devices"
    mean = (
        "nothing was scored for a day or more"
        if insight.health is None
        else f"{insight.health:.2f} of 1, the mean of {known} {kind}"
    )
    left = len(insight.devices) - len(shown)
    lines = [
        f"**Overall health: {mean}.**" + (f" {left} simulated ones are not in it." if left else ""),
        "",
        f"Now: {said or 'no device'}.",
        "",
    ]
    worst = sorted((d for d in shown if d.mean is not None), key=lambda d: d.mean or 0.0)[:WORST]
    if worst:
        lines += ["| worst devices | health | first half | second half | now |", "|---|--:|--:|--:|---|"]
        lines += [
            f"| {_cell(d.name)} | {_number(d.mean)} | {_number(d.earlier)} | {_number(d.later)} | "
            f"{WORD.get(d.status or 'not_scored', d.status)} |"
            for d in worst
        ]
        lines.append("")
    return lines


def _predicted(insight: Insight, names: dict[int, str], zone: ZoneInfo) -> list[str]:
    lines = ["## Predicted issues", ""]
    if not insight.live:
        return [*lines, "No device is at high risk.", ""]
    visits = {(v.device_id, v.cause): v for v in insight.visits if v.state in ("proposed", "accepted")}
    lines += ["| device | risk | visit |", "|---|---|---|"]
    why = []
    for e in insight.live:
        visit = visits.get((e.device_id, e.cause))
        planned = "none" if visit is None else f"{visit.state} {visit.id}: {span(visit)}"
        name = _cell(names.get(e.device_id, str(e.device_id)))
        lines.append(f"| {name} | {e.level}, since {_day(e.raised_at, zone)} | {planned} |")
        # Whole sentences stand below the table: a browser cuts off what is wide.
        why.append(f"- {name}: {_cell(reason_of(e.facts))}. **{_cell(e.action or 'Look at it')}**")
    return [*lines, "", *why, ""]


def _incidents(insight: Insight) -> list[str]:
    lines = ["## Incidents", ""]
    if not insight.causes:
        return [*lines, "None.", ""]
    lines += ["| cause | incidents | critical | open | median minutes |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {_cell(cause_words(c.cause))} | {c.n} | {c.critical} | {c.still_open} | "
        f"{'-' if c.minutes is None else f'{c.minutes:.0f}'} |"
        for c in insight.causes[:10]
    ]
    return [*lines, ""]


def _costs(insight: Insight) -> list[str]:
    sums = money(insight)
    lines = ["## Costs", ""]
    if sums.currency is None:
        return [
            *lines,
            "No rates are configured: `homepot-ai sites SITE --cost currency=EUR --cost visit=90 ...`.",
            "",
        ]
    ahead = any(v.state in ("proposed", "accepted") for v in insight.visits)
    made = any(v.state == "done" for v in insight.visits)
    parts = (
        ("Visits proposed or accepted", sums.planned, ahead),
        ("Expected cost without them", sums.without, ahead),
        ("Visits made", sums.done, made),
        ("Lost in failures", sums.lost, True),
    )
    lines += [f"- {what}: {_money(value, sums.currency) if any_ else 'none'}" for what, value, any_ in parts]
    return [*lines, "", "Estimates from the site's configured rates, and nothing else.", ""]


def _actions(insight: Insight, names: dict[int, str], zone: ZoneInfo) -> list[str]:
    lines = ["## Actions, and whether they worked", ""]
    if insight.actions:
        lines += [
            "| action | taken | helped | did not | cannot be told | not judged yet |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        lines += [
            f"| {_cell(a.action)} | {a.n} | {a.helped} | {a.did_not} | {a.cannot_tell} | {a.waiting} |"
            for a in insight.actions
        ]
        lines.append("")
    made = [v for v in insight.visits if v.state == "done"]
    by_id = {e.id: e for e in insight.episodes}
    for visit in made:
        episode = by_id.get(visit.episode_id or 0)
        after = "not judged yet" if episode is None else OUTCOME[episode.outcome]
        name = names.get(visit.device_id, str(visit.device_id))
        when = span(visit) if visit.done_at is None else f"{visit.done_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
        lines.append(f"- visit {visit.id} to {name}, done {when}; its warning: *{after}*")
    if not insight.actions and not made:
        lines.append("None is recorded.")
    return [*lines, ""]


def _money(value: Decimal | None, currency: str) -> str:
    return "not known" if value is None else f"{value:.2f} {currency}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cell(text: str) -> str:
    return clean(text, 200).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
