"""A site's last thirty days at a glance: health, findings, what is expected, costs, actions and their effect.

Devices that are simulated are never averaged with others: the headline is about the real ones where there are
any, and says which. What could not be judged is counted and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from homepot_ai.fleet import metrics
from homepot_ai.fleet.devices import Site, resolve_site
from homepot_ai.prediction import track_record
from homepot_ai.reporting.words import count
from homepot_ai.store import episodes, named_sql, schedule

if TYPE_CHECKING:
    from homepot_ai.prediction.track_record import TrackRecord
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database
    from homepot_ai.store.episodes import Episode
    from homepot_ai.store.schedule import Visit

_SQL = named_sql.load("reporting/sql/insight.sql")
#: A difference of the halves' mean health that is worth a finding.
CHANGED = 0.02
#: Fewer scored minutes than this (a day's) give a device no mean.
LEAST_MINUTES = 1440


@dataclass(frozen=True)
class DeviceHealth:
    """A device over the span. Means are None where too little was scored.

    Attributes:
        mean: 0 to 1; silent: minutes without data of `judged` minutes.
    """

    id: int
    name: str
    device_type: str | None
    simulated: bool
    status: str | None
    mean: float | None
    earlier: float | None
    later: float | None
    silent: int
    judged: int


@dataclass(frozen=True)
class CauseCount:
    """Incidents of one cause; `minutes`: their median duration, None: none is closed."""

    cause: str
    category: str
    n: int
    critical: int
    still_open: int
    minutes: float | None
    marked_false: int
    devices: int


@dataclass(frozen=True)
class Failure:
    """A failure of the span; `warned`: an episode of the month before it; `open`: its incident still is."""

    id: int
    device_id: int
    at: datetime
    ended_at: datetime | None
    cause: str | None
    warned: bool
    open: bool


@dataclass(frozen=True)
class ActionCount:
    """An action taken at the site, and what became of it."""

    action: str
    n: int
    helped: int
    did_not: int
    cannot_tell: int
    waiting: int


@dataclass(frozen=True)
class Insight:
    """Everything that the page says about a site."""

    site: Site
    since: datetime
    now: datetime
    devices: Sequence[DeviceHealth]
    causes: Sequence[CauseCount]
    failures: Sequence[Failure]
    episodes: Sequence[Episode]
    visits: Sequence[Visit]
    actions: Sequence[ActionCount]
    rates: Mapping[str, Any] | None
    record: TrackRecord

    @property
    def shown(self) -> Sequence[DeviceHealth]:
        """The devices that the headline is about: real ones where there are any."""
        real = [d for d in self.devices if not d.simulated]
        return real or self.devices

    @property
    def health(self) -> float | None:
        """The mean of the devices' means; None: nothing was scored for long enough."""
        means = [d.mean for d in self.shown if d.mean is not None]
        return sum(means) / len(means) if means else None

    @property
    def statuses(self) -> Mapping[str, int]:
        """Devices by their status now; `not scored` where the last hour has none."""
        return Counter(d.status or "not_scored" for d in self.devices)

    @property
    def live(self) -> Sequence[Episode]:
        """Warnings that hold now."""
        return [e for e in self.episodes if e.ended_at is None]


@dataclass(frozen=True)
class Money:
    """Sums from the site's rates; None where a rate is missing."""

    planned: Decimal | None
    without: Decimal | None
    done: Decimal | None
    lost: Decimal | None
    currency: str | None


def gather(db: Database, settings: Settings, site: str, days: int, now: datetime) -> Insight:
    """Read a site's last days.

    Raises:
        NotFound: no such site.
    """
    since = now - timedelta(days=days)
    with db.reader() as conn:
        found = resolve_site(conn, settings, site)
        scope = {"site_id": found.id, "since": since, "now": now, "middle": since + (now - since) / 2}
        devices = _devices(conn, scope)
        scope["ids"] = [d.id for d in devices]
        return Insight(
            site=found,
            since=since,
            now=now,
            devices=devices,
            causes=[CauseCount(*row) for row in conn.execute(_SQL["incidents"], scope)],
            failures=failures(conn, [d.id for d in devices], since, now),
            episodes=episodes.between(conn, since, now, found.id),
            visits=schedule.listed(conn, since, found.id),
            actions=[ActionCount(*row) for row in conn.execute(_SQL["actions"], scope)],
            rates=schedule.rates(conn, [found.id]).get(found.id),
            record=track_record.current(conn, now),
        )


def failures(conn: Connection, ids: Sequence[int], since: datetime, now: datetime) -> list[Failure]:
    """Failures of these devices after a moment, the oldest first."""
    span = {"ids": list(ids), "since": since, "now": now}
    return [Failure(*row) for row in conn.execute(_SQL["failures"], span)]


def _devices(conn: Connection, scope: Mapping[str, Any]) -> list[DeviceHealth]:
    roster = conn.execute(_SQL["devices"], scope).fetchall()
    parameters = {**scope, "ids": [row[0] for row in roster]}
    minutes = {row[0]: row[1:] for row in conn.execute(_SQL["health"], parameters)}
    status: dict[int, str] = dict(conn.execute(_SQL["status_now"], parameters).fetchall())
    found = []
    for number, _, name, kind, simulated in roster:
        n1, sum1, n2, sum2, silent, judged = minutes.get(number, (0, 0.0, 0, 0.0, 0, 0))
        found.append(
            DeviceHealth(
                number, name, kind, simulated, status.get(number), _mean(sum1 + sum2, n1 + n2),
                _mean(sum1, n1), _mean(sum2, n2), silent, judged,
            )
        )  # fmt: skip
    return found


def _mean(total: float, n: int) -> float | None:
    return total / n if n >= LEAST_MINUTES else None


def money(insight: Insight) -> Money:
    """Costs of visits and of failures, from the site's own rates only."""
    rates = insight.rates
    if not rates:
        return Money(None, None, None, None, None)
    live = [v for v in insight.visits if v.state in ("proposed", "accepted")]
    lost = None
    if "downtime_hour" in rates:
        hours = sum(_hours_down(f, insight.now, rates) for f in insight.failures)
        lost = Decimal(str(round(hours * float(rates["downtime_hour"]), 2)))
    return Money(
        planned=_sum(v.cost for v in live),
        without=_sum(v.cost_if_not for v in live),
        done=_sum(v.cost for v in insight.visits if v.state == "done"),
        lost=lost,
        currency=str(rates["currency"]),
    )


def _hours_down(failure: Failure, now: datetime, rates: Mapping[str, Any]) -> float:
    """Hours that a failure lasted; of one whose end nobody wrote what the site says is usual, if it does."""
    if failure.ended_at is not None or failure.open:
        return ((failure.ended_at or now) - failure.at).total_seconds() / 3600
    return float(rates.get("outage_hours", 0.0))


def _sum(values: Any) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def cause_words(cause: str) -> str:
    """An incident's cause as people say it.

    >>> cause_words("memory_percent.high"), cause_words("site_silent")
    ('Memory high', 'site silent')
    """
    metric, _, direction = cause.rpartition(".")
    if direction in ("high", "low") and metric in metrics.KNOWN:
        return f"{metrics.label(metric)} {direction}"
    return cause.replace("_", " ").replace(".", " ")


def findings(insight: Insight) -> list[str]:
    """What is worth knowing, the most important first: rules, no prose of a model."""
    said: list[str] = []
    critical = [e for e in insight.live if e.level == "critical"]
    if insight.live:
        said.append(
            f"{len({e.device_id for e in insight.live})} of {len(insight.devices)} devices at high risk of a "
            "failure or of passing a limit"
            + (f", {len({e.device_id for e in critical})} of them critical" if critical else "")
        )
    if insight.failures:
        unwarned = sum(not f.warned for f in insight.failures)
        said.append(
            count(len(insight.failures), "failure")
            + (f", {unwarned:,} without a warning before" if unwarned else ", all of them warned of")
        )  # fmt: skip
    changed = [
        (d.later - d.earlier, d) for d in insight.shown if d.earlier is not None and d.later is not None
    ]
    worse = sorted((c for c in changed if c[0] <= -CHANGED), key=lambda c: c[0])
    if worse:
        said.append(
            f"{count(len(worse), 'device')} less healthy than in the first half, most of all "
            f"{worse[0][1].name} ({worse[0][1].earlier:.2f} to {worse[0][1].later:.2f})"
        )
    for cause in insight.causes[:2]:
        if cause.n >= 3:
            said.append(
                f"{cause_words(cause.cause)} came {cause.n:,} times on {count(cause.devices, 'device')}"
                + (f", {cause.still_open} still open" if cause.still_open else "")
            )
    false = sum(c.marked_false for c in insight.causes)
    if false:
        said.append(f"{count(false, 'incident')} marked false")
    silent = [d for d in insight.devices if d.judged and d.silent / d.judged > 0.05]
    if silent:
        said.append(f"{count(len(silent), 'device')} silent for more than 5\N{NO-BREAK SPACE}% of the time")
    return said
