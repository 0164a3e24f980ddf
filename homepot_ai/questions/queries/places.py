"""Sites and devices as such: lists, where they are, when they are open or maintained, how sites compare."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from homepot_ai.fleet import schedules
from homepot_ai.incidents.planning_windows import words
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.history import available_scope
from homepot_ai.questions.queries.incidents import newest, within
from homepot_ai.questions.queries.measures import SQL as MEASURES
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.reporting.voice import message
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.store.windows import Window

SQL = named_sql.load("questions/sql/places.sql")
DAYS = (
    message("Monday"),
    message("Tuesday"),
    message("Wednesday"),
    message("Thursday"),
    message("Friday"),
    message("Saturday"),
    message("Sunday"),
)


def list_devices(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which devices there are, of which types, in which state."""
    page = Page("list_devices", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now)
    found = reading.rows(conn, reading.SQL["newest"] + reading.SQL["listed"], given)
    n = page.count(it, "devices in use", found[0][10] if found else 0, source="devices")
    page.say("Devices of {scope} in use: {n}.", scope=it, n=n)
    if not slots.device_type:
        for kind_, count, _ in reading.rows(conn, reading.SQL["newest"] + reading.SQL["types"], given)[:4]:
            named = page.text(None, "type", page.type_name(kind_))
            page.say("{type}: {n}.", type=named, n=page.count(it, "devices of a type", count))
    rows = []
    for id_, public, name, kind_, site_id, site, at, _, status, _, _ in found:
        page.device(id_, name, status, page.site(site_id, site))
        page.dated(at)
        rows.append((name, site, page.type_name(kind_), page.word(status), public))
    if rows:
        page.table(page.heads("device", "site", "type", "status", "id"), rows, found[0][10])
    return page.found()


def list_sites(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which sites there are."""
    page = Page("list_sites", asker, now)
    found = reading.rows(conn, reading.SQL["sites"], {})
    it = page.everything()
    n = page.count(it, "sites", len(found), source="sites")
    page.say("Sites: {n}.", n=n)
    for id_, name, public, _, _, devices in found[:4]:
        site = page.site(id_, name or public)
        page.say("Devices of {site} in use: {n}.", site=site, n=page.count(site, "devices in use", devices))
    page.table(
        page.heads("site", "where", "devices", "time zone", "id"),
        [
            (name or public, where or "", devices, zone or "", public)
            for _, name, public, where, zone, devices in found
        ],
    )
    return page.found()


def device_info(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What a device is, where it stands, what it measures."""
    page = Page("device_info", asker, now)
    one = reading.device(conn, slots.device, now)
    it = reading.tell_device(page, one)
    kind = page.text(it, "type", page.type_name(one.device_type), source="devices.device_type")
    page.say(
        "{device} stands at {site}; its type is {type}.",
        device=it,
        site=page.site(one.site_id, one.site),
        type=kind,
    )
    page.say("Its id is {id}.", id=page.text(it, "id", one.public_id, source="devices.device_id"))
    if one.firmware:
        page.say("It runs firmware {firmware}.", firmware=page.text(it, "firmware", one.firmware))
    else:
        page.say("Which firmware it runs is not known.")
    if one.lifecycle != "active":
        page.say("HOMEPOT calls it {state}.", state=page.text(it, "lifecycle", one.lifecycle))
    if one.simulated:
        page.say("It is simulated.")
    measured = conn.execute(reading.SQL["measures"], {"device": one.id, "now": now}).fetchone()
    if measured is not None and measured[0]:
        names = [page.voice.metric(name) for name in measured[0]]
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        page.say(
            "It measures: {metrics}.",
            metrics=page.text(it, "metrics", shown, source="ai_metric_hours.metrics"),
        )
    else:
        page.say("Nothing is known to be measured on it.")
    return page.found()


def opening_hours(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """When a site is open, whether it is now, by its own clock."""
    page = Page("opening_hours", asker, now)
    number, name, _, _, zone = reading.site_row(conn, slots.site)
    it = page.site(number, name)
    hours = schedules.operating_hours(conn, [number]).get(number, {})
    if not hours:
        page.say("No opening hours are known of {site}.", site=it)
        return page.found()
    used = zone or asker.timezone
    local = now.astimezone(ZoneInfo(used))
    open_now = bool(schedules.open_stretches(hours, used, now, now + timedelta(seconds=1)))
    clock = page.text(it, "time there", f"{local:%H:%M} ({used})")
    if open_now:
        page.say("{site} is open now; it is {clock} there.", site=it, clock=clock)
    else:
        page.say("{site} is closed now; it is {clock} there.", site=it, clock=clock)
    today = hours.get(local.weekday())
    if today is None or today.is_closed or today.open_time is None or today.close_time is None:
        page.say("Today it stays closed.")
    else:
        page.say(
            "Today it opens at {opens} and closes at {closes}.",
            opens=page.text(
                it, "opening time", f"{today.open_time:%H:%M}", source="site_operating_schedules"
            ),
            closes=page.text(it, "closing time", f"{today.close_time:%H:%M}"),
        )
        if today.peak_from and today.peak_to:
            page.say(
                "It is busiest from {start} to {end}.",
                start=page.text(it, "peak begins", f"{today.peak_from:%H:%M}"),
                end=page.text(it, "peak ends", f"{today.peak_to:%H:%M}"),
            )
    rows = []
    for weekday, day in enumerate(DAYS):
        known = hours.get(weekday)
        if known is None or known.is_closed or known.open_time is None or known.close_time is None:
            rows.append((page.t(day), page.t("closed all day"), ""))
        else:
            peak = (
                f"{known.peak_from:%H:%M}–{known.peak_to:%H:%M}" if known.peak_from and known.peak_to else ""
            )
            rows.append((page.t(day), f"{known.open_time:%H:%M}–{known.close_time:%H:%M}", peak))
    page.table(page.heads("day", "open", "busiest"), rows)
    return page.found()


def maintenance_windows(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Our windows and HOMEPOT's maintenance days, and who is in one now."""
    page = Page("maintenance_windows", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now)
    if slots.device is not None:
        one = reading.device(conn, slots.device, now)
        given["site"] = one.site_id
        status = page.state(it, "status", one.status or "not_scored")
        page.say("{device} now: {state}.", device=it, state=status)
    windows = [Window(*row) for row in reading.rows(conn, SQL["windows"], given | {"site": slots.site})]
    n = page.count(it, "maintenance windows", len(windows), source="ai_windows")
    page.say("Maintenance windows planned for {scope}: {n}.", n=n, scope=it)
    days = reading.rows(conn, SQL["maintenance_days"], given)
    if days:
        page.say(
            "Maintenance days a week that HOMEPOT names: {n}.",
            n=page.count(it, "maintenance days", len(days), source="site_operating_schedules"),
        )
    rows = [(w.name, w.scope, words(w), w.created_by) for w in windows]
    rows += [
        (page.t("maintenance day"), name, page.t(DAYS[weekday]), "HOMEPOT")
        for _, name, weekday in days
        if 0 <= weekday < 7
    ]
    if rows:
        page.table(page.heads("window", "for", "when", "by"), rows)
    page.dated(newest(conn))
    return page.found()


def compare_sites(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Two sites, or all of them: how they are, and how available their devices were."""
    page = Page("compare_sites", asker, now)
    page.span = reading.span_of(page, slots, now, 7 if slots.site is None else 30)
    slots = within(slots, page)
    wanted = [number for number in (slots.site, slots.other_site) if number is not None]
    for number in wanted:
        reading.site_row(conn, number)
    given = reading.scope(slots, now) | {"site": None, "device": None}
    found = reading.rows(conn, reading.SQL["newest"] + reading.SQL["by_site"], given)
    # One named alone is compared with all.
    found = [row for row in found if len(wanted) < 2 or row[0] in wanted]
    if len(wanted) == 2:
        parts = [available_scope(conn, replace(slots, site=one), asker, now) for one in wanted]
    else:
        parts = [available_scope(conn, replace(slots, site=None), asker, now)]
    available: dict[int, tuple[int, int, datetime | None]] = {}
    for part in parts:
        summed = reading.rows(conn, MEASURES["available"] + MEASURES["by_site"], part)
        available |= {row[0]: (row[1], row[2], row[3]) for row in summed}
    rows = []
    for id_, name, devices, critical, warning, silent, mean, at in found:
        page.site(id_, name)
        page.dated(at)
        judged, lost, _ = available.get(id_, (0, 0, None))
        share = page.voice.percent(1 - lost / judged) if judged else page.t("not known")
        rows.append((name, devices, critical, warning, silent, page.voice.score(mean), share))
    scored = [row for row in found if row[6] is not None]
    if len(scored) < 2:
        page.say("There are not enough sites with a health score to be compared.")
    else:
        low, high = scored[0], scored[-1]
        first, last = page.site(low[0], low[1]), page.site(high[0], high[1])
        told = page.t("health score"), "ai_health_scores.score"
        lowest, highest = page.voice.score(low[6]), page.voice.score(high[6])
        if lowest == highest:
            mean = page.score(first, low[6])
            page.say("{first} and {last} have the same mean health score now, {mean}.",
                     first=first, last=last, mean=mean)  # fmt: skip
        else:
            worst = page.book.rank(
                first, told[0], "lowest", lowest, better=False, value=low[6], source=told[1]
            )
            best = page.book.rank(
                last, told[0], "highest", highest, better=True, value=high[6], source=told[1]
            )
            gap = high[6] - low[6]
            page.book.delta(
                last, told[0], gap, page.voice.score(gap), better_up=True, other=first, source=told[1]
            )
            page.say("{first} has the lowest mean health score now, {low}; {last} has the highest, {high}.",
                     first=first, low=worst, last=last, high=best)  # fmt: skip
        for row in (low, high):
            site = page.site(row[0], row[1])
            page.say(
                "Devices of {site} now: {n}, of these critical: {critical}, without data: {silent}.",
                site=site,
                n=page.count(site, "devices", row[2]),
                critical=page.count(site, "critical devices", row[3]),
                silent=page.count(site, "silent devices", row[5]),
            )
            judged, lost, _ = available.get(row[0], (0, 0, None))
            if judged:
                share = page.share(site, "availability", 1 - lost / judged, period=page.period)
                page.say(
                    "Share of the time in which devices of {site} sent data: {share} ({period}).",
                    site=site,
                    share=share,
                    period=page.about(),
                )
    reading.tell_known(
        page, page.everything(), min((begun for *_, begun in available.values() if begun), default=None)
    )
    heads = page.heads(
        "site", "devices", "critical now", "warning now", "no data now", "health now", "availability"
    )
    if rows:
        page.table(heads, rows)
    return page.found()
