"""Which visits are planned, what they cost and spare, what downtime has cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from homepot_ai.language.booking import Ref
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.forecasts import SQL, horizon, told_judged
from homepot_ai.questions.queries.incidents import incidents, newest, tell_incident, within
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.store.database import Connection


def _visits(conn: Connection, slots: Slots, now: datetime) -> list[tuple[Any, ...]]:
    given = reading.scope(slots, now, horizon=horizon(slots, now))
    return reading.rows(conn, SQL["visits"], given)


def maintenance_due(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which visits are planned, when, why."""
    page = Page("maintenance_due", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = _visits(conn, slots, now)
    page.dated(newest(conn))
    n = page.count(it, "planned visits", found[0][16] if found else 0, source="ai_maintenance_schedule")
    until = horizon(slots, now)
    if until is not None:
        page.say(
            "Visits proposed or accepted for {scope} until {until}: {n}.",
            n=n,
            scope=it,
            until=page.moment(it, "until", until),
        )
    else:
        page.say("Visits proposed or accepted for {scope}: {n}.", n=n, scope=it)
    if not found:
        told_judged(conn, page, it, slots, now)
    _tell_critical(conn, page, it, slots, now)
    rows = []
    for _, id_, name, site_id, site, at, _, needed, state, reason, action, _, _, _, _, _, _ in found:
        device = page.device(id_, name, site=page.site(site_id, site))
        rows.append((page.when(at), site, name, page.word(state), page.when(needed), reason, action))
        if len(rows) <= 2:
            page.say(
                "{device}: {state} for {at}; the reason given: {reason}.",
                device=device,
                state=page.state(device, "state of the visit", state),
                at=page.moment(device, "visit", at, source="ai_maintenance_schedule.visit_at"),
                reason=page.text(device, "reason", reason),
            )
    if rows:
        heads = page.heads("when", "site", "device", "state", "needed by", "why", "do")
        page.table(heads, rows, found[0][16])
    return page.found()


def _tell_critical(conn: Connection, page: Page, it: Ref, slots: Slots, now: datetime) -> None:
    """What cannot wait for a visit."""
    grave = incidents(conn, replace(slots, severity="critical"), now, open=True)
    if not grave:
        return
    n = page.count(it, "open critical incidents", grave[0][15], source="ai_incidents")
    page.say("Open critical incidents of {scope}: {n}.", scope=it, n=n)
    for row in grave[:2]:
        tell_incident(page, row)


def visit_cost(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What planned visits cost, and what it would cost not to go: from configured rates only."""
    page = Page("visit_cost", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = _visits(conn, slots, now)
    page.dated(newest(conn))
    n = page.count(it, "planned visits", found[0][16] if found else 0, source="ai_maintenance_schedule")
    page.say("Visits proposed or accepted for {scope}: {n}.", n=n, scope=it)
    sums: dict[str, list[float]] = {}
    for row in found:
        if row[12] is not None and row[14]:
            kept = sums.setdefault(row[14], [0.0, 0.0])
            kept[0] += row[12]
            kept[1] += row[13] or 0.0
    for currency, (cost, other) in sorted(sums.items()):
        page.say(
            "The visits cost about {cost}; not to go is expected to cost {other}.",
            cost=page.money(it, "cost of the visits", cost, currency, source="ai_maintenance_schedule.cost"),
            other=page.money(it, "cost without the visits", other, currency),
        )
    unpriced = sum(row[12] is None for row in found)
    if unpriced:
        told = page.count(it, "visits without a cost", unpriced)
        page.say(
            "Visits whose cost is not known, because no rates are configured for their sites: {n}.", n=told
        )
    page.table(
        page.heads("when", "site", "device", "cost", "cost if not"),
        [
            (
                page.when(r[5]),
                r[4],
                r[2],
                "" if r[12] is None else f"{page.voice.number(r[12])} {r[14]}",
                "" if r[13] is None else f"{page.voice.number(r[13])} {r[14]}",
            )
            for r in found
        ],
    )
    return page.found()


def downtime_cost(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """What failures of a span cost: hours down, by the site's own rate."""
    page = Page("downtime_cost", asker, now)
    page.span = reading.span_of(page, slots, now, 30)
    slots = within(slots, page)
    it = reading.tell_scope(conn, page, slots, now)
    given = reading.scope(slots, now)
    if slots.device is not None:
        given["site"] = reading.device(conn, slots.device, now).site_id
    down = {row[0]: row[1:] for row in reading.rows(conn, SQL["downtime"], given)}
    rates = reading.rows(conn, SQL["rates"], given)
    page.dated(newest(conn))
    failures = sum(int(count) for count, _ in down.values())
    minutes = sum(float(lost or 0) for _, lost in down.values())
    page.say(
        "Known failures of {scope}: {n}, in all {duration} long ({period}).",
        n=page.count(it, "failures", failures, period=page.period, source="ai_device_outcomes"),
        scope=it,
        duration=page.duration(it, "time down", minutes, period=page.period),
        period=page.about(),
    )
    reading.tell_known(page, it, (conn.execute(SQL["known"], given).fetchone() or (None,))[0])
    sums: dict[str, float] = {}
    without, rows = 0, []
    for site_id, site, configured in rates:
        count, lost = down.get(site_id, (0, 0.0))
        rate = (configured or {}).get("downtime_hour")
        if rate is None:
            without += 1
            rows.append((site or "", count, page.voice.duration(float(lost or 0)), page.t("no rate")))
            continue
        currency, cost = str(configured["currency"]), float(lost or 0) / 60 * float(rate)
        sums[currency] = sums.get(currency, 0.0) + cost
        rows.append(
            (
                site or "",
                count,
                page.voice.duration(float(lost or 0)),
                f"{page.voice.number(cost)} {currency}",
            )
        )
    for currency, cost in sorted(sums.items()):
        page.say(
            "By the configured rates that cost {cost}.",
            cost=page.money(it, "cost of downtime", cost, currency, period=page.period),
        )
    if without:
        page.say(
            "Sites without a rate for downtime, where the cost is not known: {n}.",
            n=page.count(it, "sites without a rate", without),
        )
    page.table(page.heads("site", "failures", "time down", "cost"), rows)
    return page.found()
