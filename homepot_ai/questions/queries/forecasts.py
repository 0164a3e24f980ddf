"""What is expected of devices, and how good such forecasts were."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from homepot_ai.incidents.signs import cause_words
from homepot_ai.language.booking import Ref
from homepot_ai.prediction import track_record
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.incidents import newest, within
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

SQL = named_sql.load("questions/sql/forecasts.sql")
#: Risks are judged every hour: older than this is said.
LATE = timedelta(hours=3)


def horizon(slots: Slots, now: datetime) -> datetime | None:
    """Until when somebody wants to know; None: they did not say."""
    return None if slots.horizon_hours is None else now + timedelta(hours=slots.horizon_hours)


def device_forecast(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How likely a device fails, what it runs into, how sure that is."""
    page = Page("device_forecast", asker, now)
    one = reading.device(conn, slots.device, now)
    it = reading.tell_device(page, one)
    row = conn.execute(SQL["risk"], {"device": one.id}).fetchone()
    if row is None:
        page.say("There is no forecast for {device} yet.", device=it)
        return page.found()
    (
        at,
        level,
        cause,
        metric,
        day,
        week,
        _,
        _,
        low,
        mid,
        high,
        life_low,
        life,
        life_high,
        refused,
        action,
    ) = row
    page.dated(at)
    if refused is not None:
        why = page.text(it, "why there is no forecast", refused, source="ai_device_risks.refused")
        page.say("Nothing can be foretold of {device}: {why}.", device=it, why=why)
        return page.found()
    risk = page.state(it, "risk", level, source="ai_device_risks.level")
    page.say("The risk of {device} is {level}.", device=it, level=risk)
    if day is not None and week is not None:
        page.say(
            "It fails with a probability of {day} within a day and of {week} within a week.",
            day=page.share(it, "probability of a failure within a day", day, source="ai_device_risks.p_24h"),
            week=page.share(
                it, "probability of a failure within a week", week, source="ai_device_risks.p_7d"
            ),
        )
    if mid is not None and metric:
        _tell_crossing(page, it, metric, low, mid, high)
    elif cause:
        told = page.book.cause(it, page.t("cause"), cause, cause_words(cause), source="ai_device_risks.cause")
        page.say("What speaks for it: {cause}.", cause=told)
    if life is not None:
        page.say(
            "Its remaining life is about {life}; with a probability of {sure} between {low} and {high}.",
            life=page.duration(it, "remaining life", life * 1440),
            low=page.duration(it, "remaining life at least", life_low * 1440),
            high=page.duration(it, "remaining life at most", life_high * 1440),
            sure=page.sure(),
        )
    if action and level != "low":
        page.say("Recommended: {action}.", action=page.text(it, "recommendation", action))
    if now - at > LATE:
        page.say("That was judged at {at}, and not again since.", at=page.moment(it, "judged", at))
    return page.found()


def _tell_crossing(page: Page, it: Ref, metric: str, low: Any, mid: Any, high: Any) -> None:
    name = page.state(it, "metric", metric, page.voice.metric(metric))
    expected = page.moment(it, "expected limit", mid, source="ai_device_risks.when_mid")
    if low is None or high is None:
        page.say(
            "{metric} of {device} reaches the limit at about {mid}.", metric=name, device=it, mid=expected
        )
        return
    page.say(
        "{metric} of {device} reaches the limit at about {mid}; with a probability of {sure} between {low} "
        "and {high}.",
        device=it,
        metric=name,
        mid=expected,
        low=page.moment(it, "limit at the earliest", low),
        high=page.moment(it, "limit at the latest", high),
        sure=page.sure(),
    )


def riskiest_devices(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Which devices are likeliest to fail or to run into a limit."""
    page = Page("riskiest_devices", asker, now)
    it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(conn, SQL["riskiest"], reading.scope(slots, now, limit=slots.n or 5))
    if not found:
        page.say("There is no forecast for any device of {scope} yet.", scope=it)
        return page.found()
    page.dated(max(row[12] for row in found))
    n = page.count(it, "devices at high risk", found[0][14], source="ai_device_risks.level")
    of = page.count(it, "devices judged", found[0][13], source="ai_device_risks")
    page.say(
        "Devices of {scope} at high or critical risk: {n} of {of} that were judged.", n=n, of=of, scope=it
    )
    rows = []
    for id_, name, site_id, site, _, level, cause, metric, week, low, high, action, _, _, _ in found:
        device = page.device(id_, name, site=page.site(site_id, site))
        what = page.voice.metric(metric) if metric else cause_words(cause) if cause else ""
        when = f"{page.when(low)} – {page.when(high)}" if low and high else ""
        rows.append((name, site, page.word(level), page.voice.percent(week), what, when, action or ""))
        if len(rows) <= 2:
            risk = page.state(device, "risk", level, source="ai_device_risks.level")
            if week is None:
                page.say("The risk of {device} is {level}.", device=device, level=risk)
            else:
                page.say(
                    "The risk of {device} is {level}; it fails within a week with a probability of {week}.",
                    device=device,
                    level=risk,
                    week=page.share(device, "probability of a failure within a week", week),
                )
    heads = page.heads("device", "site", "risk", "fails within a week", "what", "when", "do")
    page.table(heads, rows, found[0][13])
    return page.found()


def when_full(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """When a metric reaches its limit: of a device, or of all that are foreseen."""
    page = Page("when_full", asker, now)
    metric = slots.metric or "disk_percent"
    given = reading.scope(slots, now, metric=metric, horizon=horizon(slots, now))
    found = reading.rows(conn, SQL["full"], given)
    it = reading.tell_scope(conn, page, slots, now)
    name = page.state(None, "metric", metric, page.voice.metric(metric))
    if slots.device is not None:
        measured = conn.execute(reading.SQL["measures"], given).fetchone()
        if measured is None or metric not in measured[0]:
            page.say("No {metric} is measured on {device}.", metric=name, device=it)
            return page.found()
        if found:
            page.dated(found[0][4])
            _tell_crossing(page, it, metric, *found[0][5:8])
            _tell_over(conn, page, it, name, metric, slots, now)
            return page.found()
        risk = conn.execute(SQL["risk"], {"device": slots.device}).fetchone()
        if risk is None or risk[14] is not None:
            page.say("There is no forecast for {device}, so it is not known when.", device=it)
            _tell_over(conn, page, it, name, metric, slots, now)
            return page.found()
        page.dated(risk[0])
        page.say(
            "Of {device} it is not foreseen that its {metric} reaches the limit.", device=it, metric=name
        )
        _tell_over(conn, page, it, name, metric, slots, now)
        return page.found()
    page.dated(max((row[4] for row in found), default=None))
    if not found and not told_judged(conn, page, it, slots, now):
        _tell_over(conn, page, it, name, metric, slots, now)
        return page.found()
    n = page.count(it, "devices that reach the limit", found[0][8] if found else 0, source="ai_predictions")
    page.say(
        "Devices of {scope} that are foreseen to reach the limit of {metric}: {n}.",
        scope=it,
        n=n,
        metric=name,
    )
    rows = []
    for id_, device, site_id, site, _, low, mid, high, _ in found:
        ref = page.device(id_, device, site=page.site(site_id, site))
        rows.append((device, site, page.when(mid), f"{page.when(low)} – {page.when(high)}"))
        if len(rows) == 1:
            page.say(
                "{device} is the first, at about {mid}.",
                device=ref,
                mid=page.moment(ref, "expected limit", mid),
            )
    _tell_over(conn, page, it, name, metric, slots, now)
    if rows:
        page.table(page.heads("device", "site", "expected", "between"), rows, found[0][8])
    return page.found()


def told_judged(conn: Connection, page: Page, it: Ref, slots: Slots, now: datetime) -> bool:
    """When forecasts were made last, where there is nothing to tell of them; False: never, which is said."""
    at, judged, refused = conn.execute(SQL["judged"], reading.scope(slots, now)).fetchone() or (None, 0, 0)
    if at is None:
        page.say(
            "No forecast was made yet for {scope}, so what is to come is not known; the flow "
            "predict-failures makes forecasts.",
            scope=it,
        )
        return False
    page.say(
        "Forecasts for {scope} were last made at {at}; devices looked at: {n}, of these without a "
        "forecast: {refused}.",
        scope=it,
        at=page.moment(it, "last forecast", at, source="ai_device_risks.at"),
        n=page.count(it, "devices looked at", judged, source="ai_device_risks"),
        refused=page.count(it, "devices without a forecast", refused, source="ai_device_risks.refused"),
    )
    return True


def _tell_over(
    conn: Connection, page: Page, it: Ref, name: Ref, metric: str, slots: Slots, now: datetime
) -> None:
    """Who is over the limit now: that is no forecast."""
    given = reading.scope(slots, now, metric=metric, limit=5)
    found = reading.rows(conn, reading.SQL["newest"] + reading.SQL["over"], given)
    if not found:
        return
    page.dated(max(row[4] for row in found))
    if slots.device is None:
        n = page.count(it, "devices over the limit", found[0][7], source="ai_health_scores.factors")
        page.say("Devices of {scope} over the limit of {metric} now: {n}.", scope=it, metric=name, n=n)
    for id_, device, site_id, site, _, observed, limit, _ in found[:2]:
        ref = page.device(id_, device, site=page.site(site_id, site))
        page.say(
            "{metric} of {device} is {value} now, over the limit of {limit}.",
            metric=name,
            device=ref,
            value=page.measured(ref, metric, observed, source="ai_health_scores.factors"),
            limit=page.measured(ref, metric, limit, source="ai_health_scores.factors"),
        )


def prediction_record(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """How earlier forecasts came out."""
    page = Page("prediction_record", asker, now)
    page.span = reading.span_of(page, slots, now, 90)
    given = reading.scope(within(slots, page), now)
    true, averted, false, waiting, at = conn.execute(SQL["warnings"], given).fetchone() or (0, 0, 0, 0, None)
    page.dated(at, newest(conn))
    it = page.everything()
    source = "ai_risk_episodes.outcome"
    page.say(
        "Warnings ({period}): {true} came true, {averted} averted by maintenance, {false} false "
        "alarms, {waiting} not to be judged yet.",
        period=page.about(),
        true=page.count(it, "warnings that came true", true, source=source),
        averted=page.count(it, "averted failures", averted, source=source),
        false=page.count(it, "false alarms", false, source=source),
        waiting=page.count(it, "warnings not yet judged", waiting, source=source),
    )
    record = track_record.current(conn, now) if asker.sites is None else track_record.TrackRecord()
    if record.made_at is None:
        page.say("Of the daily forecasts there is no track record that could be shown here.")
        return page.found()
    page.say(
        "Daily forecasts: {n} settled, {waiting} still waiting.",
        n=page.count(it, "settled forecasts", record.settled, source="ai_prediction_rules.record"),
        waiting=page.count(it, "forecasts that wait", record.waiting),
    )
    rows = []
    for figure in record.figures:
        skill = page.voice.percent(figure.skill) if figure.skill is not None else page.t("not known")
        few = page.t("too few to say") if figure.anecdotal else ""
        rows.append((figure.forecaster, figure.horizon, figure.n, figure.happened, skill, few))
    if rows:
        page.table(
            page.heads("forecaster", "horizon", "forecasts", "failures", "better than the base rate", "note"),
            rows,
        )
    return page.found()
