"""What was: availability, anomalies, events, changes, and how complete the data are."""

from __future__ import annotations

from datetime import datetime, timedelta

from homepot_ai.language.booking import Ref
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.incidents import newest, within
from homepot_ai.questions.queries.measures import SQL
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.reporting.voice import message
from homepot_ai.store.database import Connection

#: More data older than this is called old.
OLD = timedelta(minutes=5)


def available_scope(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> dict[str, object]:
    """What the sums of availability bind: the devices that are meant, where not all are."""
    given = reading.scope(slots, now)
    whole = asker.sites is None and slots.device is None and slots.site is None and slots.device_type is None
    ids = None if whole else [row[0] for row in conn.execute(SQL["ids"], given)]
    return given | {"ids": ids}


def uptime(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Share of judged minutes with data; a fleet's is that of its device-minutes."""
    page = Page("uptime", asker, now)
    # Of a large fleet a month of hours is millions of rows: who wants that says so.
    whole = slots.device is None and slots.site is None and slots.device_type is None
    page.span = reading.span_of(page, slots, now, 7 if whole else 30)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    given = available_scope(conn, slots, asker, now)
    judged, lost, critical, devices, at, first = conn.execute(
        SQL["available"] + SQL["sum_available"], given
    ).fetchone() or (0, 0, 0, 0, None, None)
    page.dated(at)
    if not judged:
        page.say(
            "For {scope} nothing was judged ({period}): the availability is not known.",
            scope=it,
            period=page.about(),
        )
        return page.found()
    share = page.share(
        it, "availability", 1 - lost / judged, period=page.period, source="ai_health_hours.no_data"
    )
    page.say(
        "Share of the time in which {scope} sent data: {share} ({period}).",
        scope=it,
        share=share,
        period=page.about(),
    )
    down = page.duration(it, "time without data", lost, period=page.period)
    if slots.device is not None:
        times, longest = conn.execute(SQL["outages"], given).fetchone() or (0, None)
        if times or not lost:
            page.say(
                "Time without data: {down}; outages: {n}.",
                down=down,
                n=page.count(it, "outages", times, period=page.period, source="ai_device_gaps"),
            )
        else:  # gaps are noticed by a flow of its own, which was not there at that time
            page.say("Time without data: {down}; in how many outages is not known.", down=down)
        if longest:
            page.say(
                "The longest outage lasted {longest}.", longest=page.duration(it, "longest outage", longest)
            )
    else:
        page.say(
            "Time without data of all {n} judged devices together: {down}.",
            down=down,
            n=page.count(it, "devices judged", devices),
        )
        rows = reading.rows(conn, SQL["available"] + SQL["worst_available"], given)
        table = []
        for id_, name, site, site_id, minutes, gone in rows:
            page.device(id_, name, site=page.site(site_id, site))
            table.append((name, site, page.voice.percent(1 - gone / minutes), page.voice.duration(gone)))
        if table:
            page.table(page.heads("device", "site", "availability", "time without data"), table)
    ill = page.share(it, "critical time", critical / judged, period=page.period)
    page.say("Share of the judged time that was critical: {share}.", share=ill)
    reading.tell_known(page, it, first)
    return page.found()


def anomalies(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Anomalies that were there in a span."""
    page = Page("anomalies", asker, now)
    page.span = reading.span_of(page, slots, now, 1)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(conn, SQL["anomalies"], reading.scope(slots, now))
    page.dated(newest(conn))
    total, still = (found[0][12], found[0][13]) if found else (0, 0)
    page.say(
        "Anomalies of {scope}: {n}, still there: {open} ({period}).",
        n=page.count(it, "anomalies", total, period=page.period, source="ai_anomaly_logs"),
        scope=it,
        period=page.about(),
        open=page.count(it, "open anomalies", still),
    )
    rows = []
    for row in found:
        _, id_, name, site_id, site, started, ended, severity, metric, observed, low, high = row[:12]
        device = page.device(id_, name, site=page.site(site_id, site))
        clause = page.why(
            [
                {
                    "metric": metric or "",
                    "kind": "",
                    "contribution": 1.0,
                    "observed": observed,
                    "low": low,
                    "high": high,
                }
            ]
        )
        told = clause[0] if metric else page.t("several metrics together")
        lasted = page.voice.duration(((ended or now) - started).total_seconds() / 60)
        rows.append(
            (page.when(started), name, site, page.word(severity), told, lasted if ended else page.t("still"))
        )
        if len(rows) <= 2:
            page.say(
                "{device}, since {at}: {what}.",
                device=device,
                at=page.moment(device, "anomaly since", started, source="ai_anomaly_logs.started_at"),
                what=page.book.cause(device, page.t("what deviates"), told, told),
            )
    if rows:
        page.table(page.heads("began", "device", "site", "severity", "what", "lasted"), rows, total)
    return page.found()


def _events(
    conn: Connection, page: Page, it: Ref, slots: Slots, now: datetime, kinds: list[str] | None
) -> int:
    found = reading.rows(conn, SQL["events"], reading.scope(slots, now, kinds=kinds))
    page.dated(newest(conn))
    rows = []
    for id_, name, site_id, site, at, kind, summary, _ in found:
        page.device(id_, name, site=page.site(site_id, site))
        rows.append((page.when(at), name, site, page.t(_KINDS.get(kind, kind)), summary))
        page.book.event(summary)
    if rows:
        page.table(page.heads("when", "device", "site", "kind", "what"), rows, found[0][7])
        _, name, _, _, at, _, summary, _ = found[0]
        last = page.moment(it, "last event", at, source="ai_event_cache.at")
        page.say("The last one was at {at}: {what}.", at=last, what=page.text(it, "last event", summary))
    return int(found[0][7]) if found else 0


_KINDS = {
    "anomaly": message("anomaly"),
    "status_change": message("change of status"),
    "error_burst": message("burst of errors"),
    "failed_job": message("failed job"),
    "configuration_change": message("change of configuration"),
}


def device_events(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What is remembered of a device: anomalies, changes, bursts of errors, failed jobs."""
    page = Page("device_events", asker, now)
    page.span = reading.span_of(page, slots, now, 7)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    kinds: dict[str, int] = dict(conn.execute(SQL["event_kinds"], reading.scope(slots, now)).fetchall())
    n = page.count(it, "events", sum(kinds.values()), period=page.period, source="ai_event_cache")
    page.say("Events of {device} that are remembered: {n} ({period}).", n=n, device=it, period=page.about())
    if kinds:
        bursts, jobs = kinds.get("error_burst", 0), kinds.get("failed_job", 0)
        page.say(
            "Bursts of errors among them: {bursts}; failed jobs: {jobs}.",
            bursts=page.count(it, "bursts of errors", bursts),
            jobs=page.count(it, "failed jobs", jobs),
        )
    _events(conn, page, it, slots, now, None)
    return page.found()


def configuration_changes(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What was reconfigured."""
    page = Page("configuration_changes", asker, now)
    page.span = reading.span_of(page, slots, now, 7)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    kinds: dict[str, int] = dict(conn.execute(SQL["event_kinds"], reading.scope(slots, now)).fetchall())
    n = page.count(
        it,
        "changes of the configuration",
        kinds.get("configuration_change", 0),
        period=page.period,
        source="ai_event_cache",
    )
    page.say(
        "Changes of the configuration of {scope} that are remembered: {n} ({period}).",
        n=n,
        scope=it,
        period=page.about(),
    )
    _events(conn, page, it, slots, now, ["configuration_change"])
    return page.found()


def changes_since(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What is another than it was: statuses, incidents opened and closed, events."""
    page = Page("changes_since", asker, now)
    page.span = reading.span_of(page, slots, now, 1)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now)
    opened, closed, taken = conn.execute(SQL["changed"], given).fetchone() or (0, 0, 0)
    page.say(
        "Incidents of {scope}: {opened} opened, {acknowledged} acknowledged, {closed} closed ({period}).",
        scope=it,
        period=page.about(),
        opened=page.count(
            it, "incidents opened", opened, period=page.period, source="ai_incidents.opened_at"
        ),
        acknowledged=page.count(it, "incidents acknowledged", taken, period=page.period),
        closed=page.count(it, "incidents closed", closed, period=page.period),
    )
    now_at = newest(conn)
    page.dated(now_at)
    end = min(slots.span.end if slots.span else now, now_at or now)
    moved = reading.rows(conn, SQL["then"], given | {"until": end})
    if conn.execute(SQL["known_then"], given).fetchone() == (True,):
        n = page.count(
            it,
            "devices with another status",
            len(moved),
            period=page.period,
            source="ai_health_scores.status",
        )
        page.say("Devices with another status at the end than at the beginning: {n}.", n=n)
    else:
        page.say("How devices were at the beginning is not known.")
    rows = []
    for id_, name, site_id, site, before, after in moved:
        device = page.device(id_, name, after, page.site(site_id, site))
        rows.append((name, site, page.word(before), page.word(after)))
        if len(rows) <= 2:
            page.say(
                "{device}: {before} at first, {after} in the end.",
                device=device,
                before=page.state(device, "status before", before),
                after=page.state(device, "status", after),
            )
    kinds: dict[str, int] = dict(conn.execute(SQL["event_kinds"], given).fetchall())
    page.say(
        "Besides, changes of configuration: {configuration}, failed jobs: {jobs}.",
        configuration=page.count(it, "changes of configuration", kinds.get("configuration_change", 0)),
        jobs=page.count(it, "failed jobs", kinds.get("failed_job", 0)),
    )
    if rows:
        page.table(page.heads("device", "site", "before", "now"), rows)
    else:
        list_events = reading.rows(conn, SQL["events"], given | {"kinds": None})
        if list_events:
            page.table(
                page.heads("when", "device", "site", "what"),
                [(page.when(e[4]), e[1], e[3], e[6]) for e in list_events],
                list_events[0][7],
            )
    return page.found()


def data_quality(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How old the newest data are and how much of the last day is there."""
    page = Page("data_quality", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    given = available_scope(conn, slots, asker, now) | {"since": now - timedelta(days=1), "until": now}
    median, oldest, devices, silent, at = conn.execute(SQL["ages"], given).fetchone() or (None,) * 5
    page.dated(at)
    if at is None:
        page.say("For {scope} nothing was scored within the last day.", scope=it)
        return page.found()
    scored = page.duration(it, "age of the newest score", max(0.0, (now - at).total_seconds() / 60))
    page.say("The newest score of {scope} is {age} old.", scope=it, age=scored)
    if slots.device is not None:
        one = reading.device(conn, slots.device, now)
        if one.last_sample_at is not None and one.status == "no_data":
            page.say(
                "{device} has sent no data since {at}.",
                device=it,
                at=page.moment(it, "last data", one.last_sample_at, source="ai_device_gaps.last_sample_at"),
            )
        elif median is not None:
            page.say(
                "Age of the data that it rests on: {age}.",
                age=page.duration(it, "age of the data", median / 60),
            )
    elif median is not None:
        page.say(
            "Age of the data that it rests on: {median} in the median, {oldest} at most.",
            median=page.duration(it, "median age of the data", median / 60),
            oldest=page.duration(it, "oldest data", oldest / 60),
        )
        page.say(
            "Devices without data: {silent} of {n}.",
            silent=page.count(it, "silent devices", silent),
            n=page.count(it, "devices", devices),
        )
    judged, lost, *_ = conn.execute(SQL["available"] + SQL["sum_available"], given).fetchone() or (0, 0)
    if judged:
        share = page.share(it, "completeness", 1 - lost / judged, source="ai_health_scores.status")
        page.say("Share of the judged time of the last day with data: {share}.", share=share)
    return page.found()
