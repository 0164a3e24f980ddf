"""A device over a period: its state and why, what it measured, what was alike before, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homepot_ai.answers import naming
from homepot_ai.answers.contracts import Analysis, DeviceAnalysis, PastIncident, Period
from homepot_ai.answers.measured import measured
from homepot_ai.answers.wording import word
from homepot_ai.errors import RecallError
from homepot_ai.fleet import events
from homepot_ai.health.rows import sentence, stored_factors
from homepot_ai.language.booking import Builder
from homepot_ai.memory import describe, embedder, passages, similar
from homepot_ai.memory.advice import advise
from homepot_ai.memory.effect import effects
from homepot_ai.memory.index import Folder
from homepot_ai.memory.similar import Found, Question
from homepot_ai.reporting.voice import Voice, message
from homepot_ai.store import actions, health_hours, named_sql
from homepot_ai.store import memory as store
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.answers.caching import Cache
    from homepot_ai.answers.naming import NamedDevice
    from homepot_ai.language.facts import Book
    from homepot_ai.language.model import Model
    from homepot_ai.memory.passages import Quoted
    from homepot_ai.questions.types import Asker
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("answers/sql/device.sql")
SPANS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
PERIOD_WORDS = {
    "1h": message("last hour"), "24h": message("last 24 hours"), "7d": message("last 7 days"),
    "30d": message("last 30 days"),
}  # fmt: skip
STATES = {
    "healthy": message("healthy"), "warning": message("in warning"), "critical": message("critical"),
    "no_data": message("without data"), "in_maintenance": message("in maintenance"),
    "not_scored": message("not scored"),
}  # fmt: skip
#: Similar incidents that are looked at, and shown once those of other sites are taken out.
SIMILAR_S = 300.0
EVENTS = 8


@dataclass(frozen=True)
class Known:
    """What the database has of a device; `status` is one of :data:`STATES`."""

    device: NamedDevice
    status: str
    score: float | None
    scored_at: datetime | None
    age_s: float | None
    why: str
    anomalies: int
    uptime: float | None
    incident: tuple[int, str, str, datetime] | None
    visits: tuple[tuple[datetime, str, str, str], ...]
    risk_action: str | None
    metrics: dict[str, float | None]
    events: tuple[str, ...]


def analyze(
    db: Database,
    settings: Settings,
    device: str,
    *,
    period: Period,
    asker: Asker,
    model: Model,
    cache: Cache,
    now: datetime,
) -> Analysis:
    """Look at a device.

    Args:
        device: its public id, number or exact name.

    Raises:
        NotFound: there is no such device at a site that the asker may see.

    >>> analyze(db, settings, "Till 3", period="24h", asker=Asker(), model=NoModel(), cache=Cache(),
    ...         now=now).analysis.status                                           # doctest: +SKIP
    'healthy'
    """
    since = now - SPANS[period]
    with db.reader() as conn:
        named = naming.device(conn, device, asker.sites)
        known = gather(conn, named, since, now)
        past, advice = _past(conn, settings, known, asker, cache)
    text, grounded = word(book(known, period, asker, settings), model, settings)
    return Analysis(
        device_id=named.id,
        device_name=named.name,
        analysis=DeviceAnalysis(
            summary=text,
            health_score=None if known.score is None else round(known.score, 4),
            status=known.status,
            anomalies_detected=known.anomalies,
            similar_past_incidents=past,
            recommendations=_recommendations(known, advice, asker, settings),
        ),
        metrics=known.metrics,
        period=period,
        generated_at=now,
        mode=asker.mode,
        grounded=grounded,
        data_age_seconds=known.age_s,
    )


def gather(conn: Connection, device: NamedDevice, since: datetime, now: datetime) -> Known:
    """Everything that the database has, in one snapshot."""
    span = {"device": device.id, "since": since, "now": now}
    at, score, status, _, age, factors = conn.execute(_SQL["newest_score"], span).fetchone() or (None,) * 6
    # A score of hours ago says nothing about now: scoring itself is late, or the device is out of it.
    fresh = at is not None and now - at <= timedelta(minutes=10)
    uptime = _uptime(conn, device.id, since, now)
    values: dict[str, float | None] = {}
    for one in measured(conn, device.id, since, now):
        values[f"avg_{one.metric}"] = _rounded(one.mean)
        values[f"max_{one.metric}"] = _rounded(one.highest)
    values["uptime_percentage"] = None if uptime is None else round(uptime, 2)
    (anomalies,) = conn.execute(_SQL["anomalies"], span).fetchone() or (0,)
    risk = conn.execute(_SQL["risk"], span).fetchone()
    return Known(
        device=device,
        status=str(status) if fresh else "no_data" if at is not None else "not_scored",
        score=float(score) if fresh and score is not None else None,
        scored_at=at,
        age_s=None if at is None else (now - at).total_seconds() + float(age or 0.0),
        why=sentence(stored_factors(factors or [])) if fresh and status in ("warning", "critical") else "",
        anomalies=int(anomalies),
        uptime=uptime,
        incident=conn.execute(_SQL["incident"], span).fetchone(),
        visits=tuple(conn.execute(_SQL["visits"], span).fetchall()),
        risk_action=risk[12] if risk and risk[1] in ("moderate", "high", "critical") else None,
        metrics=values,
        events=tuple(
            event.summary for event in events.recent(conn, device.id, now, EVENTS) if event.at > since
        ),
    )


def _uptime(conn: Connection, device: int, since: datetime, now: datetime) -> float | None:
    """Share of the judged minutes that had data, in percent; None: none was judged."""
    judged = silent = 0
    for part in health_hours.parts(conn, since, now):
        if part.source == "minutes":
            span = {"device": device, "start": part.start, "end": part.end}
            n, without = conn.execute(_SQL["minutes"], span).fetchone() or (0, 0)
            judged, silent = judged + n, silent + without
            continue
        one = health_hours.sums(conn, [part], health_hours.Opening(), [device]).get(device)
        if one is not None:
            seen = one.healthy + one.warning + one.critical
            judged += seen + one.no_data + one.not_scored - one.unjudged
            silent += one.no_data
    return 100.0 * (judged - silent) / judged if judged else None


def book(known: Known, period: Period, asker: Asker, settings: Settings) -> Book:
    """What the summary may say, and what it must."""
    voice = Voice(asker.language, asker.timezone, templates=settings.templates)
    b = Builder("analysis", asker.language, asker.mode)
    when = voice.t(PERIOD_WORDS[period])
    site = b.site(known.device.site, key=known.device.site_id)
    it = b.device(known.device.name, at=site, key=known.device.id)
    state = b.state(it, voice.t("status"), known.status, voice.t(STATES[known.status]), period=voice.t("now"))
    if known.score is not None:
        score = b.value(
            it, voice.t("health score"), known.score, voice.number(known.score, 2), period=voice.t("now"),
            precision=0.01, source="ai_health_scores.score",
        )  # fmt: skip
        b.say(voice.t("{device} at {site} is {status}, with a health score of {score}.",
                      device=it, site=site, status=state, score=score))  # fmt: skip
    elif known.scored_at is None:
        b.say(voice.t("{device} at {site} is {status}: nothing was scored in the last day.",
                      device=it, site=site, status=state))  # fmt: skip
    else:
        b.say(voice.t("{device} at {site} is {status}.", device=it, site=site, status=state))
    if known.why:
        why = b.state(it, voice.t("deviation"), known.why, known.why, period=voice.t("now"))
        b.say(voice.t("What deviates: {why}.", why=why))
    count = b.count(
        it, voice.t("anomalies"), known.anomalies,
        voice.n("{n} anomaly", "{n} anomalies", known.anomalies), period=when,
    )  # fmt: skip
    b.say(voice.t("In the {period}: {anomalies}.", period=when, anomalies=count))
    if known.uptime is not None:
        uptime = b.value(
            it, voice.t("time with data"), known.uptime, voice.percent(known.uptime / 100), unit="%",
            period=when,
        )  # fmt: skip
        b.say(voice.t("Data came in for {uptime} of the time.", uptime=uptime))
    if known.incident is not None and known.incident[2] != "closed":
        number, title, _, opened = known.incident
        incident = b.incident(f"{number} ({clean(title)})", at=it, key=number)
        shown = f"{opened.astimezone(ZoneInfo(asker.timezone)):%Y-%m-%d %H:%M %Z}"
        since = b.moment(incident, voice.t("open since"), opened, shown)
        b.say(voice.t("Incident {incident} is open since {since}.", incident=incident, since=since))
    for event in known.events:
        b.event(event)
    return b.book()


def _past(
    conn: Connection, settings: Settings, known: Known, asker: Asker, cache: Cache
) -> tuple[list[PastIncident], str]:
    """Past incidents like the one that is open (or was last), of sites that the asker may see, and advice."""
    if known.incident is None:
        return [], ""
    row = store.incident(conn, known.incident[0])
    if row is None:
        return [], ""
    text = describe.describe(row)
    question = Question(text, describe.exact(row), row.opened_at, row.id, asker.sites)

    def look() -> Found:
        return similar.find(conn, Folder.of(settings), settings, [question])[0]

    # What it is like changes when an incident closes somewhere: minutes do not matter, and it is dear.
    theirs = None if asker.sites is None else tuple(sorted(asker.sites))
    found = cache.get(("similar", row.id, describe.content_hash(text), theirs), SIMILAR_S, look)
    ids = [one.pattern.incident_id for one in found.similar if one.pattern.incident_id is not None]
    done = actions.of_incidents(conn, ids)
    known_effects = effects(actions.tallies(conn, row.opened_at))

    def read() -> tuple[Quoted, ...]:
        pages = store.passages(conn)
        try:
            return passages.quoted(embedder.load(settings.memory), pages, [text])[0] if pages else ()
        except RecallError:  # without a model the incidents are compared by their words, pages are not
            return ()

    quoted = cache.get(("manuals", row.id), SIMILAR_S, read)
    advice = advise(row.category, found, done, known_effects, quoted)
    listed = [
        PastIncident(
            date=one.pattern.happened_at,
            description=clean(one.pattern.description, 400),
            resolution=clean(one.pattern.resolution, 400) if one.pattern.resolution else None,
            similarity_score=round(one.similarity, 4),
            held={"held": True, "came_back": False}.get(one.pattern.outcome or ""),
        )
        for one in found.similar
    ]
    return listed, advice.text if advice.useful else ""


def _recommendations(known: Known, advice: str, asker: Asker, settings: Settings) -> list[str]:
    """What to do, the nearest first: by rule from memory, forecasts and visits."""
    voice = Voice(asker.language, asker.timezone, templates=settings.templates)
    said = [advice] if advice else []
    if known.risk_action:
        said.append(clean(known.risk_action, 300))
    for at, zone, state, action in known.visits:
        when = f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
        verb = message("A visit is proposed for {when}: {action}")
        if state == "accepted":
            verb = message("A visit is planned for {when}: {action}")
        said.append(voice.t(verb, when=when, action=clean(action, 200)))
    return said


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
