"""From risks to something that happens: episodes, and visits for them.

The hourly run calls `act_on` with every device's risk. Killed anywhere, nothing of the run is kept, and the
next one does it; called twice with the same risks, the second time changes nothing. The mails are made by
`homepot_ai.alerts.foretold.tell`, which takes up every episode that nobody was told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from homepot_ai.fleet import metrics, schedules
from homepot_ai.prediction import costs, visits
from homepot_ai.prediction import episodes as rules
from homepot_ai.prediction.records import HORIZONS, DeviceRisk
from homepot_ai.prediction.settling import lasts
from homepot_ai.prediction.slots import Hours, Slot
from homepot_ai.prediction.visits import Need
from homepot_ai.store import episodes, ledger, outcomes, schedule
from homepot_ai.store.ledger import NewForecast
from homepot_ai.store.schedule import NewVisit, Visit

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database
    from homepot_ai.store.episodes import Episode, NamedDevice
    from homepot_ai.store.outcomes import Outcome

#: Incidents so far back are looked at for failures: the daily settling sees the rest.
FAILED_WITHIN = timedelta(days=2)
FACTS_KEPT = 5
LOOK = "Look at the device before it fails"


@dataclass(frozen=True)
class Acted:
    """What one run did.

    Attributes:
        raised, worsened, ended: episodes, by number.
        proposed, moved, lapsed: visits, by number.
        notes: what the operator should know, e.g. that no slot was found.
    """

    raised: tuple[int, ...] = ()
    worsened: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    proposed: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    lapsed: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """One line for a list of runs."""
        parts = [
            (len(self.raised), "warning", " raised"),
            (len(self.ended), "warning", " ended"),
            (len(self.proposed), "visit", " proposed"),
            (len(self.moved), "visit", " moved"),
            (len(self.lapsed), "visit", " not needed any more"),
        ]
        told = [f"{n} {what}{'' if n == 1 else 's'}{became}" for n, what, became in parts if n]
        return ", ".join(told) or "nothing new"


def act_on(db: Database, settings: Settings, risks: Sequence[DeviceRisk], now: datetime) -> Acted:
    """Raise, continue and end episodes; propose, move and lapse visits; one transaction.

    Args:
        risks: of every device that was judged in this run.
    """
    with db.writer() as conn:
        episodes.lock(conn)
        outcomes.gather_failures(conn, now - FAILED_WITHIN, now)
        lately = outcomes.between(conn, now - FAILED_WITHIN, now)
        failed = _failed(lately, now)
        changes = rules.advance(episodes.live(conn), risks, failed, now)
        for episode, risk in changes.moved:
            episodes.move(conn, episode, None if risk is None else facts_of(risk))
        raised = [_raise(conn, risk, now) for risk in changes.raised]
        plan = _Plan(conn, settings, {risk.device_id: risk for risk in risks}, now)
        plan.run(episodes.live(conn))
    return Acted(
        tuple(n for n in raised if n is not None), changes.worsened, changes.ended,
        tuple(plan.proposed), tuple(plan.moved), tuple(plan.lapsed), tuple(plan.notes),
    )  # fmt: skip


def _failed(lately: Sequence[Outcome], now: datetime) -> dict[int, datetime]:
    """By device, until when its latest failure lasted; `now` while it does: nothing is foretold of it."""
    failed: dict[int, datetime] = {}
    for one in lately:
        if one.kind == "failure":
            until = now if lasts(one, now) else one.ended_at or one.at
            failed[one.device_id] = max(until, failed.get(one.device_id, until))
    return failed


def plan_again(db: Database, settings: Settings, now: datetime) -> Acted:
    """Plan visits anew without new risks: after a site's hours, rates or a decision changed."""
    return act_on(db, settings, (), now)


def facts_of(risk: DeviceRisk) -> dict[str, Any]:
    """What a warning rests on, for mails, reports and visits: JSON, times in ISO 8601 UTC."""
    crossing: dict[str, Any] | None = None
    if risk.crossing is not None:
        crossing = asdict(risk.crossing)
        for name in ("low", "mid", "high"):
            crossing[name] = None if crossing[name] is None else crossing[name].isoformat()
    return {
        "probabilities": dict(risk.probabilities),
        "metric": risk.metric,
        "crossing": crossing,
        "life": None if risk.life is None else list(risk.life),
        "forecaster": risk.forecaster,
        "needed_by": visits.needed_by(risk).isoformat(),
        "facts": [asdict(fact) for fact in risk.facts[:FACTS_KEPT]],
    }


def reason_of(facts: Mapping[str, Any]) -> str:
    """Why a device should be looked at, in one sentence without its name.

    >>> reason_of({"probabilities": {"7d": 0.62}, "crossing": None})
    '62% probability of a failure within 7 days'
    """
    crossing = facts.get("crossing")
    if crossing:
        metric = str(crossing["metric"])
        towards = "reach" if crossing["direction"] == "high" else "fall to"
        limit = metrics.format_value(metric, float(crossing["limit"]))
        said = f"{metrics.label(metric)} is expected to {towards} {limit}"
        low, high = (_day(crossing[name]) for name in ("low", "high"))
        if low and high:
            when = f"on {low}" if low == high else f"between {low} and {high}"
            return f"{said} {when} (80\N{NO-BREAK SPACE}% interval)"
        return f"{said} from {low or _day(crossing['mid']) or 'soon'} on"
    p = facts.get("probabilities", {}).get("7d")
    return "failure is likely" if p is None else f"{p:.0%} probability of a failure within 7 days"


def _day(moment: str | None) -> str | None:
    return None if moment is None else f"{datetime.fromisoformat(moment):%a %d %b}"


def _raise(conn: Connection, risk: DeviceRisk, now: datetime) -> int | None:
    facts = facts_of(risk)
    number = _record(conn, risk, facts, now)
    return episodes.raise_one(
        conn, device_id=risk.device_id, cause=rules.cause_of(risk), level=risk.level, at=now,
        due_at=rules.due_of(risk), probability=risk.probabilities.get("7d"), action=risk.action,
        prediction_id=number, facts=facts,
    )  # fmt: skip


def _record(conn: Connection, risk: DeviceRisk, facts: Mapping[str, Any], now: datetime) -> int | None:
    """What people are warned with goes into the ledger, as every forecast does."""
    number = None
    for horizon, probability in risk.probabilities.items():
        begin, end = HORIZONS[horizon]
        row = ledger.append(
            conn,
            NewForecast(
                now, risk.device_id, "failure", horizon, now + timedelta(hours=begin),
                now + timedelta(hours=end), risk.forecaster, risk.version, "raised",
                cause=risk.cause, probability=probability,
                facts=orjson.dumps({"facts": facts["facts"]}).decode(),
            ),
        )  # fmt: skip
        number = row if horizon == "7d" else number
    crossing = risk.crossing
    if crossing is None or crossing.mid is None:
        return number
    edges = [None if m is None else m.timestamp() for m in (crossing.low, crossing.mid, crossing.high)]
    return ledger.append(
        conn,
        NewForecast(
            now, risk.device_id, "limit", "crossing", now, max(rules.due_of(risk), now + timedelta(hours=1)),
            crossing.forecaster, risk.version, "raised", crossing.metric, risk.cause, None,
            edges[0], edges[1], edges[2], "epoch_s", 0.8,
            orjson.dumps({"limit": crossing.limit, "direction": crossing.direction}).decode(),
        ),
    )  # fmt: skip


class _Plan:
    """Visits of one run: read once, then decided one by one, the most urgent first."""

    def __init__(
        self, conn: Connection, settings: Settings, risks: Mapping[int, DeviceRisk], now: datetime
    ) -> None:
        self.conn, self.settings, self.risks, self.now = conn, settings, risks, now
        self.proposed: list[int] = []
        self.moved: list[int] = []
        self.lapsed: list[int] = []
        self.notes: list[str] = []

    def run(self, live: Sequence[Episode]) -> None:
        conn, now = self.conn, self.now
        visits_live = schedule.live(conn)
        kept = {(e.device_id, e.cause): e for e in live}
        for visit in visits_live:
            gone = visit.episode_id is not None and (visit.device_id, visit.cause) not in kept
            if gone and schedule.lapse(conn, visit.id, "its warning has ended", now):
                self.lapsed.append(visit.id)
        self.booked = [v for v in visits_live if v.id not in self.lapsed]
        if not live:
            return
        self.names = episodes.names(conn, [e.device_id for e in live])
        sites = [device.site_id for device in self.names.values()]
        self.hours = schedules.operating_hours(conn, sites)
        self.rates = schedule.rates(conn, sites)
        self.last = schedule.last_of_each(conn, list(self.names))
        needs = [(self._need(e, self.names[e.device_id]), e) for e in live if e.device_id in self.names]
        for need, episode in sorted(needs, key=lambda pair: (pair[0].by, pair[1].id)):
            self._one(need, episode, self.names[episode.device_id])
        self._refresh(kept)

    def _need(self, episode: Episode, device: NamedDevice) -> Need:
        risk = self.risks.get(episode.device_id)
        if risk is not None and risk.level in ("high", "critical") and rules.cause_of(risk) == episode.cause:
            by = visits.needed_by(risk)
        else:
            by = datetime.fromisoformat(episode.facts["needed_by"])
        return Need(device.id, device.site_id, episode.cause, episode.level, episode.probability, by)

    def _one(self, need: Need, episode: Episode, device: NamedDevice) -> None:
        zone = device.timezone or self.settings.reports.timezone
        hours = Hours(zone, self.hours.get(device.site_id, {}))
        mine = next((v for v in self.booked if (v.device_id, v.cause) == (need.device_id, need.cause)), None)
        if mine is not None and mine.site_id != need.site_id and mine.state == "proposed":
            # It moved: nobody finds it where the proposal says.
            if schedule.lapse(self.conn, mine.id, "the device is at another site now", self.now):
                self.lapsed.append(mine.id)
            self.booked = [v for v in self.booked if v.id != mine.id]
            mine = None
        others = [v for v in self.booked if v.site_id == need.site_id and v is not mine]
        planned = self.settings.prediction
        if mine is not None:
            slot = visits.moved(mine, need, others, hours, planned, self.now)
            if slot is not None:
                self._move(mine, need, slot, episode, zone)
            return
        if not visits.wanted(need, self.last.get((need.device_id, need.cause)), self.now):
            return
        slot = visits.place(need, others, hours, planned, self.now)
        if slot is None:
            self.notes.append(f"no time for a visit to device {device.public_id} was found within 30 days")
            return
        self._propose(need, slot, episode, zone)

    def _propose(self, need: Need, slot: Slot, episode: Episode, zone: str) -> None:
        estimate = self._estimate(need.site_id, slot.at, need.device_id, need.probability)
        number = schedule.propose(
            self.conn,
            NewVisit(
                need.device_id, need.site_id, need.cause, episode.id, episode.prediction_id, slot.at,
                slot.until, need.by, zone, _noted(reason_of(episode.facts), slot), episode.action or LOOK,
                need.level, need.probability, estimate.cost, estimate.cost_if_not, estimate.currency,
                estimate.basis,
            ),
            self.now,
        )  # fmt: skip
        if number is not None:
            self.proposed.append(number)
            made = schedule.one(self.conn, number)
            assert made is not None
            self.booked.append(made)

    def _move(self, visit: Visit, need: Need, slot: Slot, episode: Episode, zone: str) -> None:
        if schedule.move(
            self.conn, visit.id, visit_at=slot.at, visit_until=slot.until, needed_by=need.by,
            timezone=zone, reason=_noted(reason_of(episode.facts), slot), now=self.now,
        ):  # fmt: skip
            self.moved.append(visit.id)
            made = schedule.one(self.conn, visit.id)
            assert made is not None
            self.booked = [v for v in self.booked if v.id != visit.id] + [made]

    def _refresh(self, kept: Mapping[tuple[int, str], Episode]) -> None:
        """What a call-out costs each changes with those who share it."""
        for visit in self.booked:
            episode = kept.get((visit.device_id, visit.cause))
            if visit.state != "proposed" or episode is None or visit.site_id is None:
                continue
            estimate = self._estimate(visit.site_id, visit.visit_at, visit.device_id, episode.probability)
            new = (estimate.cost, estimate.cost_if_not, episode.level)
            if new != (visit.cost, visit.cost_if_not, visit.level):
                schedule.refresh(
                    self.conn, visit.id, cost=estimate.cost, cost_if_not=estimate.cost_if_not,
                    currency=estimate.currency, cost_basis=estimate.basis, level=episode.level,
                    probability=episode.probability, now=self.now,
                )  # fmt: skip

    def _estimate(
        self, site_id: int, at: datetime, device_id: int, probability: float | None
    ) -> costs.Estimate:
        beside = {v.device_id for v in self.booked if v.site_id == site_id and v.visit_at == at}
        return costs.estimate(
            self.rates.get(site_id),
            minutes=self.settings.prediction.visit_minutes,
            sharing=len(beside | {device_id}),
            probability=probability,
        )


def _noted(reason: str, slot: Slot) -> str:
    return f"{reason}; {slot.note}" if slot.note else reason
