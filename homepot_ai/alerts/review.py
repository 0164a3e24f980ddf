"""How alerting does: a page that an operator reads in a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.store import alert_review as store
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

_WHY = {
    "window": "maintenance window", "homepot_schedule": "HOMEPOT's site schedule", "snooze": "snooze",
    "flapping": "flapping", "storm": "storm cap", "budget": "alert budget",
}  # fmt: skip


@dataclass(frozen=True)
class SiteDay:
    """Pages of a site on one local day against its budget; `held`: incidents that waited for a digest."""

    day: date
    site: str
    pages: int
    critical: int
    incidents: int
    held: int
    budget: float

    @property
    def over(self) -> bool:
        """Whether the day had more pages than it may have (critical ones always go)."""
        return self.pages > self.budget or self.held > 0


@dataclass(frozen=True)
class Review:
    """Alerting over some days, up to `now`."""

    now: datetime
    days: int
    site_days: tuple[SiteDay, ...]
    noisiest: tuple[store.Noise, ...]
    silences: tuple[store.Silence, ...]
    silenced_now: tuple[store.SilencedNow, ...]
    nobody: tuple[store.Untold, ...]

    @property
    def pages(self) -> int:
        """Pages in all."""
        return sum(day.pages for day in self.site_days)

    @property
    def headline(self) -> str:
        """One line."""
        over = sum(day.over for day in self.site_days)
        said = f"{self.pages} pages in {self.days} days"
        said += f", {over} site days at or over budget" if over else ", within budget"
        return said + (f"; {len(self.nobody)} incidents were told to nobody" if self.nobody else "")

    def markdown(self) -> str:
        """The page."""
        sign = "▲" if self.nobody or any(day.over for day in self.site_days) else "●"
        text = [f"# Alerts of {self.days} days", "", f"{sign} {self.headline}.", ""]
        if self.nobody:
            text += [
                "## Told to nobody",
                "",
                "No route or subscription covers these: `homepot-ai routes add`.",
                "",
            ]
            text += ["| incident | what | severity | opened |", "|---:|---|---|---|"]
            text += [
                f"| {row.id} | {_cell(row.title)} | {row.severity} | {row.opened_at:%Y-%m-%d %H:%M} UTC |"
                for row in self.nobody
            ]
            text += [""]
        text += ["## Pages per day and site", ""]
        if self.site_days:
            text += ["| day | site | pages | of them critical | incidents | budget | held back |"]
            text += ["|---|---|---:|---:|---:|---:|---:|"]
            text += [
                f"| {day.day} | {_cell(day.site)} | {'▲ ' if day.over else ''}{day.pages} | {day.critical} | "
                f"{day.incidents} | {day.budget:g} | {day.held} |"
                for day in self.site_days
            ]
        else:
            text += ["None."]
        text += ["", "## Noisiest rules", ""]
        if self.noisiest:
            text += ["| device type | cause | pages | incidents | marked false | ended unacknowledged |"]
            text += ["|---|---|---:|---:|---:|---:|"]
            text += [
                f"| {_cell(n.device_type)} | {_cell(n.cause)} | {n.pages} | {n.incidents} | {_false(n)} | "
                f"{n.passed} |"
                for n in self.noisiest
            ]
        else:
            text += ["None."]
        text += ["", "## Silenced, and what became of it", ""]
        if self.silences:
            text += ["| why | incidents | still silent | told afterwards | recovered | closed by hand |"]
            text += ["|---|---:|---:|---:|---:|---:|"]
            text += [
                f"| {_WHY.get(s.why, s.why)} | {s.count} | {s.live} | {s.told_after} | {s.recovered} | "
                f"{s.closed_by_hand} |"
                for s in self.silences
            ]
        else:
            text += ["Nothing was silenced."]
        if self.silenced_now:
            text += ["", "At this moment:", ""]
            text += [
                f"- incident {s.incident_id}, {_cell(s.title)}: {_WHY.get(s.why, s.why)}"
                + (f", until {s.until:%Y-%m-%d %H:%M} UTC" if s.until else "")
                for s in self.silenced_now
            ]
        return "\n".join(text) + "\n"


def review(db: Database, settings: Settings, *, now: datetime, days: int = 7) -> Review:
    """Look at the last days.

    >>> review(db, settings, now=now).headline                                    # doctest: +SKIP
    '12 pages in 7 days, within budget'
    """
    since = now - timedelta(days=days)
    with db.reader() as conn:
        known = {site.id: site for site in store.sites(conn)}
        zones = {i: site.timezone or settings.reports.timezone for i, site in known.items()}
        zones[0] = settings.reports.timezone
        told = {(row.site_id, row.day): row for row in store.pages(conn, zones, since, now)}
        held = store.held_back(conn, zones, since, now)
        site_days = []
        for site_id, day in sorted({*told, *held}, key=lambda key: (key[1], key[0]), reverse=True):
            row = told.get((site_id, day))
            site = known.get(site_id)
            own = site.budget if site else None
            site_days.append(
                SiteDay(
                    day=day,
                    site=clean(site.name, 60) if site else "of no site",
                    pages=row.pages if row else 0,
                    critical=row.critical if row else 0,
                    incidents=row.incidents if row else 0,
                    held=held.get((site_id, day), 0),
                    budget=settings.alerts.budget_per_day if own is None else own,
                )
            )
        return Review(
            now=now,
            days=days,
            site_days=tuple(site_days),
            noisiest=tuple(store.noisiest(conn, since, now)),
            silences=tuple(store.suppressed(conn, since, now)),
            silenced_now=tuple(store.suppressed_now(conn, now)),
            nobody=tuple(store.nobody(conn, since, now)),
        )


def _false(noise: store.Noise) -> str:
    judged = noise.marked_true + noise.marked_false
    return (
        f"{noise.marked_false} of {judged} ({noise.marked_false / judged:.0%})" if judged else "none judged"
    )


def _cell(text: str) -> str:
    flat = clean(text, 100)
    for mark in "\\|<>[]`*":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
