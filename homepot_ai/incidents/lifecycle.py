"""One minute of all incidents: what is seen now against what is known, and what follows. Pure.

1. Every sign goes to the incident that holds it, or to a live one of its fingerprint.
2. New signs that are one trouble (grouping.py) become one incident; what it explains is absorbed.
3. Each remaining one is suspected; seen in N of M minutes it opens. More than `storm_cap` within
   `storm_minutes`: the gravest open, the rest is one incident.
4. Every live one is judged: worse, eased, grown, quiet, over; silenced, or told again.

The step looks at the state, not at what changed: run twice over the same minute it changes nothing the
second time, and a minute that was never run is made up for by the next.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from homepot_ai.incidents import grouping
from homepot_ai.incidents.case import RULE, Case
from homepot_ai.incidents.grouping import Group, device_print, gateway_print, site_print
from homepot_ai.incidents.judging import Around, Judge
from homepot_ai.incidents.signs import (
    SEVERITIES,
    STORM,
    Sign,
    Unit,
    category_of,
    group_title,
    title_of,
    worst,
)
from homepot_ai.settings import IncidentSettings
from homepot_ai.store.incidents import Incident, Kind

#: What an absorbed incident is closed with.
ABSORBED = "part of a larger incident"
_Key = tuple[str, int | None] | None


def fingerprints(signs: Sequence[Sign], units: Mapping[int, Unit]) -> list[str]:
    """Every fingerprint that an incident of new signs could have: their past is asked for beforehand."""
    found = set()
    for sign in signs:
        unit = units[sign.device_id]
        found |= {device_print(sign.device_id, sign.cause), site_print(unit.site_id, sign.cause)}
        if sign.silent:
            found.add(gateway_print(sign.device_id))
            if unit.gateway_id is not None:
                found.add(gateway_print(unit.gateway_id))
    return sorted(found | {STORM}) if found else []


def step(
    at: datetime, signs: Sequence[Sign], cases: Sequence[Case], around: Around, config: IncidentSettings
) -> list[Case]:
    """Judge one minute; the given cases are changed, and returned with the new ones.

    Args:
        at: the minute; signs: everything that is wrong in it, with `owner` where it is evidence of one of
            the cases; cases: every live incident.
    """
    minute = _Minute(at, list(cases), around, config)
    fresh = minute.assign(signs)
    fresh = minute.group(fresh)
    minute.admit(fresh)
    for case in minute.cases:
        if case.live:
            minute.judge.judge(case)
    return [case for case in minute.cases if case.before is not None or case.now.state != "discarded"]


class _Minute:
    """The working state of one step."""

    def __init__(self, at: datetime, cases: list[Case], around: Around, config: IncidentSettings) -> None:
        self.at, self.cases, self.around, self.config = at, cases, around, config
        self.by_print = {case.now.fingerprint: case for case in cases if case.live}
        self.by_id = {case.now.id: case for case in cases if case.live}
        self.judge = Judge(at, around, config)
        self._ids: Iterator[int] = itertools.count(-1, -1)

    # 1. What is known already

    def assign(self, signs: Sequence[Sign]) -> list[Sign]:
        """Give signs to the incidents that hold them; returns those that nobody holds."""
        fresh = []
        for sign in signs:
            case = self.by_id.get(sign.owner) if sign.owner is not None else None
            case = case or self._holder(sign)
            if case is None:
                fresh.append(sign)
            else:
                case.join(sign)
        return fresh

    def _holder(self, sign: Sign) -> Case | None:
        unit = self.around.units[sign.device_id]
        prints = [device_print(sign.device_id, sign.cause)]
        if sign.silent:
            prints.append(gateway_print(sign.device_id))
            if unit.gateway_id is not None:
                prints.append(gateway_print(unit.gateway_id))
        prints.append(site_print(unit.site_id, sign.cause))
        return next((self.by_print[p] for p in prints if p in self.by_print), None)

    # 2. What is one trouble

    def group(self, fresh: list[Sign]) -> list[Sign]:
        """Make incidents of groups; returns the signs that are in none."""
        single = [
            case
            for case in self.by_print.values()
            if case.now.kind in ("device", "gateway") and case.now.state in ("pending", "open") and case.signs
        ]
        if not fresh and not any(case.now.state == "pending" for case in single):
            return fresh
        owner = {id(sign): case for case in single for sign in case.signs}
        around, config = self.around, self.config
        found = grouping.find(
            fresh + [s for case in single for s in case.signs],
            around.units, around.behind, around.at_site, config,
        )  # fmt: skip
        for group in found:
            case = self._there(group.fingerprint) or self._group_case(group)
            for sign in group.signs:
                holder = owner.get(id(sign))
                if holder is case or (holder is not None and not holder.live):
                    continue
                if holder is not None and holder.live:
                    self._absorb(holder, case)
                else:
                    case.join(sign)
        taken = {id(sign) for group in found for sign in group.signs}
        return [sign for sign in fresh if id(sign) not in taken]

    def _there(self, fingerprint: str) -> Case | None:
        case = self.by_print.get(fingerprint)
        return case if case is not None and case.live else None

    def _absorb(self, small: Case, large: Case) -> None:
        for sign in small.signs:
            large.join(sign)
            large.add_member(sign.device_id, self.at)
        if small.now.state == "pending":
            small.discard(self.at)
        else:
            small.close(self.at, by=RULE, resolution=f"{ABSORBED}: {large.now.title}"[:500], absorbed=True)

    def _group_case(self, group: Group) -> Case:
        units = self.around.units
        site = self.around.sites.get(group.site_id, f"site {group.site_id}")
        root = units.get(group.root) if group.root is not None else None
        name = site if group.kind == "site" else root.name if root else f"gateway {group.root}"
        children = len({s.device_id for s in group.signs} - {group.root})
        return self._new(
            group.kind, group.fingerprint, group.cause, list(group.signs),
            site_id=group.site_id, root=group.root, device_type=root.device_type if root else None,
            title=group_title(group.kind, name, group.cause, children, max(group.of, children)),
        )  # fmt: skip

    # 3. What is new

    def admit(self, fresh: Sequence[Sign]) -> None:
        """Suspect or open what is on its own, in a storm the gravest of it."""
        ready: dict[_Key, list[tuple[Sign, Case | None]]] = defaultdict(list)
        for sign in fresh:
            if self._enough(sign):
                ready[self._silenced_by(sign)].append((sign, None))
            else:
                self._single(sign)
        for case in list(self.by_print.values()):
            if case.now.state == "pending" and case.now.kind == "device" and case.signs:
                sign = case.signs[0]
                if self._enough(sign):
                    ready[self._silenced_by(sign)].append((sign, case))
        for cover, waiting in ready.items():
            waiting.sort(key=lambda w: (-SEVERITIES.index(w[0].severity), w[0].since, w[0].device_id))
            room = self.config.storm_cap - (self.around.openings if cover is None else 0)
            fingerprint = self._storm_now(cover)
            storm = self.by_print.get(fingerprint)
            # A storm of one or two would say less than they do themselves, but only the first of them.
            if storm is None and room > 0 and len(waiting) < room + self.config.group_devices:
                room = len(waiting)
            for sign, held in waiting[: max(room, 0)]:
                self.judge.open(held or self._single(sign))
            rest = waiting[max(room, 0) :]
            if rest:
                self._storm(fingerprint, rest)

    def _storm_now(self, cover: _Key) -> str:
        """A flood joins the storm of its own minutes; what comes later is told anew."""
        base = _storm_print(cover)
        storms = [
            case
            for print_, case in self.by_print.items()
            if case.live and (print_ == base or print_.startswith(f"{base}@"))
        ]
        for case in storms:
            opened = case.now.opened_at or self.at
            if (self.at - opened).total_seconds() < 60 * 3 * self.config.storm_minutes:
                return case.now.fingerprint
        return base if base not in self.by_print else f"{base}@{self.at:%Y%m%dT%H%M}"

    def _single(self, sign: Sign) -> Case:
        unit = self.around.units[sign.device_id]
        there = self.by_print.get(device_print(sign.device_id, sign.cause))
        if there is not None:
            there.join(sign)
            return there
        case = self._new(
            "device", device_print(sign.device_id, sign.cause), sign.cause, [sign],
            site_id=unit.site_id, root=unit.id, device_type=unit.device_type, title=title_of(sign, unit),
        )  # fmt: skip
        case.join(sign)
        return case

    def _storm(self, fingerprint: str, rest: Sequence[tuple[Sign, Case | None]]) -> None:
        storm = self.by_print.get(fingerprint)
        if storm is None:
            title = group_title("storm", "", STORM, len({s.device_id for s, _ in rest}), 0)
            # A storm within a site's window is silenced as long as that: it must know its site.
            sites = {self.around.units[s.device_id].site_id for s, _ in rest}
            site = min(sites) if len(sites) == 1 else None
            storm = self._new("storm", fingerprint, STORM, [s for s, _ in rest], title=title, site_id=site)
        for sign, case in rest:
            if case is not None:
                self._absorb(case, storm)
            else:
                storm.join(sign)

    def _enough(self, sign: Sign) -> bool:
        config = self.config
        if sign.samples is not None:
            return sign.samples >= config.sparse_n
        if sign.severity == "critical":
            return True
        wanted = config.silent_n if sign.silent else getattr(config, f"{sign.severity}_n")
        return sign.minutes >= int(wanted)

    def _silenced_by(self, sign: Sign) -> _Key:
        """What silences an incident of this sign: each window's own flood is counted by itself."""
        unit = self.around.units[sign.device_id]
        covers = self.around.silences.of(unit.site_id, unit.id)
        if not covers:
            return None
        return covers[0].why, covers[0].window_id or unit.site_id

    def _new(
        self,
        kind: Kind,
        fingerprint: str,
        cause: str,
        signs: Sequence[Sign],
        *,
        title: str,
        site_id: int | None = None,
        root: int | None = None,
        device_type: str | None = None,
    ) -> Case:
        past = self.around.past.get(fingerprint)
        severity = worst([sign.severity for sign in signs])
        facts = self.judge.facts(signs, root)
        provenances = {sign.provenance for sign in signs if sign.provenance}
        incident = Incident(
            id=next(self._ids), fingerprint=fingerprint, kind=kind, site_id=site_id, root_device_id=root,
            device_type=device_type, cause=cause,
            category=category_of(signs[0].cause if cause == STORM else cause), title=title, state="pending",
            severity=severity, initial_severity=severity, peak_severity=severity,
            conclusion=self.judge.conclusion(kind, signs), provenance=min(provenances, default=None),
            started_at=min(sign.since for sign in signs), opened_at=None, acknowledged_at=None,
            acknowledged_by=None, snoozed_until=None, snoozed_by=None, quiet_since=None, closed_at=None,
            closed_by=None, resolution=None, devices=1, peak_devices=1, initial=facts, facts=facts,
            previous_id=None if past is None else past.id,
            recurrence=0 if past is None else past.recurrence + 1,
            flapping=False, mark=None, homepot_alert_id=None, version=0, updated_at=self.at,
        )  # fmt: skip
        case = Case(incident)
        self.cases.append(case)
        self.by_print[fingerprint] = case
        return case


def _storm_print(cover: _Key) -> str:
    return STORM if cover is None else f"{STORM}:{cover[0]}:{cover[1]}"
