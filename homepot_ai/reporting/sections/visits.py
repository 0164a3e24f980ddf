"""The maintenance of the coming days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.visits import VisitFacts, VisitsFacts
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.periods import local, start_of_day
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "visits"
CAP, SHOWN = 100, 20
DAYS = {"monthly": 31}
A_WEEK = 7


def gather(source: Source) -> VisitsFacts:
    """What is planned for the local days after the period: a week, after a month a month."""
    period = source.period
    days = DAYS.get(period.kind, A_WEEK)
    until = start_of_day(period.last_day + timedelta(days=days + 1), period.timezone)
    parameters = happened.bounds(source)
    rows = source.conn.execute(
        load(SQL)["visits"], parameters | {"from": period.end, "until": until}
    ).fetchall()
    overdue = source.conn.execute(load(SQL)["visits_overdue"], parameters).fetchone()
    visits = [visit_of(row, source) for row in rows]
    return VisitsFacts(
        until=until,
        days=days,
        visits=tuple(visits[:CAP]),
        total=len(visits),
        proposed=sum(v.state == "proposed" for v in visits),
        accepted=sum(v.state == "accepted" for v in visits),
        overdue=overdue[0] if overdue else 0,
    )


def visit_of(row: tuple[Any, ...], source: Source) -> VisitFacts:
    """A row of the plan as it is told."""
    number, device, cause, level, state, at, until, needed, zone, p, action, cost, if_not, currency, _ = row
    return VisitFacts.model_validate(
        {
            "id": number, "device": source.refs[device], "cause": clean(cause, 80),
            "level": level, "state": state, "visit_at": at, "visit_until": until, "needed_by": needed,
            "timezone": zone, "probability": None if p is None else round(p, 4),
            "action": clean(action, 200), "cost": cost, "cost_if_not": if_not, "currency": currency,
        }
    )  # fmt: skip


def state(voice: Voice, code: str) -> str:
    """What became of a proposal."""
    return {
        "proposed": voice.t("proposed"),
        "accepted": voice.t("accepted"),
        "done": voice.t("done"),
    }[code]


def level(voice: Voice, code: str) -> str:
    """A level of risk."""
    return {
        "low": voice.t("low risk"),
        "moderate": voice.t("moderate risk"),
        "high": voice.t("high risk"),
        "critical": voice.t("critical risk"),
    }[code]


def money(voice: Voice, amount: float | None, currency: str | None) -> str:
    """An amount with its currency; a dash where the rates do not say."""
    if amount is None or currency is None:
        return ABSENT
    return f"{voice.number(amount)}\N{NO-BREAK SPACE}{currency}"


def build(facts: ReportFacts, voice: Voice) -> Section:
    """A sentence and the plan, in the order of time, on each site's own clock."""
    found = facts.visits
    assert found is not None
    title = voice.term(PLUGIN.title)
    coming = voice.n("the coming {n} day", "the coming {n} days", found.days)
    said = [
        voice.t("Nothing is planned for {days}.", days=coming)
        if not found.total
        else voice.t(
            "{visits} planned for {days}: {accepted} accepted, {proposed} waiting for a decision.",
            visits=voice.n("{n} visit to a device is", "{n} visits to devices are", found.total),
            days=coming, accepted=voice.number(found.accepted), proposed=voice.number(found.proposed),
        )
    ]  # fmt: skip
    if found.overdue:
        said.append(
            voice.n(
                "{n} accepted visit is past and not noted as made.",
                "{n} accepted visits are past and not noted as made.",
                found.overdue,
            )
        )
    opening = Paragraph(" ".join(said), "lead")
    if not found.visits:
        return Section(KEY, title, (opening,), line=True)
    return Section(KEY, title, (opening, _table(facts, found, voice)))


def _table(facts: ReportFacts, found: VisitsFacts, voice: Voice) -> Table:
    headline = facts.headline.provenance if facts.headline else "real"
    with_site = facts.scope.kind not in {"site", "device"}
    shown = found.visits[:SHOWN]
    hidden = found.total - len(shown)
    costs = any(v.cost is not None or v.cost_if_not is not None for v in found.visits)
    columns = [
        Column(voice.t("When"), "visit_at_utc", 1.6, text_width=20),
        Column(voice.t("Device"), "device", 2.1, text_width=22),
        Column(voice.t("Why"), "cause", 1.9, text_width=20),
        Column(voice.t("What to do"), "action", 2.2, text_width=0),
        Column(voice.t("State"), "state", 1.1, text_width=10),
    ]
    if costs:
        columns.append(Column(voice.t("Cost"), "cost", 1.2, numeric=True, text_width=0))
    rows = []
    for v in shown:
        there, ends = local(v.visit_at, v.timezone), local(v.visit_until, v.timezone)
        cells = [
            Cell(
                f"{voice.day(there.date())} {there:%H:%M}",
                about=voice.t("until {when}", when=f"{ends:%H:%M}")
                + (f" · {v.timezone}" if v.timezone != voice.timezone else ""),
                raw=v.visit_at.isoformat(),
            ),
            Cell(
                v.device.name,
                about=say.device_about(voice, v.device, headline, with_site=with_site),
            ),
            Cell(say.cause(voice, v.cause), about=level(voice, v.level), raw=v.cause),
            Cell(voice.t(v.action), raw=v.action),
            Cell(
                state(voice, v.state),
                tone="warning" if v.state == "proposed" else "good",
                glyph="▲" if v.state == "proposed" else "●",
                raw=v.state,
            ),
        ]
        if costs:
            without = money(voice, v.cost_if_not, v.currency)
            cells.append(
                Cell(
                    money(voice, v.cost, v.currency),
                    about=voice.t("{cost} if not", cost=without) if v.cost_if_not is not None else "",
                    raw=v.cost,
                )
            )
        rows.append(tuple(cells))
    return Table(
        name="visits",
        caption=voice.t("Planned visits, on each site's own clock"),
        columns=tuple(columns),
        rows=tuple(rows),
        more=voice.n("{n} more: homepot-ai visits", "{n} more: homepot-ai visits", hidden) if hidden else "",
        in_mail=5,
    )


PLUGIN = Plugin(KEY, "Visits of the coming days", frozenset({"weekly", "monthly", "custom"}), gather, build)
