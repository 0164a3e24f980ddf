"""Alerts, who was told, what is silenced, reports, what was done, and how good detection is."""

from __future__ import annotations

from datetime import datetime, timedelta

from homepot_ai.errors import NotFound
from homepot_ai.incidents.signs import cause_words
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.incidents import SQL, newest, within
from homepot_ai.questions.queries.places import SQL as PLACES
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.reporting.voice import message
from homepot_ai.store.database import Connection
from homepot_ai.store.sealing import Address

WHY = {
    "window": message("maintenance window"),
    "homepot_schedule": message("HOMEPOT's site schedule"),
    "snooze": message("snoozed"),
    "flapping": message("flapping"),
    "storm": message("a storm of incidents"),
    "budget": message("alert budget"),
    "hours": message("outside the recipient's hours"),
    "suppressed": message("suppressed"),
    "not_allowed": message("not allowed to see the site"),
}
KINDS = {
    "daily": message("daily"), "weekly": message("weekly"), "monthly": message("monthly"),
    "custom": message("custom"), "incident": message("incident"), "alert": message("alert"),
    "fleet": message("fleet"), "own": message("own"),
}  # fmt: skip
STATES = {
    "told": message("told"),
    "waiting": message("waiting"),
    "not_told": message("not told"),
}


def alert_review(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How many alerts went out, what came of them, what nobody was told of."""
    page = Page("alert_review", asker, now)
    page.span = reading.span_of(page, slots, now, 7)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now)
    pages, incidents, taken, held, false, critical, _ = (
        conn.execute(SQL["pages"], given).fetchone() or (0,) * 7
    )
    (untold,) = conn.execute(SQL["untold"], given).fetchone() or (0,)
    page.dated(newest(conn))
    page.say(
        "Alerts that went out for {scope}: {n}, of these critical: {critical} ({period}).",
        scope=it,
        period=page.about(),
        n=page.count(it, "alerts", pages, period=page.period, source="ai_alert_messages"),
        critical=page.count(it, "critical alerts", critical, period=page.period),
    )
    if incidents:
        page.say(
            "Incidents that they were about: {n}, of these acknowledged: {taken}.",
            n=page.count(it, "incidents with alerts", incidents),
            taken=page.count(it, "acknowledged incidents", taken),
        )
    days = ((slots.span.end - slots.span.start) / timedelta(days=1)) if slots.span else 7.0
    if pages and days >= 1:
        page.say(
            "Alerts a day: {n}.",
            n=page.book.value(it, page.t("alerts a day"), pages / days, page.voice.number(pages / days, 1)),
        )
    page.say(
        "Incidents held back by the alert budget: {held}, told to nobody: {untold}, marked false: {false}.",
        held=page.count(it, "incidents held back", held, source="ai_alert_messages.why"),
        untold=page.count(it, "incidents told to nobody", untold),
        false=page.count(it, "incidents marked false", false, source="ai_incidents.mark"),
    )
    return page.found()


def noisiest(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which devices and which causes made most alerts."""
    page = Page("noisiest", asker, now)
    page.span = reading.span_of(page, slots, now, 7)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now, limit=slots.n or 5)
    page.dated(newest(conn))
    devices = reading.rows(conn, SQL["noisiest_devices"], given)
    causes = reading.rows(conn, SQL["noisiest_causes"], given)
    if not devices and not causes:
        page.say(
            "Alerts that went out for {scope}: {n} ({period}).",
            n=page.count(it, "alerts", 0),
            scope=it,
            period=page.about(),
        )
        return page.found()
    rows = []
    for id_, name, site_id, site, alerts, incidents in devices:
        rows.append((page.t("device"), name or str(id_), site or "", alerts, incidents))
        ref = page.device(id_, name or str(id_), site=page.site(site_id, site) if site else None)
        if len(rows) == 1:
            top = page.book.rank(
                ref,
                page.t("alerts"),
                "highest",
                page.voice.number(alerts),
                better=False,
                value=alerts,
                period=page.period,
                source="ai_alert_messages",
            )
            page.say("{device} made the most alerts: {n} ({period}).", device=ref, n=top, period=page.about())
    for kind, cause, alerts, incidents in causes:
        if not any(row[0] == page.t("cause") for row in rows):
            told = page.book.cause(
                it, page.t("cause"), cause, cause_words(cause), source="ai_incidents.cause"
            )
            page.say(
                "The most frequent cause is {cause} on devices of type {type}; alerts of it: {n}.",
                cause=told,
                type=page.text(None, "type", page.type_name(kind)),
                n=page.count(it, "alerts of a cause", alerts),
            )
        rows.append((page.t("cause"), cause_words(cause), page.type_name(kind), alerts, incidents))
    page.table(page.heads("what", "name", "where", "alerts", "incidents"), rows)
    return page.found()


def who_was_told(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """To whom alerts went, when, and what was held back why."""
    page = Page("who_was_told", asker, now)
    page.span = None if slots.incident is not None else reading.span_of(page, slots, now, 7)
    found = reading.rows(conn, SQL["told"], reading.scope(within(slots, page), now, incident=slots.incident))
    page.dated(newest(conn))
    if slots.incident is not None:
        row = conn.execute(SQL["incident"], {"incident": slots.incident}).fetchone()
        if row is None:
            raise NotFound("incident", str(slots.incident))
        it = page.incident(slots.incident)
        title = page.text(it, "title", row[1], source="ai_incidents.title")
        page.say("This is about {incident}: {title}.", incident=it, title=title)
    else:
        it = reading.tell_scope(conn, page, slots, now)
    told = found[0][10] if found else 0
    n = page.count(it, "alerts sent", told, period=page.period, source="ai_alert_messages.state")
    people = sorted({row[3] or row[2] for row in found if row[5] == "told"})
    if page.span:
        page.say("Alerts sent about {scope}: {n} ({period}).", n=n, scope=it, period=page.about())
    else:
        page.say("Alerts sent about {scope}: {n}.", n=n, scope=it)
    if people:
        shown = ", ".join(people[:5]) + (" …" if len(people) > 5 else "")
        page.say(
            "They went to: {people}.",
            people=page.text(it, "recipients", shown, source="ai_alert_messages.address"),
        )
    elif not found:
        page.say("Nobody was told.")
    rows = [
        (
            row[0],
            row[1],
            row[3] or row[2],
            page.t(STATES[row[5]]) + (f": {page.t(WHY[row[6]])}" if row[6] in WHY else ""),
            page.when(row[7]),
        )
        for row in found
    ]
    if rows:
        page.table(page.heads("incident", "what", "who", "state", "when"), rows, found[0][9])
    return page.found()


def silenced(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What is not told now, why, until when."""
    page = Page("silenced", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(conn, SQL["silenced"], reading.scope(slots, now))
    page.dated(newest(conn))
    n = page.count(it, "silenced incidents", found[0][5] if found else 0, source="ai_suppressed")
    page.say("Incidents of {scope} that are silenced now: {n}.", n=n, scope=it)
    rows = []
    for number, title, why, begun, until, _ in found:
        rows.append(
            (number, title, page.t(WHY.get(why, why)), page.when(begun), page.when(until) if until else "")
        )
        if len(rows) <= 2:
            case = page.incident(number)
            page.say(
                "{incident} ({title}): {why}.",
                incident=case,
                title=page.text(case, "title", title),
                why=page.state(case, "why it is silenced", why, page.t(WHY.get(why, why))),
            )
    if rows:
        page.table(page.heads("incident", "what", "why", "since", "until"), rows, found[0][5])
    return page.found()


def report_recipients(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Who gets which report."""
    page = Page("report_recipients", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(
        conn, PLACES["recipients"], reading.scope(slots, now, person=slots.person and Address(slots.person))
    )
    n = page.count(it, "subscriptions", found[0][5] if found else 0, source="ai_subscriptions")
    if slots.person:
        page.say(
            "Subscriptions of {person}: {n}.", person=page.book.person(slots.person, key=slots.person), n=n
        )
    else:
        page.say("Subscriptions for {scope}: {n}.", n=n, scope=it)
    rows = [
        (email, page.t(KINDS.get(kind, kind)), of or page.t(KINDS.get(scope, scope)), mode)
        for email, kind, scope, of, mode, *_ in found
    ]
    if rows:
        page.table(page.heads("who", "report", "of", "mode"), rows, found[0][5])
    return page.found()


def last_report(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """The newest reports, with their numbers."""
    page = Page("last_report", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(conn, PLACES["reports"], reading.scope(slots, now))
    if not found:
        page.say("No report of {scope} was made yet.", scope=it)
        return page.found()
    number, kind, _, _, start, end, made, _ = found[0]
    page.dated(end)
    page.say(
        "The last report of {scope} is {id} ({kind}), made at {at}.",
        scope=it,
        id=page.text(it, "report", number, source="ai_reports.report_id"),
        kind=page.state(it, "kind of report", kind, page.t(KINDS.get(kind, kind))),
        at=page.moment(it, "made at", made),
    )
    page.say(
        "It is about the time from {start} to {end}.",
        start=page.moment(it, "begin of its period", start),
        end=page.moment(it, "end of its period", end),
    )
    page.table(
        page.heads("report", "kind", "of", "from", "to", "made"),
        [
            (
                r[0],
                page.t(KINDS.get(r[1], r[1])),
                r[3] or page.t(KINDS.get(r[2], r[2])),
                page.when(r[4]),
                page.when(r[5]),
                page.when(r[6]),
            )
            for r in found
        ],
    )
    return page.found()


def actions_taken(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What was done, and whether it helped."""
    page = Page("actions_taken", asker, now)
    page.span = None if slots.incident is not None else reading.span_of(page, slots, now, 30)
    if slots.incident is not None:
        if conn.execute(SQL["incident"], {"incident": slots.incident}).fetchone() is None:
            raise NotFound("incident", str(slots.incident))
        it = page.incident(slots.incident)
    else:
        it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(
        conn, SQL["actions"], reading.scope(within(slots, page), now, incident=slots.incident)
    )
    page.dated(newest(conn))
    total, helped, failed, unclear, waiting = found[0][9:14] if found else (0,) * 5
    n = page.count(it, "actions", total, period=page.period, source="ai_actions")
    if page.span:
        page.say("Actions recorded for {scope}: {n} ({period}).", n=n, scope=it, period=page.about())
    else:
        page.say("Actions recorded for {scope}: {n}.", n=n, scope=it)
    if found:
        page.say(
            "Of these helped: {helped}, did not help: {failed}, nobody can tell: {unclear}, not "
            "judged yet: {waiting}.",
            helped=page.count(it, "actions that helped", helped, source="ai_actions.outcome"),
            failed=page.count(it, "actions that did not help", failed),
            unclear=page.count(it, "actions of which nobody can tell", unclear),
            waiting=page.count(it, "actions not judged yet", waiting),
        )
        _, _, action, by, at, outcome, *_ = found[0]
        page.say(
            "The last one, at {at}: {action}, done by {who}.",
            at=page.moment(it, "last action", at),
            action=page.text(it, "action", action),
            who=page.text(it, "done by", by),
        )
        if outcome:
            page.say("Its outcome: {outcome}.", outcome=page.state(it, "outcome", outcome))
    rows = []
    for number, _, action, by, at, outcome, _, id_, name, *_ in found:
        if id_ is not None and name is not None:
            page.device(id_, name)
        told = page.word(outcome) if outcome else page.t("not judged yet")
        rows.append((page.when(at), name or "", number, action, by, told))
    if rows:
        page.table(
            page.heads("when", "device", "incident", "what was done", "by", "did it help"), rows, total
        )
    return page.found()


def repair_times(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How long incidents take, how long until somebody takes them, how long between failures."""
    page = Page("repair_times", asker, now)
    page.span = reading.span_of(page, slots, now, 30)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now)
    total, closed, median, mean, taken, acknowledged, _ = (
        conn.execute(SQL["repair"], given).fetchone() or (0,) * 7
    )
    page.dated(newest(conn))
    page.say(
        "Incidents of {scope} that were opened: {n}, of these closed: {closed} ({period}).",
        scope=it,
        n=page.count(it, "incidents", total, period=page.period, source="ai_incidents"),
        closed=page.count(it, "closed incidents", closed, period=page.period),
        period=page.about(),
    )
    if median is not None:
        page.say(
            "Time from opening to close: {median} in the median, {mean} on average.",
            median=page.duration(it, "median time to repair", median),
            mean=page.duration(it, "mean time to repair", mean),
        )
    if taken is not None:
        page.say(
            "Of these acknowledged: {n}, after {time} in the median.",
            n=page.count(it, "acknowledged incidents", acknowledged),
            time=page.duration(it, "median time to acknowledge", taken),
        )
    failures, devices = conn.execute(SQL["failures"], given).fetchone() or (0, 0)
    n = page.count(it, "failures", failures, period=page.period, source="ai_device_outcomes")
    if failures and slots.span and devices:
        minutes = (min(slots.span.end, now) - slots.span.start) / timedelta(minutes=1) * devices / failures
        page.say(
            "Failures: {n}; mean time of a device between failures: {time}.",
            n=n,
            time=page.duration(it, "mean time between failures", minutes),
        )
    else:
        page.say("Failures: {n}, so the time between failures is not known.", n=n)
    return page.found()


def detection_record(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What people said of incidents and anomalies: right or false."""
    page = Page("detection_record", asker, now)
    page.span = reading.span_of(page, slots, now, 30)
    slots = within(slots, page)
    it = page.everything()
    given = reading.scope(slots, now)
    right, false, unsaid, _ = conn.execute(SQL["marks"], given).fetchone() or (0, 0, 0, None)
    page.dated(newest(conn))
    page.say(
        "Incidents marked as right: {right}, as false: {false}, not judged: {unsaid} ({period}).",
        right=page.count(it, "incidents marked right", right, period=page.period, source="ai_incidents.mark"),
        false=page.count(it, "incidents marked false", false, period=page.period, source="ai_incidents.mark"),
        unsaid=page.count(it, "incidents not judged", unsaid, period=page.period),
        period=page.about(),
    )
    if right + false:
        page.say(
            "Share of what was judged that was right: {share}.",
            share=page.share(it, "incidents that were right", right / (right + false)),
        )
    else:
        page.say("Nothing was judged, so how often detection is right is not known.")
    true, wrong, total = conn.execute(SQL["anomaly_marks"], given).fetchone() or (0, 0, 0)
    page.say(
        "Anomalies: {n}, of these marked right: {right}, false: {false}.",
        n=page.count(it, "anomalies", total),
        right=page.count(it, "anomalies marked right", true),
        false=page.count(it, "anomalies marked false", wrong),
    )
    return page.found()
