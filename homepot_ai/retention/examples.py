"""From an incident to an example to learn from. Pure; the schema is in docs/training-data.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homepot_ai.memory import describe
from homepot_ai.retention.scrub import Scrubber
from homepot_ai.store.memory import IncidentRow
from homepot_ai.text import clean

SCHEMA = "homepot-ai/incident/1"
SYSTEM = (
    "You help operators of a fleet of devices. Say what resolved an incident like this one, from what is "
    "known of it. Do not state what is not known."
)
_CAP = 1000
_MOST_ACTIONS = 20
_OUTCOMES = {
    "helped": "it helped",
    "did_not_help": "it did not help",
    "cannot_tell": "whether it helped is not known",
}
_AFTERWARDS = {"held": "It did not come back within a week.", "came_back": "It came back within a week."}


@dataclass(frozen=True)
class Past:
    """A closed incident and what became of it.

    Attributes:
        incident: as memory reads it; its resolution is None where a rule closed it.
        actions: with `action`, `kind` (taken or nothing), `outcome` and `minutes` after the opening.
        outcome: `held` or `came_back` within a week; None: not judged.
        mark: people's verdict: whether it was one.
    """

    incident: IncidentRow
    initial_severity: str
    conclusion: str
    recurrence: int
    flapping: bool
    mark: bool | None
    outcome: str | None
    actions: Sequence[Mapping[str, Any]]

    @property
    def teaches(self) -> bool:
        """Whether somebody wrote down what was done, or that there was nothing."""
        taken = any(action["kind"] == "taken" for action in self.actions)
        return bool(self.incident.resolution) or taken or self.mark is False


def example(past: Past, scrub: Scrubber, licence: str) -> dict[str, Any]:
    """One line of the file, without anything that names a person, a place or a way in."""
    it = past.incident
    actions = [_action(action, scrub) for action in past.actions[:_MOST_ACTIONS]]
    minutes = None if it.closed_at is None else round((it.closed_at - it.opened_at).total_seconds() / 60)
    known = {
        "kind": it.kind,
        "device_type": None if it.device_type is None else scrub.text(clean(it.device_type, 60)),
        "category": it.category,
        "cause": clean(it.cause, 120),
        "initial_severity": past.initial_severity,
        "peak_severity": it.severity,
        "conclusion": past.conclusion,
        "devices": it.devices,
        "minutes": minutes,
        "recurrence": past.recurrence,
        "flapping": past.flapping,
        "metrics": _metrics(it.facts),
    }
    return {
        "schema": SCHEMA,
        "id": scrub.pseudonym("example", it.id),
        "month": f"{it.closed_at:%Y-%m}" if it.closed_at else None,
        "device": None if it.root_device_id is None else scrub.pseudonym("device", it.root_device_id),
        "site": None if it.site_id is None else scrub.pseudonym("site", it.site_id),
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": scrub.text(describe.describe(it))},
            {"role": "assistant", "content": _answer(past, actions, scrub)},
        ],
        "facts": known,
        "actions": actions,
        "outcome": past.outcome,
        "marked": past.mark,
        "provenance": it.provenance,
        "license": licence,
    }


def _action(action: Mapping[str, Any], scrub: Scrubber) -> dict[str, Any]:
    return {
        "action": scrub.text(clean(str(action["action"]), _CAP)),
        "taken": action["kind"] == "taken",
        "outcome": action["outcome"],
        "minutes": action["minutes"],
    }


def _answer(past: Past, actions: Sequence[Mapping[str, Any]], scrub: Scrubber) -> str:
    """What was done and what came of it; nothing that nobody wrote down."""
    said = ["It was a false alarm." if past.mark is False else ""]
    if past.incident.resolution:
        resolution = scrub.text(clean(past.incident.resolution, _CAP))
        said.append(resolution if resolution.endswith((".", "!", "?")) else f"{resolution}.")
    for action in actions:
        if action["taken"]:
            judged = _OUTCOMES.get(str(action["outcome"]))
            said.append(f"Done: {action['action'].rstrip('.')}" + (f"; {judged}." if judged else "."))
    said.append(_AFTERWARDS.get(past.outcome or "", ""))
    return " ".join(part for part in said if part)


def _metrics(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The deviations, by name and value; bounds are where the device usually is."""
    listed = facts.get("metrics")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    return [
        {
            "metric": clean(str(one["metric"]), 80),
            **{key: one.get(key) for key in ("observed", "low", "high", "direction", "unit")},
        }
        for one in listed
        if isinstance(one, Mapping) and one.get("metric")
    ]
