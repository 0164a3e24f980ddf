"""The stage of a minute: read what is wrong, decide, write. One transaction, one run at a time.

    fetch    signs of the newest scored minute, live incidents, what is around them    (database, read)
    step     lifecycle.py                                                              (pure)
    store    incidents, events, members, evidence, silences                            (same transaction)

Killed anywhere it leaves nothing, and the next run finds the same signs again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg

from homepot_ai.fleet import devices as fleet
from homepot_ai.fleet import schedules
from homepot_ai.incidents import homepot_alerts, lifecycle
from homepot_ai.incidents.applying import apply, cases_of
from homepot_ai.incidents.case import Case
from homepot_ai.incidents.judging import Around, Past
from homepot_ai.incidents.signs import SILENT, Sign, Unit, cause_of
from homepot_ai.incidents.windows import Silences
from homepot_ai.settings import IncidentSettings, Settings
from homepot_ai.store import incidents, state, windows
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.incidents import Watched

MINUTE = timedelta(minutes=1)
#: Scoring that is further behind catches up first: what is wrong in its minutes may be over by now.
BEHIND = 10 * MINUTE
#: Events so recent belong to what is wrong now; and of how many devices they are looked up.
_LATELY, _LOOKED_UP = timedelta(minutes=30), 200


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        at: the minute that was judged; None: none was.
        opened: numbers of the incidents that opened in it.
        counts: live incidents by state; silenced: how many of them are not told.
        notes: sentences about what is degraded.
    """

    at: datetime | None
    opened: Sequence[int]
    closed: int
    counts: dict[str, int]
    silenced: int
    notes: Sequence[str]
    seconds: float

    @property
    def headline(self) -> str:
        """One sentence for the artifact of the minute."""
        if self.at is None:
            return "Incidents: " + "; ".join(self.notes)
        live = self.counts.get("open", 0) + self.counts.get("acknowledged", 0)
        said = [f"{live} open" if live else "none open"]
        if self.counts.get("acknowledged"):
            said.append(f"{self.counts['acknowledged']} of them acknowledged")
        if self.counts.get("pending"):
            said.append(f"{self.counts['pending']} suspected")
        if self.silenced:
            said.append(f"{self.silenced} silenced")
        if self.opened:
            numbers = ", ".join(str(number) for number in self.opened[:10])
            more = f" and {len(self.opened) - 10} more" if len(self.opened) > 10 else ""
            said.append(f"new: {numbers}{more}")
        if self.closed:
            said.append(f"closed: {self.closed}")
        return "Incidents: " + "; ".join([", ".join(said), *self.notes])


def run(db: Database, settings: Settings, now: datetime) -> Outcome:
    """Judge the newest scored minute.

    Args:
        now: the present; scoring that is far behind it is waited for.
    """
    began = time.perf_counter()
    with db.writer() as conn:
        incidents.one_at_a_time(conn)
        live = state.live(conn)
        at = max((shard.watermark for shard in live.values()), default=None)
        if at is None or now - at > BEHIND:
            behind = "nothing was scored yet" if at is None else f"scoring stands at {at:%H:%M} UTC"
            note = f"{behind}: they wait until it has caught up"
            return Outcome(None, (), 0, {}, 0, (note,), time.perf_counter() - began)
        notes: list[str] = []
        in_step = homepot_alerts.door(conn, settings, notes)
        if in_step:
            try:
                with conn.transaction():
                    homepot_alerts.read_back(conn, settings, at=at, now=now)
            except psycopg.Error as error:
                notes.append(
                    f"HOMEPOT's alerts could not be read ({type(error).__name__}): what people do in its "
                    "dashboard waits"
                )
        cases = judge(conn, settings, at)
        if in_step:
            kept = [(case, case.now) for case in cases]
            try:
                with conn.transaction():
                    homepot_alerts.write(conn, cases)
            except psycopg.Error as error:
                for case, now_ in kept:
                    case.now = now_
                notes.append(
                    f"HOMEPOT's alerts could not be written ({type(error).__name__}): its dashboard does not "
                    "show incidents"
                )
    return _outcome(at, cases, notes, time.perf_counter() - began)


def judge(conn: Connection, settings: Settings, at: datetime) -> list[Case]:
    """Read, decide and write one minute; returns every case that is or was live in it."""
    watched = incidents.watched(conn, at - MINUTE * settings.incidents.silent_m)
    if not (watched.live or watched.anomalies or watched.silences):
        return []
    signs, cases, around = fetch(conn, settings, watched, at)
    if not (signs or cases):
        return []
    return apply(conn, lifecycle.step(at, signs, cases, around, settings.incidents), at)


def fetch(
    conn: Connection, settings: Settings, watched: Watched, at: datetime
) -> tuple[list[Sign], list[Case], Around]:
    """Everything that a minute's step takes."""
    config = settings.incidents
    cases = cases_of(watched)
    named = {row[1] for row in watched.anomalies} | {row[0] for row in watched.silences}
    named |= {case.now.root_device_id for case in cases if case.now.root_device_id is not None}
    devices = fleet.in_use(conn, sorted(named))
    gateways = {d.gateway_device_id for d in devices.values() if d.gateway_device_id is not None}
    devices |= fleet.in_use(conn, sorted(gateways - set(devices)))
    units = {
        d.id: Unit(
            d.id, d.name, d.public_id, d.device_type, d.site_id, d.gateway_device_id, d.firmware_version
        )
        for d in devices.values()
    }
    # A gateway that others name is graver than a till: its silence is theirs.
    behind = fleet.count_behind(conn, sorted(gateways | {row[0] for row in watched.silences}))
    # A silence has no number of its own: it belongs to whatever silence its device is a member of, and
    # to a storm unless it was told before.
    about: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for case in cases:
        if case.now.cause == SILENT or case.now.kind == "storm":
            about[case.now.cause == SILENT] |= dict.fromkeys(case.members, case.now.id)
    held_by = about[True]
    news = at - timedelta(hours=config.stale_hours)
    asked = [
        (device, noticed)
        for device, noticed, heard in watched.silences
        if device not in held_by and heard is not None and heard >= news
    ]
    done = incidents.told_silences(conn, asked)
    held_by = {device: number for device, number in about[False].items() if device not in done} | held_by
    signs = signs_of(watched, units, behind, at, config, held_by=held_by, done=done)
    suspected = [case for case in cases if case.now.state == "pending"]
    signs = _sampled(conn, signs, {case.now.id for case in suspected}, at, config)
    fresh = [sign for sign in signs if sign.owner is None]
    crowded = Counter(units[sign.device_id].site_id for sign in signs)
    crowds = [site for site, n in crowded.items() if n >= config.group_devices] if fresh or suspected else []
    prints = lifecycle.fingerprints(fresh, units) + [case.now.fingerprint for case in suspected]
    sites = fleet.list_sites(conn, settings) if fresh or cases else []
    held = {sign.owner for sign in signs}
    resting = [case.now.id for case in cases if case.now.id not in held]
    new = [sign.device_id for sign in fresh][:_LOOKED_UP]
    new += [case.now.root_device_id for case in suspected if case.now.root_device_id][:_LOOKED_UP]
    around = Around(
        silences=silences(conn, {site.id: site.timezone for site in sites}, at),
        units=units,
        sites={site.id: site.name for site in sites},
        behind=behind,
        at_site=fleet.count_at(conn, crowds),
        unjudged=watched.unjudged,
        past={
            row[0]: Past(*row[1:])
            for row in incidents.past(conn, prints, at - timedelta(hours=config.flap_hours))
        },
        ended=incidents.evidence_ended(conn, resting),
        openings=incidents.openings(conn, at - MINUTE * config.storm_minutes) if fresh or suspected else 0,
        events=incidents.lately(conn, new, at - _LATELY, at),
    )
    return signs, cases, around


def _sampled(
    conn: Connection,
    signs: Sequence[Sign],
    suspected: Collection[int],
    at: datetime,
    config: IncidentSettings,
) -> list[Sign]:
    """Count the ill samples of devices that send seldom, where an incident depends on it.

    Not in a storm: what befalls hundreds at once is no slip of single values, and they are many to ask for.
    """
    asked = [
        (sign.device_id, sign.since)
        for sign in signs
        if not sign.silent and (sign.owner is None or sign.owner in suspected)
    ]
    counts = incidents.samples(conn, asked, at) if len(asked) <= _LOOKED_UP else {}
    seldom = {
        device: 1 + ill
        for device, (minutes, sampled, ill) in counts.items()
        if sampled * config.sparse_minutes < minutes
    }
    return [
        replace(sign, samples=seldom[sign.device_id])
        if sign.device_id in seldom and not sign.silent
        else sign
        for sign in signs
    ]


def silences(conn: Connection, zones: dict[int, str], at: datetime) -> Silences:
    """What is covered by windows at a moment."""
    there = conn.execute("SELECT to_regclass('site_operating_schedules')").fetchone() != (None,)
    days = schedules.read(conn) if there else []
    return Silences(windows.windows(conn, at), days, zones, at)


def signs_of(
    watched: Watched,
    units: dict[int, Unit],
    behind: dict[int, int],
    at: datetime,
    config: IncidentSettings,
    *,
    held_by: Mapping[int, int],
    done: Collection[int],
) -> list[Sign]:
    """Open anomalies and silences as signs: of devices in use, and if nobody holds them, only news.

    What a closed incident holds is told already. What began long before it was first seen is history: a
    new installation, or one that was off for days, does not page about it. A device that never sent
    anything is a task for whoever sets it up.

    Args:
        held_by: silent device to the live incident that is about it; done: silent devices whose incident
            was closed.
    """
    oldest = at - timedelta(hours=config.stale_hours)
    signs = []
    for row in watched.anomalies:
        (number, device, severity, since, metric, observed, low, high, health, provenance, by, owner, live,
         kinds) = row  # fmt: skip
        if device not in units or (owner is not None and not live) or (owner is None and since < oldest):
            continue
        signs.append(
            Sign(
                device_id=device, cause=cause_of(metric, observed, low, high), severity=severity,
                since=since, anomaly_id=number, minutes=_minutes(since, at),
                hard=by in ("limit", "signal"), kinds=tuple(kinds or ()), metric=metric, observed=observed,
                low=low, high=high, health=health, provenance=provenance, owner=owner,
            )
        )  # fmt: skip
    for device, noticed, heard in watched.silences:
        owner = held_by.get(device)
        news = heard is not None and heard >= oldest and device not in done
        if device not in units or (owner is None and not news):
            continue
        lasted = _minutes(noticed, at)
        grave = lasted >= config.silent_critical_minutes or behind.get(device, 0) > 0
        signs.append(
            Sign(
                device_id=device, cause=SILENT, severity="critical" if grave else "warning",
                since=min(noticed, heard or noticed), hard=True, owner=owner,
                minutes=min(lasted + watched.silent_before.get(device, 0), config.silent_m),
            )
        )  # fmt: skip
    return signs


def _minutes(since: datetime, at: datetime) -> int:
    return max(1, round((at - since) / MINUTE) + 1)


def _outcome(at: datetime, cases: Sequence[Case], notes: Sequence[str], seconds: float) -> Outcome:
    opened = [c.now.id for c in cases if any(event.kind == "opened" for event in c.events)]
    closed = sum(c.now.state == "closed" for c in cases)
    counts = {str(k): n for k, n in Counter(c.now.state for c in cases if c.live).items()}
    silenced = sum(bool(c.suppressed) for c in cases if c.opened)
    return Outcome(at, opened, closed, counts, silenced, notes, seconds)
