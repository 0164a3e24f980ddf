"""Outcomes in words: for artifacts and the command line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.prediction.outcomes import Recorded
    from homepot_ai.store.episodes import NamedDevice
    from homepot_ai.store.outcomes import Outcome

HEADER = ("outcome", "device", "what", "when (UTC)", "until", "cause", "from", "comment")


def cells(outcome: Outcome, names: Mapping[int, NamedDevice]) -> tuple[str, ...]:
    """An outcome as a row under `HEADER`; `names`: devices that still have one."""
    device = names.get(outcome.device_id)
    return (
        str(outcome.id),
        clean(device.name, 60) if device else str(outcome.device_id),
        outcome.kind + (" (withdrawn)" if outcome.withdrawn_at else ""),
        f"{outcome.at:%Y-%m-%d %H:%M}",
        f"{outcome.ended_at:%Y-%m-%d %H:%M}" if outcome.ended_at else "-",
        clean(outcome.cause, 60) if outcome.cause else "-",
        f"{outcome.source} {clean(outcome.reference, 40)}"
        if outcome.source != "person"
        else clean(outcome.recorded_by, 60),
        clean(outcome.comment, 100) if outcome.comment else "-",
    )


def headline(recorded: Recorded | None, *, withdrawn: bool = False) -> str:
    """One line for a list of runs."""
    if recorded is None:
        return "nothing recorded: no device was named"
    what = f"{recorded.outcome.kind} of {recorded.device}"
    if withdrawn:
        return f"{what} {'withdrawn' if recorded.new else 'was withdrawn already'}"
    return f"{what} {'recorded' if recorded.new else 'was there already'}"


def page(
    recorded: Recorded | None,
    newest: Sequence[Outcome],
    names: Mapping[int, NamedDevice],
    *,
    withdrawn: bool = False,
) -> str:
    """What was done, and the newest outcomes as a Markdown table."""
    said = headline(recorded, withdrawn=withdrawn)
    lines = [f"**{said[:1].upper()}{said[1:]}**", ""]
    if not newest:
        return "\n".join([*lines, "No outcome is recorded yet.", ""])
    lines += [f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
    lines += [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in cells(one, names))} |" for one in newest]
    return "\n".join(
        [*lines, "", "Forecasts that it settles are settled (again) by `settle-predictions`.", ""]
    )
