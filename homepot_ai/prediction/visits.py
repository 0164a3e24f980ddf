"""When to go, and when not to go again. Pure: needs, hours and what is booked in, slots out.

In this order, the first that there is: at the notice at least and the same before it is needed; before it is
needed; at two hours' notice before it is needed; as early as can be, which is said to be late. What a site
has booked already is joined when that is in time, or no more than `merge_days` later than its own time. A
proposal moves only when its time is past, when the site is open then after all and need not be, or when it
is needed earlier by `EARLIER` than it would be: never back, never for a better one, and accepted ones never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.prediction import slots
from homepot_ai.prediction.slots import Hours, Slot

if TYPE_CHECKING:
    from homepot_ai.prediction.records import DeviceRisk
    from homepot_ai.settings import PredictionSettings
    from homepot_ai.store.schedule import Visit

LEVELS = ("low", "moderate", "high", "critical")
#: Nobody is there sooner.
SOONEST = timedelta(hours=2)
#: How far ahead a slot is looked for.
AHEAD = timedelta(days=30)
EARLIER = timedelta(hours=6)
#: Where nothing says when: before how long it is needed.
WITHIN = {"critical": timedelta(days=3), "high": timedelta(days=7)}
#: What was declined is proposed again when the probability rose by so much, or the level did.
WORSE_BY = 0.2
#: So long after a visit its effect is waited for.
AFTER_DONE = timedelta(days=7)


@dataclass(frozen=True)
class Need:
    """That a device should be looked at.

    Attributes:
        by: before when, aware.
    """

    device_id: int
    site_id: int
    cause: str
    level: str
    probability: float | None
    by: datetime


def needed_by(risk: DeviceRisk) -> datetime:
    """Before when a device should be looked at: the early edge of what is expected, else by its level."""
    if risk.crossing is not None and risk.crossing.low is not None:
        return max(risk.crossing.low, risk.at)
    latest = risk.at + WITHIN.get(risk.level, AHEAD)
    if risk.life is not None:
        return max(risk.at, min(latest, risk.at + timedelta(days=risk.life[0])))
    return latest


def wanted(need: Need, last: Visit | None, now: datetime) -> bool:
    """Whether to propose a visit, after what became of the last one for the same device and cause."""
    if last is None:
        return True
    if last.state == "done":
        return last.done_at is None or now - last.done_at >= AFTER_DONE
    if LEVELS.index(need.level) > LEVELS.index(last.level):
        return True
    return (
        need.probability is not None
        and last.probability is not None
        and need.probability >= last.probability + WORSE_BY
    )


def place(
    need: Need, booked: Sequence[Visit], hours: Hours, rules: PredictionSettings, now: datetime
) -> Slot | None:
    """A slot for a device, within a visit that its site has booked if there is one that will do.

    Args:
        booked: live visits of the site, of other devices or causes.
    """
    own = _own(need, hours, rules, now)
    if own is None:
        return None
    for at in sorted({visit.visit_at for visit in booked}):
        beside = {visit.device_id for visit in booked if visit.visit_at == at} - {need.device_id}
        until = at + timedelta(minutes=rules.visit_minutes) * (len(beside) + 1)
        in_time = until <= need.by or (own.until > need.by and at <= own.at)
        if at < now + SOONEST or at > own.at + timedelta(days=rules.merge_days) or not in_time:
            continue
        if hours.days and not slots.free(hours, at, until) and slots.free(hours, own.at, own.until):
            continue
        return Slot(at, until, "together with what is booked there")
    return own


def _own(need: Need, hours: Hours, rules: PredictionSettings, now: datetime) -> Slot | None:
    notice, minutes = timedelta(hours=rules.notice_hours), rules.visit_minutes
    tries = (
        (now + notice, need.by - notice, ""),
        (now + notice, need.by, ""),
        (now + SOONEST, need.by, f"at less than {rules.notice_hours} h notice"),
        (now + SOONEST, now + AHEAD, "no time outside the site's hours is left before it is needed"),
    )
    for first, last, note in tries:
        found = slots.find(hours, first, last, minutes) if first < last else None
        if found is not None:
            return replace(found, note="; ".join(part for part in (note, found.note) if part))
    return None


def moved(
    visit: Visit, need: Need, booked: Sequence[Visit], hours: Hours, rules: PredictionSettings, now: datetime
) -> Slot | None:
    """Where a live visit goes instead; None: it stays, as every accepted one does."""
    if visit.state != "proposed":
        return None
    found = place(need, booked, hours, rules, now)
    if found is None or found.at == visit.visit_at:
        return None
    if visit.visit_at <= now:
        return replace(
            found, note="; ".join(p for p in ("the time before was not decided on", found.note) if p)
        )
    disturbs = bool(hours.days) and not slots.free(hours, visit.visit_at, visit.visit_until)
    if disturbs and slots.free(hours, found.at, found.until):
        return found
    too_late = visit.visit_until > need.by + EARLIER
    return found if too_late and found.until <= need.by and found.at < visit.visit_at else None
