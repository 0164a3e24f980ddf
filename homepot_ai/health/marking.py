"""A verdict on an anomaly, and what it moves: one transaction, audited, reversible.

mark     append the verdict, decide the device type's threshold anew
settle   decide every threshold anew: marks grow old
reset    a person's decision: the threshold as designed, marks made so far count no more
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.errors import MarkError, NotFound
from homepot_ai.fleet import devices as fleet
from homepot_ai.health import feedback, rows
from homepot_ai.health.config import AlarmConfig
from homepot_ai.settings import Settings
from homepot_ai.store import audit, marks
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.marks import LoggedAnomaly, Threshold, Verdict
from homepot_ai.text import clean

CANDIDATES = 5
LISTED = 20
#: Offsets are decided in hundredths of a decade and stored as float32.
_SAME = 0.001


@dataclass(frozen=True)
class Moved:
    """A device type's threshold before and after, in decades added to the designed one."""

    device_type: str
    before: float
    after: float
    reason: str

    @property
    def changed(self) -> bool:
        """Whether the decision was another one than that in force."""
        return abs(self.after - self.before) > _SAME


@dataclass(frozen=True)
class Marked:
    """What a verdict did.

    Attributes:
        written: False when the anomaly had this verdict already, or none that could be withdrawn.
        moved: None when no threshold depends on this anomaly; `unmoved` says why.
    """

    anomaly: LoggedAnomaly
    verdict: Verdict
    by: str
    comment: str | None
    written: bool
    moved: Moved | None
    unmoved: str


def mark(
    db: Database,
    settings: Settings,
    verdict: Verdict | None,
    *,
    anomaly: int | None = None,
    device: str | None = None,
    at: datetime | None = None,
    by: str,
    comment: str | None = None,
    source: str,
    now: datetime,
) -> Marked:
    """Give an anomaly a verdict, or withdraw it; the same again writes nothing.

    Args:
        anomaly: its id; or
        device: the device's name, public id or number, and
        at: a moment at which its anomaly was open.
        source: where the verdict comes from, `flow` or `cli`.

    Raises:
        NotFound: with the nearest anomalies and their ids.
        MarkError: which anomaly, or the verdict, is not said.
    """
    comment = clean(comment, 1000) if comment and comment.strip() else None
    by = clean(by, 100)
    with db.writer() as conn:
        marks.one_at_a_time(conn)
        found = _find(conn, anomaly, device, at)
        if verdict is None:
            raise MarkError(f"say whether anomaly {found.id} was true or false, or withdraw what was said")
        written = marks.add(conn, found.id, verdict, by=by, comment=comment, source=source, now=now)
        moved, unmoved = None, _unmoved(found)
        if found.device_type is not None and not unmoved:
            moved = _decide(conn, settings.health.alarm, found.device_type, now)
        if written:
            audit.record(
                conn, at=now, actor=by, action="marked", subject=f"anomaly {found.id}",
                purpose="said whether an alarm was right",
                details={
                    "verdict": verdict, "source": source, "comment": comment, "device": found.device_id,
                    "threshold": None if moved is None else [moved.before, moved.after],
                },
            )  # fmt: skip
    return Marked(found, verdict, by, comment, written, moved, unmoved)


def mark_all(
    conn: Connection,
    settings: Settings,
    numbers: Sequence[int],
    verdict: Verdict,
    *,
    by: str,
    comment: str | None,
    source: str,
    now: datetime,
) -> tuple[int, list[Moved]]:
    """Give several anomalies one verdict, within the caller's transaction and audit.

    Returns:
        How many had another verdict before, and the thresholds that moved.
    """
    if not numbers:
        return 0, []
    marks.one_at_a_time(conn)
    found = [anomaly for number in numbers if (anomaly := marks.anomaly(conn, number)) is not None]
    changed = [
        anomaly
        for anomaly in found
        if marks.add(conn, anomaly.id, verdict, by=by, comment=comment, source=source, now=now)
    ]
    types = {anomaly.device_type for anomaly in changed if not _unmoved(anomaly)}
    moved = [_decide(conn, settings.health.alarm, type_, now) for type_ in sorted(filter(None, types))]
    return len(changed), [one for one in moved if one.changed]


def _find(conn: Connection, number: int | None, device: str | None, at: datetime | None) -> LoggedAnomaly:
    who = None if device is None else fleet.resolve_device(conn, device)
    if number is not None:
        found = marks.anomaly(conn, number)
        if found is not None and (who is None or found.device_id == who.id):
            return found
        asked = str(number) if who is None else f"{number} of {clean(who.name)}"
    elif who is None or at is None:
        raise MarkError(
            "say which anomaly: its id, or its device and a moment at which it was open; "
            "`homepot-ai anomalies` lists them"
        )
    else:
        there = marks.anomalies(conn, device_id=who.id, at=at, limit=1)
        if there:
            return there[0]
        asked = f"of {clean(who.name)} at {at:%Y-%m-%d %H:%M} UTC"
    near = marks.anomalies(conn, device_id=None if who is None else who.id, limit=CANDIDATES)
    raise NotFound("anomaly", asked, [f"{a.id} ({name_of(a)}, {span(a)})" for a in near])


def _unmoved(found: LoggedAnomaly) -> str:
    """Why no threshold depends on this anomaly; empty when one does."""
    if found.device_type is None:
        return "HOMEPOT no longer has this device, so the mark moves no threshold."
    if found.opened_by in ("limit", "signal"):
        return (
            f"It was opened by a {found.opened_by}, which marks do not move: change "
            f"`health.{found.opened_by}s` if it is wrong. The mark counts in the measured precision."
        )
    if found.strength is None:
        return "It was logged before strengths were kept, so the mark moves no threshold."
    return ""


def settle(db: Database, settings: Settings, now: datetime) -> list[Moved]:
    """Decide the threshold of every device type anew; returns those that changed."""
    with db.writer() as conn:
        marks.one_at_a_time(conn)
        decided = [_decide(conn, settings.health.alarm, type_, now) for type_ in marks.marked_types(conn)]
    return [moved for moved in decided if moved.changed]


def _decide(conn: Connection, config: AlarmConfig, device_type: str, now: datetime) -> Moved:
    before = marks.offsets(conn).get(device_type, 0.0)
    since = now - timedelta(days=config.marks_days)
    judged = [feedback.Judged(*row) for row in marks.judged(conn, device_type, since)]
    decided = feedback.decide(judged, config)
    moved = Moved(device_type, before, decided.offset, decided.reason)
    if moved.changed:
        marks.insert_threshold(
            conn,
            Threshold(
                device_type, decided.offset, decided.marked_true, decided.marked_false, decided.reason,
                marks.RULE, now,
            ),
        )  # fmt: skip
    return moved


def reset(db: Database, device_type: str, *, by: str, now: datetime) -> Moved:
    """Put a device type's threshold back to the designed one; marks made so far no longer move it.

    Raises:
        NotFound: no such device type has a threshold that was ever moved, or a mark.
    """
    by = clean(by, 100)
    # Otherwise the marks would be taken for their own doing.
    by = f"{by} (a person)" if by == marks.RULE else by
    with db.writer() as conn:
        marks.one_at_a_time(conn)
        known = marks.marked_types(conn)
        if device_type not in known:
            near = difflib.get_close_matches(device_type, known, n=3, cutoff=0.4) or known
            raise NotFound("device type with marks", device_type, near)
        before = marks.offsets(conn).get(device_type, 0.0)
        reason = f"reset by {by}: marks made before count no more"
        marks.insert_threshold(conn, Threshold(device_type, 0.0, 0, 0, reason, by, now))
        audit.record(
            conn, at=now, actor=by, action="reset", subject=f"alarm threshold of {device_type}",
            purpose="undid what marks had moved", details={"threshold": [before, 0.0]},
        )  # fmt: skip
    return Moved(device_type, before, 0.0, reason)


def listing(db: Database, now: datetime) -> tuple[Sequence[LoggedAnomaly], Sequence[Threshold]]:
    """The newest anomalies, and the thresholds in force."""
    with db.reader() as conn:
        return marks.anomalies(conn, limit=LISTED), marks.thresholds(conn, now)


def name_of(anomaly: LoggedAnomaly) -> str:
    """What the device is called, whoever named it."""
    return clean(anomaly.device) if anomaly.device else f"device {anomaly.device_id}, gone"


def span(anomaly: LoggedAnomaly) -> str:
    """From when to when it was open."""
    began = f"{anomaly.started_at:%Y-%m-%d %H:%M}"
    if anomaly.ended_at is None:
        return f"since {began} UTC"
    same_day = anomaly.ended_at.date() == anomaly.started_at.date()
    return f"{began} to {anomaly.ended_at:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}} UTC"


def why(anomaly: LoggedAnomaly) -> str:
    """What deviated at the opening, and from what."""
    nan = float("nan")
    seen = (anomaly.observed, anomaly.expected_low, anomaly.expected_high)
    return rows.explain(anomaly.metric or "", *(nan if value is None else value for value in seen))


def verdict_of(mark: bool | None) -> str:
    """A mark as people write it; empty when there is none."""
    return "" if mark is None else "true" if mark else "false"
