"""What becomes of one incident in a minute: worse, eased, grown, quiet or over; silenced or told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from homepot_ai.incidents.case import RULE, Case
from homepot_ai.incidents.signs import SILENT, Sign, Unit, conclusion_of, facts_of, worst
from homepot_ai.incidents.windows import Cover, Silences
from homepot_ai.settings import IncidentSettings
from homepot_ai.store.incidents import Conclusion, Kind, Severity

_CONCLUSIONS: Sequence[Conclusion] = ("INCONCLUSIVE", "LIKELY", "CONFIRMED")


@dataclass(frozen=True)
class Past:
    """The incident of a fingerprint before, and how often the fingerprint opened lately."""

    id: int
    recurrence: int
    openings: int


@dataclass(frozen=True)
class Around:
    """What a minute's step must know beside signs and incidents.

    Attributes:
        units: every device that a sign or an incident names.
        sites: site to name; behind: gateway to how many devices in use name it; at_site: site to how many.
        unjudged: devices that are neither ill nor well now: maintained, not scored, silent for ages.
        past: by fingerprint; ended: incident to when its evidence ended.
        openings: incidents of one device that opened, told, within the last `storm_minutes`.
        events: device to recent (kind, summary).
    """

    silences: Silences
    units: Mapping[int, Unit]
    sites: Mapping[int, str] = field(default_factory=dict)
    behind: Mapping[int, int] = field(default_factory=dict)
    at_site: Mapping[int, int] = field(default_factory=dict)
    unjudged: frozenset[int] = frozenset()
    past: Mapping[str, Past] = field(default_factory=dict)
    ended: Mapping[int, datetime] = field(default_factory=dict)
    openings: int = 0
    events: Mapping[int, Sequence[tuple[str, str]]] = field(default_factory=dict)


class Judge:
    """Decides about incidents in one minute; see `judge`."""

    def __init__(self, at: datetime, around: Around, config: IncidentSettings) -> None:
        self.at, self.around, self.config = at, around, config

    def conclusion(self, kind: Kind, signs: Sequence[Sign]) -> Conclusion:
        """How sure it is."""
        devices = {sign.device_id for sign in signs[:100]}
        agreeing = [kind for device in devices for kind, _ in self.around.events.get(device, ())]
        return conclusion_of(signs, self.at, agreeing=agreeing, together=kind in ("gateway", "site"))

    def facts(self, signs: Sequence[Sign], root: int | None) -> dict[str, Any]:
        """What is known, as it is stored."""
        devices = {sign.device_id for sign in signs}
        named = [root] if root is not None else sorted(devices)[:5]
        unit = self.around.units.get(root) if root is not None else None
        return facts_of(
            signs,
            devices=sorted(devices),
            events=[text for device in named for _, text in self.around.events.get(device, ())],
            firmware=None if unit is None else unit.firmware,
        )

    def open(self, case: Case) -> None:
        """As it is now, which is kept as what it was at its opening."""
        case.grade(self._severity(case), self.at)
        self._know(case)
        case.open(self.at)

    def judge(self, case: Case) -> None:
        """Worse, eased, grown, quiet or over; silenced or told again."""
        self._members(case)
        if case.signs:
            case.quieten(None)
            case.grade(self._severity(case), self.at)
        if case.now.state == "pending":
            if case.now.kind != "device" and case.signs:
                case.resize(self.at)
                self.open(case)
            elif not case.signs:
                self._doubt(case)
        if not case.opened:
            return
        if case.before is None or case.before.state == "pending":
            self._flaps(case)
        case.resize(self.at)
        if case.signs:
            self._know(case)
        elif self._rest(case):
            return
        self._silence(case)

    def _members(self, case: Case) -> None:
        if case.now.kind == "device":
            if case.now.root_device_id is not None:
                case.add_member(case.now.root_device_id, self.at)
            return
        ill = {sign.device_id for sign in case.signs}
        for device in sorted(ill - set(case.members)):
            case.add_member(device, self.at)
        # The last ones stay until it closes: an incident of nobody says nothing.
        for device in sorted(set(case.members) - ill - self.around.unjudged) if ill else ():
            case.drop_member(device, self.at)

    def _severity(self, case: Case) -> Severity:
        present = worst([sign.severity for sign in case.signs])
        if case.now.kind == "device" or (case.now.kind == "site" and case.now.cause != SILENT):
            return present
        # Half of them back is a trouble that is going.
        most = max(case.now.peak_devices, len(case.members))
        return "critical" if 2 * len(case.members) >= most else worst([present, "warning"])

    def _know(self, case: Case) -> None:
        """Facts and how sure they are, as of now; what was sure stays sure."""
        facts = self.facts(case.signs, case.now.root_device_id)
        # Events are looked up when something new comes: later minutes keep those.
        facts["events"] = facts["events"] or case.now.facts.get("events", [])
        facts["firmware"] = facts["firmware"] or case.now.facts.get("firmware")
        found = self.conclusion(case.now.kind, case.signs)
        sure = max(found, case.now.conclusion, key=_CONCLUSIONS.index)
        if case.now.mark is not None:
            sure = case.now.conclusion
        if facts != case.now.facts or sure != case.now.conclusion:
            case.set(facts=facts, conclusion=sure)

    def _doubt(self, case: Case) -> None:
        """Suspected, and nothing of it is seen in this minute."""
        since = case.now.quiet_since or self.at
        case.quieten(since)
        patience = self.config.silent_m if case.now.cause == SILENT else 0
        if self.at - since >= timedelta(minutes=patience):
            case.discard(self.at)

    def _flaps(self, case: Case) -> None:
        past = self.around.past.get(case.now.fingerprint)
        flips = 1 if past is None else past.openings + 1
        if flips <= self.config.flap_count or case.now.flapping or case.now.kind == "storm":
            return
        case.set(flapping=True)
        case.suppress(Cover("flapping", None, None), self.at)
        case.note(self.at, "flapping", details={"flips": flips, "hours": self.config.flap_hours})

    def _rest(self, case: Case) -> bool:
        """Nothing of it is to be seen: is it over? A device that nobody can judge is not well."""
        if set(case.members) & self.around.unjudged:
            case.quieten(None)
        else:
            since = case.now.quiet_since or self.at
            case.quieten(since)
            hold = self.config.stable_minutes if case.now.flapping else self.config.hold_minutes
            if self.at - since >= timedelta(minutes=hold):
                ended = self.around.ended.get(case.now.id, since)
                case.close(self.at, by=RULE, resolution="recovered", ended=min(ended, since))
                return True
        return self._forget(case)

    def _forget(self, case: Case) -> bool:
        opened = case.now.opened_at
        if opened is None or self.at - opened < timedelta(days=self.config.forget_days):
            return False
        case.close(
            self.at, by=RULE, forgotten=True,
            resolution=f"open for {self.config.forget_days} days: closed by rule, not because it recovered",
        )  # fmt: skip
        return True

    def _lasts(self, case: Case) -> bool:
        return self.at - case.suppressed["flapping"].begun_at >= timedelta(minutes=self.config.stable_minutes)

    def _silence(self, case: Case) -> None:
        if case.signs and self._forget(case):
            return
        covers = self.around.silences.of(case.now.site_id, case.now.root_device_id)
        wanted = {cover.why: cover for cover in covers}
        for cover in covers:
            case.suppress(cover, self.at)
        snoozed = case.now.snoozed_until
        if snoozed is not None and snoozed <= self.at:
            case.set(snoozed_until=None)
            case.note(self.at, "snooze_ended")
        over = [
            why
            for why in case.suppressed
            if (why in ("window", "homepot_schedule") and why not in wanted)
            or (why == "snooze" and case.now.snoozed_until is None)
            # Down for as long as "stable" is: it does not flap, it is broken.
            or (why == "flapping" and self._lasts(case))
        ]
        # Judged afresh: what is quiet by now is told nothing of, until it is ill again or over.
        for why in over if case.signs else ():
            case.release(why, self.at)
