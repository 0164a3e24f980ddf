"""What is wrong, what was, what it was like before, and what to do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from homepot_ai.errors import NotFound
from homepot_ai.incidents.signs import cause_words
from homepot_ai.language.booking import Ref
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

SQL = named_sql.load("questions/sql/incidents.sql")
#: A shorter silence of an open incident is none.
QUIET = timedelta(minutes=5)


def incidents(
    conn: Connection,
    slots: Slots,
    now: datetime,
    *,
    open: bool,
    unseen: bool = False,
    recurring: bool = False,
) -> list[tuple[Any, ...]]:
    """Incidents of a scope, the gravest first."""
    given = reading.scope(
        slots,
        now,
        severity=slots.severity,
        category=slots.category,
        open=open,
        unseen=unseen,
        recurring=recurring,
    )
    return reading.rows(conn, SQL["of_scope"], given)


def list_incidents(page: Page, found: list[tuple[Any, ...]]) -> None:
    """The table of incidents."""
    rows = []
    for row in found:
        state = page.word(row[3]) + (f", {page.t('flapping')}" if row[12] and row[3] != "closed" else "")
        rows.append((row[0], row[1], page.word(row[2]), state, page.when(row[4]), row[9] or ""))
    if rows:
        heads = page.heads("incident", "what", "severity", "state", "opened", "acknowledged by")
        page.table(heads, rows, found[0][15])


def open_incidents(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What is open."""
    page = Page("open_incidents", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = incidents(conn, slots, now, open=True)
    total, grave = (found[0][15], found[0][16]) if found else (0, 0)
    page.dated(newest(conn))
    n = page.count(it, "open incidents", total, source="ai_incidents")
    if slots.severity or slots.category:
        kind = page.text(it, "kind", " ".join(page.word(w) for w in (slots.severity, slots.category) if w))
        page.say("Open incidents of {scope} ({kind}): {n}.", n=n, kind=kind, scope=it)
    else:
        critical = page.count(it, "critical incidents", grave, source="ai_incidents")
        page.say(
            "Open incidents of {scope}: {n}, of these critical: {critical}.",
            n=n,
            scope=it,
            critical=critical,
        )
    for row in found[:2]:
        tell_incident(page, row)
    list_incidents(page, found)
    return page.found()


def tell_incident(page: Page, row: tuple[Any, ...]) -> None:
    """One open incident of a list, in a sentence."""
    case = page.incident(row[0])
    page.say(
        "{incident}, open since {since}: {title}.",
        incident=case,
        since=page.moment(case, "open since", row[4], source="ai_incidents.opened_at"),
        title=page.text(case, "title", row[1], source="ai_incidents.title"),
    )


def past_incidents(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What incidents opened in a span."""
    page = Page("past_incidents", asker, now)
    page.span = reading.span_of(page, slots, now, 30)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    found = incidents(conn, slots, now, open=False)
    page.dated(newest(conn))
    total, grave = (found[0][15], found[0][16]) if found else (0, 0)
    still = sum(row[3] != "closed" for row in found)
    page.say(
        "Incidents of {scope} that were opened: {n}, of these critical: {critical} ({period}).",
        n=page.count(it, "incidents", total, period=page.period, source="ai_incidents"),
        scope=it,
        period=page.about(),
        critical=page.count(it, "critical incidents", grave, period=page.period),
    )
    if found:
        page.say("Of these still open: {n}.", n=page.count(it, "incidents still open", still))
        _tell_last(page, found)
    list_incidents(page, found)
    return page.found()


def _tell_last(page: Page, found: list[tuple[Any, ...]]) -> None:
    last = max(found, key=lambda row: (row[4], row[0]))
    case = page.incident(last[0])
    page.say(
        "The last one was {incident}, opened {at}: {title}.",
        incident=case,
        at=page.moment(case, "opened", last[4], source="ai_incidents.opened_at"),
        title=page.text(case, "title", last[1], source="ai_incidents.title"),
    )


def flapping_devices(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What comes back again and again."""
    page = Page("flapping_devices", asker, now)
    page.span = reading.span_of(page, slots, now, 7)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    found = incidents(conn, slots, now, open=False, recurring=True)
    page.dated(newest(conn))
    n = page.count(
        it,
        "incidents that came back",
        found[0][15] if found else 0,
        period=page.period,
        source="ai_incidents.recurrence",
    )
    page.say(
        "Incidents of {scope} that had been there before or kept flapping: {n} ({period}).",
        n=n,
        scope=it,
        period=page.about(),
    )
    for row in found[:2]:
        case = page.incident(row[0])
        times = page.count(case, "recurrences", row[13], source="ai_incidents.recurrence")
        title = page.text(case, "title", row[1], source="ai_incidents.title")
        page.say(
            "Times that {incident} had come before: {times} ({title}).",
            incident=case,
            times=times,
            title=title,
        )
    list_incidents(page, found)
    return page.found()


def incident_details(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """One incident from its beginning to now."""
    page = Page("incident_details", asker, now)
    row, case, where = _case(conn, page, _number(conn, slots, now))
    page.say(
        "{incident}: {title}.",
        incident=case,
        title=page.text(case, "title", row[1], source="ai_incidents.title"),
    )
    state = page.state(case, "state", row[3], source="ai_incidents.state")
    severity = page.state(case, "severity", row[2], source="ai_incidents.severity")
    since = page.moment(case, "opened", row[4], source="ai_incidents.opened_at")
    page.say(
        "Its state: {state}; its severity: {severity}; opened {since}.",
        state=state,
        severity=severity,
        since=since,
    )
    if where is not None:
        page.say("It is about {device}.", device=where)
    cause = page.book.cause(case, page.t("cause"), row[15], cause_words(row[15]), source="ai_incidents.cause")
    devices = page.count(case, "devices", row[17], source="ai_incidents.peak_devices")
    page.say("What was seen: {cause}; devices at once, at most: {n}.", cause=cause, n=devices)
    _tell_end(page, case, row)
    heads = page.heads("when", "what", "who", "comment")
    history = reading.rows(conn, SQL["history"], {"incident": row[0]})
    # What an investigation wrote may quote incidents of other sites.
    page.table(
        heads,
        [
            (page.when(at), kind.replace("_", " "), actor, "" if kind == "investigated" else comment or "")
            for at, kind, actor, comment in history
        ],
    )
    return page.found()


def _tell_end(page: Page, case: Ref, row: tuple[Any, ...]) -> None:
    if row[11] is not None:
        who = page.text(case, "acknowledged by", row[10] or page.t("somebody"))
        page.say(
            "It was acknowledged by {who} at {at}.",
            who=who,
            at=page.moment(case, "acknowledged at", row[11], source="ai_incidents.acknowledged_at"),
        )
    elif row[3] != "closed":
        page.say("Nobody has acknowledged it.")
    if row[5] is not None:
        lasted = page.duration(case, "duration", (row[5] - row[4]).total_seconds() / 60)
        page.say(
            "It was closed at {at}, after {duration}.",
            at=page.moment(case, "closed at", row[5], source="ai_incidents.closed_at"),
            duration=lasted,
        )
        if row[13]:
            page.say(
                "How it ended: {resolution}.",
                resolution=page.text(case, "resolution", row[13], source="ai_incidents.resolution"),
            )
    elif row[23] is not None and page.now - row[23] >= QUIET:
        page.say(
            "Nothing more was seen of it since {at}; it is still open.",
            at=page.moment(case, "quiet since", row[23]),
        )
    if row[21] is not None and row[21] > page.now and row[3] != "closed":
        page.say("It is snoozed until {until}.", until=page.moment(case, "snoozed until", row[21]))


def similar_incidents(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Past incidents that were like this one, and how they ended."""
    page = Page("similar_incidents", asker, now)
    number = _number(conn, slots, now)
    if number is None:
        return _no_incident(conn, page, slots, now)
    row, case, _ = _case(conn, page, number)
    found = reading.rows(conn, SQL["investigated"], {"incident": number})
    found = found or reading.rows(conn, SQL["alike"], {"incident": number})
    n = page.count(case, "similar past incidents", len(found), source="ai_incident_patterns")
    title = page.text(case, "title", row[1], source="ai_incidents.title")
    page.say("Past incidents known to be like {incident} ({title}): {n}.", n=n, incident=case, title=title)
    rows = []
    for past, alike, _, resolution, outcome, at in found:
        held = page.word(outcome) if outcome in ("held", "came_back") else page.t("not known")
        likeness = page.voice.percent(alike, 0) if alike is not None else ""
        rows.append((past, page.when(at), likeness, resolution or page.t("it ended by itself"), held))
    if rows:
        page.table(page.heads("incident", "when", "alike", "how it ended", "did it hold"), rows)
        past, _, _, resolution, outcome, at = found[0]
        other = page.incident(past)
        opened = page.moment(other, "opened", at, source="ai_incident_patterns.happened_at")
        if resolution:
            page.say(
                "The nearest is {incident} of {at}; how it ended: {resolution}.",
                incident=other,
                at=opened,
                resolution=page.text(other, "resolution", resolution),
            )
        else:
            page.say("The nearest is {incident} of {at}; it ended by itself.", incident=other, at=opened)
        if outcome in ("held", "came_back"):
            page.say("Afterwards: {outcome}.", outcome=page.state(other, "outcome", outcome))
    return page.found()


def what_to_do(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What helped before in such a case; what the forecast recommends."""
    page = Page("what_to_do", asker, now)
    number = _number(conn, slots, now)
    told = False
    if number is not None:
        row, case, _ = _case(conn, page, number)
        title = page.text(case, "title", row[1], source="ai_incidents.title")
        state = page.state(case, "state", row[3], source="ai_incidents.state")
        page.say("This is about {incident} ({state}): {title}.", incident=case, state=state, title=title)
        for action, helped, judged, times, _ in reading.rows(conn, SQL["advice"], {"incident": number}):
            told = True
            done = page.text(case, "what was done before", action, source="ai_actions.action")
            if judged:
                page.say(
                    "In incidents like it this was done: {action}; it helped in {helped} of "
                    "{judged} judged cases.",
                    action=done,
                    helped=page.count(case, "cases it helped", helped),
                    judged=page.count(case, "cases judged", judged),
                )
            else:
                page.say(
                    "In incidents like it this was done: {action} (times: {n}); whether it helped "
                    "is not known.",
                    action=done,
                    n=page.count(case, "times", times),
                )
        told = _tell_remedy(conn, page, number, told) or told
    elif slots.device is not None:
        one = reading.device(conn, slots.device, now)
        page.say("No incident of {device} is known.", device=reading.tell_device(page, one))
    if slots.device is not None:
        risk = conn.execute(SQL["risk_action"], {"device": slots.device}).fetchone()
        if risk is not None:
            told = True
            page.say(
                "The forecast recommends: {action}.",
                action=page.text(None, "recommendation", risk[0], source="ai_device_risks.action"),
            )
    if not told:
        page.say("No action that helped is known; record what helps, so that it is known the next time.")
    return page.found()


def _tell_remedy(conn: Connection, page: Page, number: int, known: bool) -> bool:
    """How incidents ended that were found to be like this one, and what is written about it.

    What did not hold is no remedy. Where an action is `known` that helped, only the nearest is told.
    """
    alike = reading.rows(conn, SQL["investigated"], {"incident": number})
    alike = alike or reading.rows(conn, SQL["alike"], {"incident": number})
    remedies = [row for row in alike if row[3] and row[4] != "came_back"]
    remedies.sort(key=lambda row: row[4] != "held")
    for past, _, _, resolution, outcome, at in remedies[: 1 if known else 2]:
        other = page.incident(past)
        opened = page.moment(other, "opened", at, source="ai_incident_patterns.happened_at")
        done = page.text(
            other, "resolution", resolution.rstrip("."), source="ai_incident_patterns.resolution"
        )
        if outcome == "held":
            page.say(
                "{incident} of {at} was like it; how it ended: {resolution}; that held.",
                incident=other,
                at=opened,
                resolution=done,
            )
        else:
            page.say(
                "{incident} of {at} was like it; how it ended: {resolution}; whether that held is not known.",
                incident=other,
                at=opened,
                resolution=done,
            )
    page_to_read = conn.execute(SQL["to_read"], {"incident": number}).fetchone()
    if page_to_read is not None:
        path, heading, leaf = page_to_read
        where = path if leaf is None else page.t("{path}, page {n}", path=path, n=leaf)
        page.say(
            "About it one can read: {page}.",
            page=page.text(None, "page to read", f"{where} ({heading})" if heading else where),
        )
    return bool(remedies or page_to_read)


def who_acknowledged(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Who took an incident, or which nobody took."""
    page = Page("who_acknowledged", asker, now)
    number = _number(conn, slots, now)
    if number is not None:
        row, case, _ = _case(conn, page, number)
        title = page.text(case, "title", row[1], source="ai_incidents.title")
        state = page.state(case, "state", row[3], source="ai_incidents.state")
        page.say("{incident} ({title}): {state}.", incident=case, title=title, state=state)
        _tell_end(page, case, row)
        if row[12]:
            page.say(
                "It was closed by {who}.",
                who=page.text(case, "closed by", row[12], source="ai_incidents.closed_by"),
            )
        return page.found()
    if slots.device is not None:
        return _no_incident(conn, page, slots, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = incidents(conn, slots, now, open=True, unseen=True)
    page.dated(newest(conn))
    n = page.count(
        it, "incidents that nobody acknowledged", found[0][15] if found else 0, source="ai_incidents"
    )
    page.say("Open incidents of {scope} that nobody acknowledged: {n}.", n=n, scope=it)
    for row in found[:2]:
        tell_incident(page, row)
    list_incidents(page, incidents(conn, slots, now, open=True))
    return page.found()


def _number(conn: Connection, slots: Slots, now: datetime) -> int | None:
    """The incident that was named, or the device's open or newest one."""
    if slots.incident is not None or slots.device is None:
        return slots.incident
    row = conn.execute(SQL["newest_of_device"], {"device": slots.device, "now": now}).fetchone()
    return None if row is None else int(row[0])


def _case(conn: Connection, page: Page, number: int | None) -> tuple[tuple[Any, ...], Ref, Ref | None]:
    row = conn.execute(SQL["incident"], {"incident": number}).fetchone()
    if row is None:
        raise NotFound("incident", str(number))
    page.dated(row[26])
    case = page.incident(row[0])
    where = None
    if row[8] is not None and row[9] is not None:
        where = reading.tell_device(page, reading.device(conn, row[8], page.now))
    # Their states are read with those of all devices of the answer.
    for id_, name in reading.rows(conn, SQL["members"], {"incident": number}):
        page.device(id_, name)
    return row, case, where


def _no_incident(conn: Connection, page: Page, slots: Slots, now: datetime) -> Found:
    it = reading.tell_scope(conn, page, slots, now)
    page.say("No incident of {device} is known.", device=it)
    return page.found()


def within(slots: Slots, page: Page) -> Slots:
    """The slots with the page's span."""
    return replace(slots, span=page.span)


def newest(conn: Connection) -> datetime | None:
    """Up to when incidents are known: the newest scored minute."""
    row = conn.execute(reading.SQL["scored_until"]).fetchone()
    return None if row is None else row[0]
