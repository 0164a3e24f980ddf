"""What an operator reads of memory, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from homepot_ai.memory.acting import Judged, Recorded
from homepot_ai.memory.advice import outcome_of
from homepot_ai.memory.effect import Effect
from homepot_ai.memory.investigate import Finding, Investigated
from homepot_ai.memory.keeping import Checked, Learned
from homepot_ai.memory.manuals import FolderRead, quote
from homepot_ai.memory.similar import Found
from homepot_ai.text import clean

SHOWN = 20
LONG = 600
RECORD = (
    'Record what you do: `homepot-ai record-action INCIDENT "..."`, or run the deployment *record-action*.'
)


def text(said: str, cap: int = 160) -> str:
    """Foreign text that cannot break Markdown, whoever wrote it."""
    plain = clean(said, cap)
    for mark, harmless in (
        ("|", "/"),
        ("`", "'"),
        ("<", "‹"),
        ("[", "("),
        ("]", ")"),
        ("*", "∗"),
        ("#", "＃"),
    ):
        plain = plain.replace(mark, harmless)
    return plain


def investigated(result: Investigated) -> str:
    """One section per incident: recommendation first, then what it rests on."""
    lines = [f"**{headline(result)}**", ""]
    if result.degraded:
        lines += [f"> Degraded: {text(result.degraded, LONG)}", ""]
    lines += [
        f"- **Incident {number} could not be looked into**: {text(str(error), LONG)}\n"
        for number, error in result.failed[:SHOWN]
    ]
    for finding in result.findings[:SHOWN]:
        lines += _finding(finding)
    if len(result.findings) > SHOWN:
        lines.append(f"And {len(result.findings) - SHOWN} more; their findings are in their history.")
    if result.findings:
        lines += ["", RECORD]
    return "\n".join(lines) + "\n"


def headline(result: Investigated) -> str:
    """A run in one line."""
    if not result.findings and not result.failed:
        return "No incident waits to be looked into"
    known = sum(bool(finding.found.similar) for finding in result.findings)
    told = f"{_count(len(result.findings), 'incident')} looked into, {known} with similar past ones"
    told += f", {len(result.failed)} failed" if result.failed else ""
    return f"{told}; degraded" if result.degraded else told


def _finding(finding: Finding) -> list[str]:
    incident = finding.incident
    lines = [
        f"### Incident {incident.id}: {text(incident.title)}",
        "",
        f"**{text(finding.advice.text, LONG)}**",
        "",
        f"What it is compared by: {text(finding.description, LONG)}",
        "",
        *similar(finding.found),
        "",
    ]
    for incident_id, actions in finding.done.items():
        if incident_id in {s.pattern.incident_id for s in finding.found.similar}:
            lines += [
                f"- In {incident_id}: “{text(a.action)}” by {text(a.done_by, 60)}, "
                f"{(a.outcome or 'not judged yet').replace('_', ' ')}"
                for a in actions
            ]
    lines += [f"- {text(quote(q.passage), LONG)} ({q.similarity:.2f})" for q in finding.passages]
    return [*lines, ""]


def similar(found: Found) -> list[str]:
    """The similar incidents as a table, or that there are none."""
    if not found.similar:
        if found.nearest is None:
            return ["Nothing similar: there is no past incident to compare with."]
        return [f"Nothing similar: the nearest past incident reaches {found.nearest:.2f}, below the cut-off."]
    return [
        "| similar | incident | when | what it was | resolution | since |",
        "|---:|---:|---|---|---|---|",
        *(
            f"| {s.similarity:.2f} | {s.pattern.incident_id} | {s.pattern.happened_at:%Y-%m-%d} "
            f"| {text(s.pattern.description)} | {text(s.pattern.resolution or 'none given')} "
            f"| {outcome_of(s.pattern.outcome)} |"
            for s in found.similar
        ),
    ]


def recorded(done: Recorded) -> str:
    """What was recorded."""
    said = "recorded" if done.new else "was recorded already: nothing written"
    return "\n".join(
        [
            f"**Action on incident {done.incident_id} {said}**",
            "",
            f"- “{text(done.action, LONG)}”, done by {text(done.by)} at {done.at:%Y-%m-%d %H:%M} UTC",
            f"- counted as `{text(done.action_key)}`",
            "- `judge-actions` judges it once a day has passed: did health recover, and stay for 24 hours?",
            "",
        ]
    )


def judged(result: Judged, learned: Learned, checked: Sequence[Checked]) -> str:
    """Outcomes, effects, and the state of memory."""
    lines = [f"**{judged_headline(result)}**", ""]
    if result.resolutions or result.baseline:
        lines += [
            f"{_count(result.resolutions, 'resolution')} taken as actions; "
            f"{_count(result.baseline, 'incident')} in which nothing was done added to the baseline.",
            "",
        ]
    lines += [*effects(result.effects), "", *memory(learned, checked)]
    return "\n".join(lines) + "\n"


def judged_headline(result: Judged) -> str:
    """A judging run in one line."""
    total = result.helped + result.did_not_help + result.cannot_tell
    if not total:
        return "No action was due"
    return (
        f"{_count(total, 'action')} judged: {result.helped} helped, {result.did_not_help} did not, "
        f"{result.cannot_tell} cannot be told"
    )


def effects(found: Sequence[Effect]) -> list[str]:
    """Every action beside doing nothing."""
    if not found:
        return ["No action is recorded yet."]
    return [
        "| category | action | helped | doing nothing | what that says |",
        "|---|---|---|---|---|",
        *(
            f"| {e.category} | {text(e.action)} | {e.taken} | {e.nothing} | {e.verdict} |"
            for e in found[:SHOWN]
        ),
        "",
        "Doing nothing: incidents of the category in which nothing was done, judged by the same rule "
        "from the "
        "moment on at which people usually act.",
    ]


def memory(learned: Learned, checked: Sequence[Checked]) -> list[str]:
    """The state of the index beside the record."""
    lines = [
        f"Memory: {_count(learned.patterns, 'new pattern')}, {learned.refreshed} followed up, "
        f"{learned.embedded} embedded, {learned.waiting} waiting."
    ]
    if learned.degraded:
        lines.append(f"> Degraded: {text(learned.degraded, LONG)}")
    return lines + [f"- `{c.collection}`: {text(str(c), LONG)}" for c in checked]


def rebuilt(checked: Sequence[Checked], folder: FolderRead | None, seconds: float, at: datetime) -> str:
    """What a rebuild made."""
    total = sum(c.indexed for c in checked)
    fine = all(c.fine for c in checked)
    lines = [
        f"**Index rebuilt: {_count(total, 'pattern')} in {seconds:.0f} s"
        f"{'' if fine else '; it differs from the record'}**",
        "",
        f"{at:%Y-%m-%d %H:%M} UTC",
        "",
        *(f"- `{c.collection}`: {text(str(c), LONG)}" for c in checked),
    ]
    if folder is not None:
        lines += ["", *pages(folder)]
    return "\n".join(lines) + "\n"


def pages(folder: FolderRead) -> list[str]:
    """What was read of the operators' folder."""
    lines = [
        f"Operators' pages: {_count(folder.files, 'file')}, {_count(folder.passages, 'passage')}; "
        f"{folder.read} read anew, {folder.removed} gone."
    ]
    return lines + [f"- skipped {text(path)}: {text(reason, 300)}" for path, reason in folder.skipped[:SHOWN]]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
