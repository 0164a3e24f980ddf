"""A site's last days: overall health, findings, what is expected, costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homepot_ai.answers import naming
from homepot_ai.answers.contracts import CostAnalysis, PredictedIssue, SiteInsights, SiteState
from homepot_ai.prediction.acting import reason_of
from homepot_ai.reporting import insight as reading
from homepot_ai.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homepot_ai.answers.caching import Cache
    from homepot_ai.questions.types import Asker
    from homepot_ai.reporting.insight import Failure, Insight
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

KEPT_S = 60.0
ISSUES = 20


def insights(
    db: Database, settings: Settings, site: str, *, days: int, asker: Asker, cache: Cache, now: datetime
) -> SiteInsights:
    """Look at a site.

    Args:
        site: its public id, number or exact name.

    Raises:
        NotFound: there is no such site, or the asker may not see it.

    >>> insights(db, settings, "Berlin", days=30, asker=Asker(), cache=Cache(),
    ...          now=now).insights.overall_health                                   # doctest: +SKIP
    'healthy'
    """
    with db.reader() as conn:
        named = naming.site(conn, site, asker.sites)

    def read() -> SiteInsights:
        seen = reading.gather(db, settings, str(named.id), days, now)
        return of(seen, month_failures(db, seen))

    # Scores change once a minute; reading a month of them is dear.
    return cache.get(("insights", named.id, days), KEPT_S, read)


def month_failures(db: Database, seen: Insight) -> list[Failure]:
    """The failures of the site's current month, also where fewer days were asked for."""
    zone = ZoneInfo(seen.site.timezone)
    begin = seen.now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with db.reader() as conn:
        return reading.failures(conn, [device.id for device in seen.devices], begin, seen.now)


def of(seen: Insight, this_month: list[Failure]) -> SiteInsights:
    """The page as a contract. Pure."""
    statuses = seen.statuses
    names = {device.id: clean(device.name) for device in seen.devices}
    costs = {(v.device_id, v.cause): v for v in seen.visits if v.state in ("proposed", "accepted")}
    expected = []
    for episode in seen.live[:ISSUES]:
        visit = costs.get((episode.device_id, episode.cause))
        expected.append(
            PredictedIssue(
                description=f"{names.get(episode.device_id, str(episode.device_id))}: "
                f"{clean(reason_of(episode.facts), 300)}",
                confidence=None if episode.probability is None else round(episode.probability, 4),
                estimated_cost=None if visit is None else _money(visit.cost_if_not),
            )
        )
    sums = reading.money(seen)
    lost = reading.money(replace(seen, failures=this_month)).lost
    averted = {episode.id for episode in seen.episodes if episode.outcome == "averted"}
    prevented = [
        v.cost_if_not
        for v in seen.visits
        if v.state == "done" and v.episode_id in averted and v.cost_if_not is not None
    ]
    return SiteInsights(
        site_id=seen.site.id,
        site_name=clean(seen.site.name),
        insights=SiteState(
            overall_health=_overall(statuses),
            health_score=None if seen.health is None else round(seen.health, 4),
            total_devices=len(seen.devices),
            devices_healthy=statuses.get("healthy", 0),
            devices_warning=statuses.get("warning", 0),
            devices_critical=statuses.get("critical", 0),
            devices_no_data=statuses.get("no_data", 0),
            key_findings=[clean(said, 300) for said in reading.findings(seen)],
            predicted_issues=expected,
            cost_analysis=CostAnalysis(
                current_month_downtime_cost=_money(lost),
                prevented_issues_value=_money(_sum(prevented)),
                recommended_maintenance_budget=_money(sums.planned),
                currency=sums.currency,
            ),
        ),
        generated_at=seen.now,
    )


def _overall(found: Mapping[str, int]) -> str:
    """The worst that is the case now; what nobody could judge is said, not taken for healthy."""
    for state in ("critical", "warning"):
        if found.get(state):
            return state
    if found.get("healthy"):
        return "healthy"
    return "no data"


def _sum(values: Iterable[Decimal]) -> Decimal | None:
    known = list(values)
    return sum(known, Decimal(0)) if known else None


def _money(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
