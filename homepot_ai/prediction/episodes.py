"""When a warning begins, goes on and ends, and whether it was right. Pure.

Begins when a device reaches high or critical risk of a cause that has no live episode; not while it is broken
nor within a day of that, which people know of. Goes on while the risk is high, and through runs that could
say nothing. Ends when it stayed lower for a day (a jitter around the threshold is one warning, not one an
hour), or when nothing could be said for a week. What it was worth:

    came true    the device failed, or crossed the limit that was forecast, until the warning's end
    averted      before that somebody repaired or replaced it
    false alarm  its time passed without either, and somebody saw the device until then
    censored     the device was retired, or nobody saw it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.prediction.settling import GRACE, PATIENCE

if TYPE_CHECKING:
    from homepot_ai.prediction.records import DeviceRisk
    from homepot_ai.store.episodes import Episode, Level
    from homepot_ai.store.episodes import Outcome as Verdict
    from homepot_ai.store.outcomes import Outcome

QUIET = timedelta(days=1)
SPEECHLESS = timedelta(days=7)
#: How long a warning holds at least and at most.
SHORTEST, LONGEST = timedelta(days=7), timedelta(days=30)
#: So long after the end of a failure no new warning is raised about the device.
AFTERMATH = timedelta(days=1)


@dataclass(frozen=True)
class Changes:
    """What one run makes of the episodes.

    Attributes:
        raised: risks that begin one; moved: live ones as they are now, with the risk that says so (None: none
        did); worsened: numbers of those that became critical.
    """

    raised: tuple[DeviceRisk, ...] = ()
    moved: tuple[tuple[Episode, DeviceRisk | None], ...] = ()
    worsened: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()


def cause_of(risk: DeviceRisk) -> str:
    """The cause of a risk, without values in it: what makes two warnings the same."""
    return risk.cause or "failure"


def advance(
    live: Sequence[Episode],
    risks: Sequence[DeviceRisk],
    failed: Mapping[int, datetime],
    now: datetime,
) -> Changes:
    """What a run's risks make of the live episodes.

    Args:
        failed: by device, until when its latest failure lasted.
    """
    by_device = {risk.device_id: risk for risk in risks}
    moved: list[tuple[Episode, DeviceRisk | None]] = []
    worsened, ended = [], []
    held = set()
    for episode in live:
        risk = by_device.get(episode.device_id)
        after = _advance_one(episode, risk, now)
        if after.ended_at is None:
            held.add((episode.device_id, episode.cause))
        else:
            ended.append(episode.id)
        if after.level == "critical" != episode.level:
            worsened.append(episode.id)
        if after != episode:
            moved.append((after, risk if risk is not None and _holds(episode, risk) else None))
    raised = tuple(
        risk
        for risk in risks
        if risk.level in ("high", "critical")
        and (risk.device_id, cause_of(risk)) not in held
        and not (risk.device_id in failed and now - failed[risk.device_id] < AFTERMATH)
    )
    return Changes(raised, tuple(moved), tuple(worsened), tuple(ended))


def _holds(episode: Episode, risk: DeviceRisk) -> bool:
    return risk.level in ("high", "critical") and cause_of(risk) == episode.cause


def _advance_one(episode: Episode, risk: DeviceRisk | None, now: datetime) -> Episode:
    if risk is None or risk.level == "unknown":
        if now - max(episode.last_at, episode.lower_since or episode.last_at) >= SPEECHLESS:
            return replace(episode, ended_at=now)
        return episode
    if _holds(episode, risk):
        # Once critical it stays so: the level says how bad it became.
        level: Level = "critical" if "critical" in (risk.level, episode.level) else "high"
        return replace(
            episode, level=level, last_at=now, lower_since=None, probability=risk.probabilities.get("7d")
        )
    if episode.lower_since is None:
        return replace(episode, lower_since=now)
    return replace(episode, ended_at=now) if now - episode.lower_since >= QUIET else episode


def due_of(risk: DeviceRisk) -> datetime:
    """Until when a warning holds: the latest date expected, seven days at least and thirty at most."""
    crossing = risk.crossing
    edge = None if crossing is None else crossing.high or crossing.mid
    if edge is None:
        return risk.at + SHORTEST
    return min(max(edge, risk.at + SHORTEST), risk.at + LONGEST)


def settle(
    episode: Episode,
    outcomes: Sequence[Outcome],
    crossed_at: datetime | None,
    now: datetime,
    *,
    seen: bool = True,
) -> tuple[Verdict, datetime | None] | None:
    """What became of a warning, and when it came true; None: nobody can tell yet.

    Args:
        outcomes: what the device went through.
        crossed_at: when the limit that it was raised on was crossed.
        seen: whether there is telemetry until the warning's end.
    """
    inside = [o for o in outcomes if episode.raised_at < o.at <= episode.due_at]
    came = [o.at for o in inside if o.kind == "failure"]
    if crossed_at is not None and episode.raised_at < crossed_at <= episode.due_at:
        came.append(crossed_at)
    repaired = [
        o.at
        for o in inside
        if o.kind == "replaced" or (o.kind == "maintained" and o.source in ("visit", "person"))
    ]
    retired = [o.at for o in inside if o.kind == "retired"]
    first = min([*came, *repaired, *retired], default=None)
    if first is None:
        if seen:
            return ("false_alarm", None) if now >= episode.due_at + GRACE else None
        return ("censored", None) if now >= episode.due_at + PATIENCE else None
    if first in came:
        return "came_true", first
    # A failure just before the repair may still be on its way into the record.
    if now < first + GRACE:
        return None
    return ("averted", None) if first in repaired else ("censored", None)
