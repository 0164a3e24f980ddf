"""How homepot-ai itself is, and what can be asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from homepot_ai.questions.catalogue import intents
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.places import SQL
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.reporting.voice import message
from homepot_ai.store.database import Connection

#: Scoring is late from here on.
LATE = timedelta(minutes=3)
STATES = {"ok": message("ok"), "degraded": message("degraded"), "down": message("down")}
FIRST = ("device_status", "worst_devices", "why_unhealthy", "maintenance_due")


def own_health(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How late scoring is, when risks were judged, which service is not well."""
    page = Page("own_health", asker, now)
    (at,) = conn.execute(SQL["last_scored"], {"now": now}).fetchone() or (None,)
    page.dated(at)
    if at is None:
        page.say("No minute has been scored yet.")
    else:
        late = page.duration(None, "age of the newest score", max(0.0, (now - at).total_seconds() / 60))
        if now - at <= LATE:
            page.say("Scoring is up to date: the newest minute is {age} old.", age=late)
        else:
            page.say("Scoring is late: the newest minute is {age} old.", age=late)
    _, _, seconds = conn.execute(SQL["own"], {"now": now}).fetchone() or (None, None, None)
    if seconds is not None:
        told = page.book.value(
            None, page.t("time to score a minute"), seconds, f"{page.voice.number(seconds, 1)} s"
        )
        page.say("Within the last hour a minute took {time} to score.", time=told)
    (judged,) = conn.execute(SQL["risks_at"]).fetchone() or (None,)
    if judged is not None:
        page.say("Forecasts were made at {at}.", at=page.moment(None, "forecasts made", judged))
    services = reading.rows(conn, SQL["services"], {})
    if services:
        ill = [row for row in services if row[1] != "ok"]
        page.say(
            "Services that are not well: {ill} of {n}.",
            n=page.count(None, "services", len(services)),
            ill=page.count(None, "services that are not well", len(ill)),
        )
        for service, state, detail, _ in ill[:2]:
            page.say(
                "Service {service}, {state}: {detail}.",
                service=page.text(None, "service", service),
                state=page.state(None, "state", state, page.t(STATES[state])),
                detail=page.text(None, "what was seen", detail),
            )
        page.table(
            page.heads("service", "state", "what was seen", "when"),
            [(s, page.t(STATES[state]), detail, page.when(when)) for s, state, detail, when in services],
        )
    return page.found()


def help(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Every question with an example."""
    page = Page("help", asker, now)
    known = intents()
    examples = "; ".join(f"“{known[key].shown(asker.language)}”" for key in FIRST)
    page.say(
        "Kinds of questions that can be asked here: {n}, for example {examples}.",
        n=page.count(None, "questions", len(known), source="catalogue"),
        examples=page.text(None, "examples", examples),
    )
    page.table(
        page.heads("question", "for example"),
        [(one.title[asker.language], one.shown(asker.language)) for one in known.values()],
    )
    return page.found()
