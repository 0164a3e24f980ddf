"""Sites beside each other: place, health with its trend, availability, incidents."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from homepot_ai.reporting import happened
from homepot_ai.reporting.charts_trend import trend_line
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table, Tone
from homepot_ai.reporting.facts import POINTS, ReportFacts, SiteFacts
from homepot_ai.reporting.facts.league import LeagueFacts, LeagueSite
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.periods import start_of_day
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load

KEY = "league"
SHOWN = 40
#: Smaller differences of health are no trend.
NO_TREND = 0.005


def gather(source: Source) -> LeagueFacts:
    """Each site's health by local day and before the period, from the hours; headline class."""
    period = source.period
    days = (period.last_day - period.first_day).days + 1
    before_from = period.first_day - timedelta(days=days)
    if source.scope.kind != "fleet":
        return LeagueFacts(sites=(), before_from=before_from, days=days)
    main = set(source.main)
    devices = [device for device in source.roster.devices if device.id in main]
    zones = {site.id: site.timezone for site in source.roster.sites}
    rows = source.conn.execute(
        load(SQL)["days_of_sites"],
        {
            "devices": [device.id for device in devices],
            "sites": [device.site_id for device in devices],
            "zones": [zones[device.site_id] for device in devices],
            # Sites of other zones begin their days up to a day earlier.
            "since": start_of_day(before_from - timedelta(days=1), period.timezone),
            "end": period.end + timedelta(days=1),
        },
    ).fetchall()
    found = {(site, day): (points, scored) for site, day, points, scored in rows}
    mine = [t for t in happened.opened_in(happened.troubles(source), source) if t.headline]
    opened = Counter(t.site_id for t in mine)
    sites = sorted({device.site_id for device in devices})

    def mean(site: int, first: int, count: int) -> float | None:
        wanted = [period.first_day + timedelta(days=n) for n in range(first, first + count)]
        points = sum(found.get((site, day), (0, 0))[0] for day in wanted)
        scored = sum(found.get((site, day), (0, 0))[1] for day in wanted)
        return round(points / POINTS / scored, 5) if scored else None

    return LeagueFacts(
        sites=tuple(
            LeagueSite(
                id=site,
                days=tuple(mean(site, n, 1) for n in range(days)),
                before=mean(site, -days, days),
                incidents=opened[site],
            )
            for site in sites
        ),
        before_from=before_from,
        days=days,
    )


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """One row per site, the worst first; only a fleet has a league."""
    found = facts.league
    assert found is not None
    if not found.sites or facts.scope.kind != "fleet":
        return None
    courses = {site.id: site for site in found.sites}
    sites = [site for site in facts.sites if site.id in courses]
    ranked = sorted(sites, key=lambda s: (-(s.figures.health or -1.0), s.id))
    place = {site.id: n for n, site in enumerate(ranked, 1)}
    earlier = sorted(
        (s for s in found.sites if s.before is not None), key=lambda s: (-(s.before or 0.0), s.id)
    )
    was = {site.id: n for n, site in enumerate(earlier, 1)}
    known = [value for site in found.sites for value in site.days if value is not None]
    scale = (min([*known, 0.8]), 1.0)
    rows = tuple(
        _row(site, courses[site.id], place[site.id], was.get(site.id), scale, voice)
        for site in reversed(ranked[-SHOWN:])
    )
    hidden = len(ranked) - len(rows)
    lead = _lead(ranked, courses, found, voice)
    table = Table(
        name="league",
        caption=voice.t("Sites, the lowest health first; the same scale in every line"),
        columns=(
            Column(voice.t("Place"), "place", 0.8, text_width=10),
            Column(voice.t("Site"), "site", 2.2, text_width=26),
            Column(voice.t("Health"), "health", 0.9, numeric=True, text_width=8),
            Column(voice.t("Course"), "course", 2.0, text_width=0),
            Column(voice.t("Change"), "health_before", 1.2, numeric=True, text_width=14),
            Column(voice.t("Availability"), "availability", 1.1, numeric=True, text_width=12),
            Column(voice.t("Incidents"), "incidents_opened", 0.9, numeric=True, text_width=0),
        ),
        rows=rows,
        more=voice.n("{n} site with better health", "{n} sites with better health", hidden) if hidden else "",
        in_mail=5,
    )
    return Section(KEY, voice.term(PLUGIN.title), (Paragraph(lead, "lead"), table))


def _lead(ranked: list[SiteFacts], courses: dict[int, LeagueSite], found: LeagueFacts, voice: Voice) -> str:
    days = voice.n("{n} day", "{n} days", found.days)
    moved = [
        (site, site.figures.health - before)
        for site in ranked
        if (before := courses[site.id].before) is not None and site.figures.health is not None
    ]
    worse = [pair for pair in moved if pair[1] < -NO_TREND]
    better = [pair for pair in moved if pair[1] > NO_TREND]
    if not moved:
        return voice.t("The {days} before were not scored: there is nothing to compare with.", days=days)
    said = voice.t(
        "Against the {days} before: {better} better, {worse} worse, {same} much the same.",
        days=days,
        better=voice.number(len(better)),
        worse=voice.number(len(worse)),
        same=voice.number(len(moved) - len(better) - len(worse)),
    )
    if worse:
        site, change = min(worse, key=lambda pair: pair[1])
        fell = voice.t("{site} fell most, by {points}.", site=site.name, points=voice.number(-change, 2))
        said = f"{said} {fell}"
    return said


def _row(
    site: SiteFacts,
    course: LeagueSite,
    place: int,
    was: int | None,
    scale: tuple[float, float],
    voice: Voice,
) -> tuple[Cell, ...]:
    health, before = site.figures.health, course.before
    tone: Tone = "none"
    glyph, change = "", voice.t("not known")
    if health is not None and before is not None:
        delta = health - before
        tone = "same" if abs(delta) <= NO_TREND else "better" if delta > 0 else "worse"
        glyph = {"same": "●", "better": "▲", "worse": "▼"}[tone]
        sign = "+" if delta > 0 else "−" if delta < 0 else ""
        change = sign + voice.number(abs(delta), 2)
    low = min((value for value in course.days if value is not None), default=None)
    title = voice.t(
        "Health of {site} by day: lowest {low}, last {last}",
        site=site.name, low=voice.score(low),
        last=voice.score(next((v for v in reversed(course.days) if v is not None), None)),
    )  # fmt: skip
    return (
        Cell(
            voice.number(place),
            about=voice.t("was {place}", place=voice.number(was)) if was else "",
            raw=place,
        ),
        Cell(
            site.name,
            about=voice.n("{n} needs attention", "{n} need attention", site.figures.attention)
            if site.figures.attention
            else "",
        ),
        Cell(voice.score(health), raw=health, strong=True),
        Cell("", drawing=trend_line(course.days, title=title, scale=scale)),
        Cell(
            change,
            about="" if before is None else voice.t("from {health}", health=voice.score(before)),
            glyph=glyph,
            tone=tone,
            raw=before,
        ),
        Cell(voice.percent(site.figures.availability), raw=site.figures.availability),
        Cell(voice.number(course.incidents), raw=course.incidents),
    )


PLUGIN = Plugin(KEY, "Sites compared", frozenset({"weekly", "monthly", "custom"}), gather, build)
