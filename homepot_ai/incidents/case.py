"""One incident while a run decides about it: what it was, what it becomes, what is to be written.

Every change goes through the transition table (machine.py), and every change that people should know of
leaves an event beside it. Nothing here reads a clock or a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from homepot_ai.incidents.machine import LIVE, OPENED, Step, move
from homepot_ai.incidents.signs import SEVERITIES, Sign
from homepot_ai.incidents.windows import Cover
from homepot_ai.store.incidents import EventKind, Incident, Severity
from homepot_ai.store.windows import Outcome, Why

#: Who acts when no person does.
RULE = "rule"


@dataclass(frozen=True)
class Happened:
    """An event to be written; see `IncidentEvent`."""

    at: datetime
    kind: EventKind
    actor: str
    comment: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Suppression:
    """Why an incident is not told, since when and until when; see `ai_suppressed`."""

    why: Why
    window_id: int | None
    begun_at: datetime
    until: datetime | None
    ended_at: datetime | None = None
    outcome: Outcome | None = None


@dataclass
class Case:
    """An incident at work.

    Attributes:
        now: as it will be stored; a negative id: not stored yet.
        before: as it is stored; None: new.
        signs: what speaks for it in this minute.
        members: devices it holds, and since when; joined, left: what changed of that.
        linked: anomalies that became its evidence.
        suppressed: why it is not told, what is in force; ended: what was until now.
    """

    now: Incident
    before: Incident | None = None
    members: dict[int, datetime] = field(default_factory=dict)
    suppressed: dict[Why, Suppression] = field(default_factory=dict)
    signs: list[Sign] = field(default_factory=list)
    joined: dict[int, datetime] = field(default_factory=dict)
    left: dict[int, datetime] = field(default_factory=dict)
    linked: list[int] = field(default_factory=list)
    begun: dict[Why, Suppression] = field(default_factory=dict)
    ended: list[Suppression] = field(default_factory=list)
    events: list[Happened] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Suspected, open or acknowledged."""
        return self.now.state in LIVE

    @property
    def opened(self) -> bool:
        """Open or acknowledged."""
        return self.now.state in OPENED

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return bool(
            self.now != self.before or self.events or self.joined or self.left or self.linked
            or self.begun or self.ended
        )  # fmt: skip

    def set(self, **fields: Any) -> None:
        """Change columns."""
        self.now = replace(self.now, **fields)

    def note(
        self,
        at: datetime,
        kind: EventKind,
        actor: str = RULE,
        comment: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Leave an event."""
        self.events.append(Happened(at, kind, actor, comment, details or {}))

    def _step(self, step: Step) -> None:
        after = move(self.now.state, step, self.now.id if self.now.id > 0 else None)
        if after != self.now.state:
            self.set(state=after)

    # What it is about

    def join(self, sign: Sign) -> None:
        """Take a sign as evidence."""
        self._step("join")
        self.signs.append(sign)
        if sign.anomaly_id is not None and sign.owner != self.now.id:
            self.linked.append(sign.anomaly_id)

    def add_member(self, device_id: int, at: datetime) -> None:
        """A device belongs to it from now on."""
        if device_id in self.members:
            return
        if device_id in self.left:  # it never went, as seen after this run
            self.members[device_id] = self.left.pop(device_id)
            return
        self.members[device_id] = self.joined[device_id] = at

    def drop_member(self, device_id: int, at: datetime) -> None:
        """A device is well again."""
        joined = self.members.pop(device_id)
        if self.joined.pop(device_id, None) is None:
            self.left[device_id] = joined

    # Its life

    def open(self, at: datetime) -> None:
        """Out of suspicion: what it is at this moment is kept for good."""
        self._step("open")
        now = self.now
        self.set(
            opened_at=at, quiet_since=None, initial=now.facts, initial_severity=now.severity,
            peak_severity=now.severity, peak_devices=now.devices,
        )  # fmt: skip
        first: Mapping[str, Any] = next(iter(now.facts["metrics"]), {})
        about = {key: first.get(key) for key in ("observed", "low", "high", "metric")}
        details = {"severity": now.severity, "title": now.title, "devices": now.devices, **about}
        self.note(at, "opened", details=details)

    def grade(self, severity: Severity, at: datetime) -> None:
        """Worsen or ease."""
        before = self.now.severity
        if severity == before:
            return
        worse = SEVERITIES.index(severity) > SEVERITIES.index(before)
        self._step("worsen" if worse else "ease")
        self.set(severity=severity)
        if not self.opened:
            return
        if worse:
            self.set(peak_severity=max(severity, self.now.peak_severity, key=SEVERITIES.index))
        self.note(at, "worsened" if worse else "eased", details={"from": before, "to": severity})

    def resize(self, at: datetime) -> None:
        """Count its devices; more than ever is worth an event."""
        count = max(1, len(self.members))
        if count == self.now.devices and count <= self.now.peak_devices:
            return
        grew = self.opened and count > self.now.peak_devices
        self.set(devices=count, peak_devices=max(count, self.now.peak_devices))
        if grew:
            self._step("grow")
            self.note(at, "grew", details={"devices": count})

    def quieten(self, since: datetime | None) -> None:
        """Nothing of it is to be seen since then; None: something is."""
        if self.now.quiet_since != since:
            self._step("quiet")
            self.set(quiet_since=since)

    def discard(self, at: datetime) -> None:
        """It was over before it was opened, or is part of a larger one."""
        self._step("discard")
        self._leave_all(at)

    def close(
        self, at: datetime, *, by: str, resolution: str | None, ended: datetime | None = None, **more: Any
    ) -> None:
        """It is over.

        Args:
            by: a person, or RULE.
            ended: when the trouble itself ended; None: now.
        """
        self._step("close")
        minutes = max(0, round(((ended or at) - self.now.started_at).total_seconds() / 60))
        kind = "rule" if by == RULE else "person"
        self.set(closed_at=at, closed_by=by, resolution=resolution, snoozed_until=None)
        outcome: Outcome = "recovered" if kind == "rule" else "closed_by_hand"
        for why in list(self.suppressed):
            self.unsuppress(why, at, outcome)
        self._leave_all(at)
        self.note(at, "closed", by, resolution, {"minutes": minutes, "by": kind, **more})

    def _leave_all(self, at: datetime) -> None:
        for device in list(self.members):
            self.drop_member(device, at)

    # Whether it is told

    def suppress(self, cover: Cover, at: datetime) -> None:
        """Do not tell it, or not until later than was known."""
        there = self.suppressed.get(cover.why)
        if there is None:
            self._step("suppress")
            new = Suppression(cover.why, cover.window_id, at, cover.until)
            self.suppressed[cover.why] = self.begun[cover.why] = new
            until = None if cover.until is None else cover.until.isoformat()
            self.note(at, "suppressed", details={"why": cover.why, "until": until})
        elif (there.window_id, there.until) != (cover.window_id, cover.until):
            moved = replace(there, window_id=cover.window_id, until=cover.until)
            self.suppressed[cover.why] = self.begun[cover.why] = moved

    def unsuppress(self, why: Why, at: datetime, outcome: Outcome) -> None:
        """A reason not to tell it is over."""
        there = self.suppressed.pop(why)
        self.begun.pop(why, None)
        self.ended.append(replace(there, ended_at=at, outcome=outcome))

    def release(self, why: Why, at: datetime) -> None:
        """A reason not to tell it is over and it is still ill: tell it, if that was the last one."""
        self.unsuppress(why, at, "told_after")
        if not self.suppressed:
            self._step("release")
            self.note(at, "released", details={"why": why})

    # What people do

    def acknowledge(self, at: datetime, by: str, comment: str | None) -> None:
        """Somebody looks after it."""
        self._step("acknowledge")
        self.set(acknowledged_at=self.now.acknowledged_at or at, acknowledged_by=by)
        self.note(at, "acknowledged", by, comment)

    def snooze(self, at: datetime, by: str, until: datetime, comment: str | None) -> None:
        """Not to be told before then."""
        self._step("snooze")
        self.set(snoozed_until=until, snoozed_by=by)
        there = self.suppressed.get("snooze")
        begun = at if there is None else there.begun_at
        self.suppressed["snooze"] = self.begun["snooze"] = Suppression("snooze", None, begun, until)
        self.note(at, "snoozed", by, comment, {"until": until.isoformat()})

    def judge(self, at: datetime, by: str, verdict: bool | None, comment: str | None) -> None:
        """Somebody says whether it was right; None takes that back. Also of what is closed."""
        self.set(mark=verdict)
        if verdict is not None:
            self.set(conclusion="CONFIRMED" if verdict else "INCONCLUSIVE")
        said = "withdrawn" if verdict is None else str(verdict).lower()
        self.note(at, "marked", by, comment, {"verdict": said})


def told(suppressed: Sequence[Why]) -> bool:
    """Whether an incident under these is shown to people: a snooze only stops reminders."""
    return not set(suppressed) - {"snooze"}
