"""Once a day: what happened is gathered, what is due is settled, and what that teaches is put in force.

In blocks, each its own transaction: killed anywhere, the next run goes on. A forecast that was settled before
something was learned about its device (a failure recorded late, an incident marked false) is settled again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from homepot_ai.prediction import courses, track_record
from homepot_ai.prediction import episodes as rules
from homepot_ai.prediction import outcomes as gathering
from homepot_ai.prediction.outcomes import Gathered
from homepot_ai.prediction.settling import GRACE, PATIENCE, SEEN, Forecast, Known, Settlement, settle
from homepot_ai.prediction.track_record import TrackRecord
from homepot_ai.store import episodes, ledger, outcomes

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database
    from homepot_ai.store.outcomes import Outcome

BLOCK = 20_000
#: What was learned so long ago was looked at by a run before; a run may be missed for a month.
LEARNED = timedelta(days=31)
#: A failure that began so long before a forecast may still last.
LASTING = timedelta(days=60)


@dataclass(frozen=True)
class Settled:
    """What one settling did.

    Attributes:
        results: outcomes of forecasts by (kind, outcome); again: of these, settled before.
        episodes: outcomes of warnings.
        before, after: the track record in force before and now.
    """

    gathered: Gathered
    results: Mapping[tuple[str, str], int]
    again: int
    episodes: Mapping[str, int]
    before: TrackRecord
    after: TrackRecord
    courses: int = 0

    @property
    def settled(self) -> int:
        """Forecasts that got an outcome."""
        return sum(self.results.values())


def settle_due(db: Database, settings: Settings, now: datetime) -> Settled:
    """Gather outcomes, settle every forecast and warning that is due, and keep the record they make.

    Args:
        now: what is due, and which record is written; a run for a past moment judges as of then.
    """
    gathered = gathering.gather(db, now)
    with db.reader() as conn:
        before = track_record.current(conn, now)
    results: Counter[tuple[str, str]] = Counter()
    after = 0
    while True:
        with db.writer() as conn:
            rows = ledger.due(conn, now - GRACE, after=after, limit=BLOCK)
            if not rows:
                break
            after = int(rows[-1][0])
            results.update(_settle(conn, [Forecast(*row) for row in rows], now))
    with db.writer() as conn:
        ahead = {row[0]: row for row in ledger.settled_ahead(conn, now, now - GRACE)}
        later = {row[0]: row for row in ledger.learned_later(conn, now - LEARNED)}
        again = [Forecast(*row) for row in (ahead | later).values()]
        repeated = _settle(conn, again, now)
        results.update(repeated)
    with db.writer() as conn:
        episodes.lock(conn)
        ended = _settle_episodes(conn, now)
        record = track_record.compute(conn, settings, now)
        track_record.keep(conn, record)
    kept = courses.keep(db, now)
    return Settled(gathered, dict(results), sum(repeated.values()), ended, before, record, kept)


def _settle(conn: Connection, forecasts: Sequence[Forecast], now: datetime) -> Counter[tuple[str, str]]:
    if not forecasts:
        return Counter()
    devices = sorted({f.device_id for f in forecasts})
    since = min(f.made_at for f in forecasts) - LASTING
    until = max(f.due_at for f in forecasts)
    happened = by_device(outcomes.between(conn, since, until, devices))
    seen, scored = ledger.seen_until(conn, devices, now), ledger.scored_until(conn)
    values = ledger.values_at(conn, [f.id for f in forecasts if f.kind == "level"])
    crossed = ledger.crossings(conn, [f.id for f in forecasts if f.kind == "limit"])
    found: list[Settlement] = []
    counted: Counter[tuple[str, str]] = Counter()
    for forecast in forecasts:
        known = Known(
            outcomes=happened.get(forecast.device_id, ()),
            seen_until=seen.get(forecast.device_id),
            value=values.get(forecast.id),
            crossed_at=crossed.get(forecast.id),
            scored_until=scored,
        )
        settlement = settle(forecast, known, now)
        if settlement is not None:
            found.append(settlement)
            counted[forecast.kind, settlement.outcome] += 1
    ledger.settle(conn, found, now)
    return counted


def _settle_episodes(conn: Connection, now: datetime) -> dict[str, int]:
    waiting = episodes.unsettled(conn, now)
    if not waiting:
        return {}
    since = min(e.raised_at for e in waiting)
    happened = by_device(outcomes.between(conn, since, now, [e.device_id for e in waiting]))
    crossed = episodes.crossed(conn, [e.id for e in waiting])
    newest = ledger.seen_until(conn, sorted({e.device_id for e in waiting}), now)
    scored = ledger.scored_until(conn)
    counted: Counter[str] = Counter()
    for episode in waiting:
        verdict = rules.settle(
            episode, happened.get(episode.device_id, ()), crossed.get(episode.id), now,
            seen=newest.get(episode.device_id, episode.raised_at) >= episode.due_at - SEEN,
        )  # fmt: skip
        if verdict is None:
            continue
        outcome, at = verdict
        behind = scored is not None and scored < episode.due_at and now < episode.due_at + PATIENCE
        if outcome == "false_alarm" and behind:
            continue  # A failure may be among what is not scored yet.
        # What came true is an incident now; what proved false may still be at risk, and stays live.
        ended = None if outcome == "false_alarm" else at or now
        episodes.settle(conn, episode.id, outcome, happened_at=at, ended_at=ended, now=now)
        counted[outcome] += outcome != episode.outcome
    return dict(+counted)


def by_device(rows: Sequence[Outcome]) -> dict[int, list[Outcome]]:
    """Outcomes by their device."""
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.device_id, []).append(row)
    return found
