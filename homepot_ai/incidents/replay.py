"""Incidents without a database: the same step over minutes of the past, kept in memory.

For benchmarks and for tests of what must always hold. What is stored in tables otherwise is held here:
history, events, silences and evidence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from homepot_ai.fleet.schedules import MaintenanceDay
from homepot_ai.incidents.applying import settle
from homepot_ai.incidents.case import Case, Happened, Suppression
from homepot_ai.incidents.judging import Around, Past
from homepot_ai.incidents.lifecycle import step
from homepot_ai.incidents.signs import SILENT, Sign, Unit
from homepot_ai.incidents.windows import Silences
from homepot_ai.settings import IncidentSettings
from homepot_ai.store.incidents import Incident
from homepot_ai.store.windows import Window


@dataclass
class Ledger:
    """Every incident of a replay.

    Attributes:
        units: devices by id; sites: site to name; zones: site to IANA zone.
        cases: live incidents; history: every incident as it is now, by number.
        events, suppressed: by incident; evidence: anomaly to the incidents that it belongs to.
    """

    units: Mapping[int, Unit]
    sites: Mapping[int, str] = field(default_factory=dict)
    config: IncidentSettings = field(default_factory=IncidentSettings)
    windows: Sequence[Window] = ()
    days: Sequence[MaintenanceDay] = ()
    zones: Mapping[int, str] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    history: dict[int, Incident] = field(default_factory=dict)
    events: dict[int, list[Happened]] = field(default_factory=lambda: defaultdict(list))
    suppressed: dict[int, list[Suppression]] = field(default_factory=lambda: defaultdict(list))
    evidence: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _silent: dict[int, datetime] = field(default_factory=dict)
    _told: dict[int, datetime] = field(default_factory=dict)

    def minute(
        self, at: datetime, signs: Sequence[Sign], unjudged: frozenset[int] = frozenset()
    ) -> list[Case]:
        """Judge a minute; returns the cases with what was decided, before it is settled.

        Args:
            signs: everything that is wrong, whoever holds it; unjudged: neither ill nor well.
        """
        silent = {sign.device_id for sign in signs if sign.silent}
        self._silent = {device: self._silent.get(device, at) for device in silent}
        mine = [owned for sign in signs if (owned := self._owned(sign)) is not None]
        decided = step(at, mine, self.cases, self._around(at, mine, unjudged), self.config)
        self.keep(decided)
        return decided

    def keep(self, cases: Sequence[Case]) -> None:
        """Store what was decided about these, also by people."""
        for case in cases:
            if case.before is None:
                case.set(id=len(self.history) + 1)
            elif case.now != case.before:
                case.set(version=case.now.version + 1)
            number = case.now.id
            self.history[number] = case.now
            self.events[number] += case.events
            self.suppressed[number] += case.ended
            for anomaly in case.linked:
                self.evidence[anomaly].append(number)
            about_silence = case.now.cause == SILENT or case.now.kind == "storm"
            if case.now.state == "closed" and about_silence and case.now.closed_at is not None:
                for device in {*case.left, *([case.now.root_device_id] if case.now.root_device_id else [])}:
                    self._told[device] = case.now.closed_at
        there = {case.now.id: case for case in self.cases} | {case.now.id: case for case in cases}
        self.cases = [settle(case) for case in there.values() if case.live]

    def case(self, number: int) -> Case:
        """A live incident, or a closed one to be judged."""
        live = {case.now.id: case for case in self.cases}
        return live.get(number) or Case(self.history[number], self.history[number])

    def _owned(self, sign: Sign) -> Sign | None:
        """With its owner; None where an incident that is closed was about it."""
        live = {case.now.id for case in self.cases}
        if sign.anomaly_id is not None:
            holders = [n for n in self.evidence[sign.anomaly_id] if self.history[n].state != "discarded"]
            owners = [n for n in holders if n in live]
            if holders and not owners:
                return None
            return replace(sign, owner=max(owners, default=None))
        told = self._told.get(sign.device_id)
        storms = []
        for case in self.cases:
            if sign.device_id not in case.members:
                continue
            if case.now.cause == SILENT:
                return replace(sign, owner=case.now.id)
            if case.now.kind == "storm":
                storms.append(case.now.id)
        if told is not None and told >= self._silent[sign.device_id]:
            return None
        return replace(sign, owner=min(storms, default=None))

    def _around(self, at: datetime, signs: Sequence[Sign], unjudged: frozenset[int]) -> Around:
        lately = at - timedelta(hours=self.config.flap_hours)
        closed: dict[str, list[Incident]] = defaultdict(list)
        for incident in self.history.values():
            if incident.state == "closed":
                closed[incident.fingerprint].append(incident)
        soon = at - timedelta(minutes=self.config.storm_minutes)
        return Around(
            silences=Silences(self.windows, self.days, self.zones, at),
            units=self.units,
            sites=self.sites,
            behind=Counter(u.gateway_id for u in self.units.values() if u.gateway_id is not None),
            at_site=Counter(unit.site_id for unit in self.units.values()),
            unjudged=unjudged,
            past={
                fingerprint: Past(
                    found[-1].id,
                    max(one.recurrence for one in found),
                    sum(one.opened_at is not None and one.opened_at > lately for one in found),
                )
                for fingerprint, found in closed.items()
            },
            openings=sum(
                one.kind == "device" and one.opened_at is not None and one.opened_at > soon
                for one in self.history.values()
            ),
        )
