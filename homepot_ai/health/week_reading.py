"""The fitted versions that minutes are scored with: a function of the minutes, not of when that is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from homepot_ai.errors import StateGone
from homepot_ai.health import week
from homepot_ai.store import fits
from homepot_ai.store.database import Connection


@dataclass(frozen=True)
class WeekPart:
    """A part of a version that counts from `since`, in epoch seconds: what `Engine.load_week` takes."""

    since: float
    part: int
    payload: bytes


def read_weeks(
    conn: Connection, shard: int, minutes: Sequence[float], *, again: bool
) -> tuple[WeekPart, ...]:
    """The parts that these minutes (their ends, ascending) touch, of the versions in force then.

    Args:
        again: the minutes were scored before: then nothing may be missing. A minute that is scored for
            the first time does without a version whose parts were deleted.

    Raises:
        StateGone: a version that was in force then is not kept any more.
    """
    known = fits.adopted(conn, shard, datetime.fromtimestamp(minutes[-1], UTC))
    # Of two that were stored within an hour, the later one is in force.
    by_moment = {week.in_force_from(version.fitted_at.timestamp()): version for version in known}
    moments = sorted(by_moment)
    out: list[WeekPart] = []
    for number in week.versions_needed(moments, minutes[0], minutes[-1]):
        version = by_moment[moments[number]]
        if not version.kept and again:
            raise StateGone(
                f"{datetime.fromtimestamp(minutes[-1], UTC):%Y-%m-%d %H:%M} UTC cannot be scored again: the "
                f"shape of the week in force then (version {version.version}) is not kept any more"
            )
        found = fits.parts(conn, shard, version.fitted_at, week.parts_needed(minutes))
        out += [WeekPart(moments[number], part, payload) for part, payload in sorted(found.items())]
    return tuple(out)
