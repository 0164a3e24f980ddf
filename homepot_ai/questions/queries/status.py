"""How devices, sites, types and the whole are now."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.language.booking import Ref
from homepot_ai.questions.page import STALE, Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.reading import SQL
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.store.database import Connection

SHOWN = 10


def device_status(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How a device is: its state, score, since when silent, what deviates."""
    page = Page("device_status", asker, now)
    one = reading.device(conn, slots.device, now)
    it = reading.tell_device(page, one)
    tell_state(page, it, one, now)
    if one.status in ("warning", "critical"):
        page.tell_why(it, one.factors, 2)
    count, critical = conn.execute(SQL["open_of_device"], {"device": one.id}).fetchone() or (0, 0)
    told = page.count(it, "open incidents", count, source="ai_incidents")
    if count:
        grave = page.count(it, "critical incidents", critical, source="ai_incidents")
        page.say(
            "Open incidents of {device}: {n}, of these critical: {critical}.",
            device=it,
            n=told,
            critical=grave,
        )
    else:
        page.say("Open incidents of {device}: {n}.", device=it, n=told)
    return page.found()


def tell_state(page: Page, it: Ref, one: reading.Now, now: datetime) -> None:
    """One or two sentences on a device's state. No data is never called healthy."""
    if one.at is None:
        page.say("{device} was not scored within the last day, so its health is not known.", device=it)
    elif one.status == "no_data":
        if one.last_sample_at is not None:
            since = page.moment(it, "last data", one.last_sample_at, source="ai_device_gaps.last_sample_at")
            page.say("{device} sends no data; its last data are of {since}.", device=it, since=since)
        else:
            page.say("{device} sends no data, and none of it is remembered.", device=it)
    elif one.score is not None:
        state = page.state(it, "status", one.status or "", source="ai_health_scores.status")
        score = page.score(it, one.score)
        page.say(
            "The status of {device} is {state}, its health score {score}.",
            device=it,
            state=state,
            score=score,
        )
    else:
        state = page.state(it, "status", one.status or "", source="ai_health_scores.status")
        page.say("The status of {device} is {state}, so it has no health score.", device=it, state=state)
    if one.at is not None and not one.fresh(now, STALE):
        at = page.moment(it, "last scored", one.at, source="ai_health_scores.at")
        page.say("That was at {at}: nothing was scored since.", at=at)


def fleet_status(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How everything is."""
    page = Page("fleet_status", asker, now)
    return _overview(conn, page, reading.tell_scope(conn, page, slots, now), slots, now)


def site_status(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How a site is."""
    page = Page("site_status", asker, now)
    return _overview(conn, page, reading.tell_scope(conn, page, slots, now), slots, now)


def type_status(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How a type of devices is."""
    page = Page("type_status", asker, now)
    return _overview(conn, page, reading.tell_scope(conn, page, slots, now), slots, now)


def _overview(conn: Connection, page: Page, it: Ref, slots: Slots, now: datetime) -> Found:
    given = reading.scope(slots, now, limit=SHOWN)
    counted = conn.execute(SQL["newest"] + SQL["counts"], given).fetchone()
    assert counted is not None
    total, healthy, warning, critical, silent, maintained, unscored, mean, at, _ = counted
    page.dated(at)
    source = "ai_health_scores.status"
    if total == 0:
        page.say("Devices of {scope} in use: {n}.", scope=it, n=page.count(it, "devices", 0))
        return page.found()
    n = page.count(it, "devices", total, source="devices")
    if at is None:
        page.say("Devices of {scope}: {n}; none of them was scored within the last day.", scope=it, n=n)
        return page.found()
    ill = page.count(it, "critical devices", critical, source=source)
    warned = page.count(it, "devices with a warning", warning, source=source)
    well = page.count(
        it, "healthy devices", healthy, source=source, universal="all" if healthy == total else ""
    )
    page.say(
        "Devices of {scope}: {n}, of these critical: {critical}, with a warning: {warning}, "
        "healthy: {healthy}.",
        scope=it,
        n=n,
        critical=ill,
        warning=warned,
        healthy=well,
    )
    if silent or unscored or maintained:
        page.say(
            "Without data: {silent}, in maintenance: {maintained}, not scored: {unscored}; of these "
            "the health is not known.",
            silent=page.count(it, "silent devices", silent, source=source),
            maintained=page.count(it, "devices in maintenance", maintained, source=source),
            unscored=page.count(it, "devices not scored", unscored, source=source),
        )
    if mean is not None:
        page.say("The mean health score of what was scored is {mean}.", mean=page.score(it, mean))
    opened, grave = conn.execute(SQL["open_count"], given).fetchone() or (0, 0)
    page.say(
        "Open incidents: {n}, of these critical: {critical}.",
        n=page.count(it, "open incidents", opened, source="ai_incidents"),
        critical=page.count(it, "critical incidents", grave, source="ai_incidents"),
    )
    _worst_table(page, reading.rows(conn, SQL["newest"] + SQL["worst"], given))
    if not page.now - at <= STALE:
        page.say("That was at {at}: nothing was scored since.", at=page.moment(it, "last scored", at))
    return page.found()


def _worst_table(page: Page, found: list[tuple]) -> None:  # type: ignore[type-arg]
    rows = []
    for id_, _, name, _, site_id, site, at, score, status, factors, _ in found:
        page.device(id_, name, status, page.site(site_id, site))
        page.dated(at)
        why = page.why(factors)
        rows.append((name, site, page.word(status), page.voice.score(score), why[0] if why else ""))
    if rows:
        heads = page.heads("device", "site", "status", "health", "what deviates")
        page.table(heads, rows, total=found[0][-1])


def worst_devices(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which devices are worst; where none is ill, whose score is lowest."""
    page = Page("worst_devices", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now, limit=slots.n or 5)
    found = reading.rows(conn, SQL["newest"] + SQL["worst"], given)
    if not found:
        found = reading.rows(conn, SQL["newest"] + SQL["lowest"], given)
        none = page.count(it, "unhealthy devices", 0, source="ai_health_scores.status")
        page.say("Devices of {scope} that are critical or have a warning: {n}.", n=none, scope=it)
        if not found:
            page.say("No device of {scope} has a health score now.", scope=it)
            return page.found()
    else:
        n = page.count(it, "unhealthy devices", found[0][-1], source="ai_health_scores.status")
        page.say("Devices of {scope} that are critical or have a warning: {n}.", n=n, scope=it)
    _worst_table(page, found)
    id_, _, name, _, site_id, site, _, score, status, factors, _ = found[0]
    first = page.device(id_, name, status, page.site(site_id, site))
    rank = page.book.rank(
        first,
        page.t("health score"),
        "lowest",
        page.voice.score(score),
        better=False,
        value=score,
        source="ai_health_scores.score",
    )
    state = page.state(first, "status", status, source="ai_health_scores.status")
    page.say(
        "{device} has the lowest health score, {rank}; its status is {state}.",
        device=first,
        rank=rank,
        state=state,
    )
    page.tell_why(first, factors, 1)
    return page.found()


def why_unhealthy(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Why a device is ill: what deviates from what, since when, in which incident."""
    page = Page("why_unhealthy", asker, now)
    one = reading.device(conn, slots.device, now)
    it = reading.tell_device(page, one)
    tell_state(page, it, one, now)
    if one.status in ("warning", "critical") and not page.tell_why(it, one.factors):
        page.say("Which metric deviates was not recorded.")
    anomaly = conn.execute(SQL["open_anomaly"], {"device": one.id, "now": now}).fetchone()
    if anomaly is not None:
        since = page.moment(it, "anomaly since", anomaly[1], source="ai_anomaly_logs.started_at")
        page.say("An anomaly has been open since {since}.", since=since)
    incident = conn.execute(SQL["gravest_of_device"], {"device": one.id}).fetchone()
    if incident is not None:
        case = page.incident(incident[0])
        title = page.text(case, "title", incident[1], source="ai_incidents.title")
        page.say("It belongs to {incident}: {title}.", incident=case, title=title)
    elif one.status == "healthy":
        page.say("Nothing was found to be wrong with {device} now.", device=it)
    return page.found()


def silent_devices(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which devices send nothing, and since when."""
    page = Page("silent_devices", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now, limit=reading.MOST)
    found = reading.rows(conn, SQL["newest"] + SQL["silent"], given)
    at = (conn.execute(SQL["newest"] + SQL["counts"], given).fetchone() or (None,) * 9)[8]
    page.dated(at)
    if at is None:
        page.say("For {scope} nothing was scored within the last day: who is silent is not known.", scope=it)
        return page.found()
    n = page.count(it, "silent devices", found[0][-1] if found else 0, source="ai_health_scores.status")
    page.say("Devices of {scope} that send no data: {n}.", n=n, scope=it)
    rows = []
    for id_, _, name, kind, site_id, site, last, _, _ in found:
        page.device(id_, name, "no_data", page.site(site_id, site))
        rows.append((name, site, page.type_name(kind), page.when(last), page.ago(last) if last else ""))
    if rows:
        page.table(page.heads("device", "site", "type", "last data", "silent for"), rows, found[0][-1])
        known = [row for row in found if row[6] is not None]
        if known:
            first = page.device(known[0][0], known[0][2], "no_data")
            since = page.moment(first, "last data", known[0][6], source="ai_device_gaps.last_sample_at")
            page.say(
                "Of those whose last data are known, {device} has been silent longest: since {since}.",
                device=first,
                since=since,
            )
    return page.found()
