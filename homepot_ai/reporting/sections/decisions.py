"""What waits for a decision, the most urgent first."""

from __future__ import annotations

from datetime import UTC, datetime

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table, Tone
from homepot_ai.reporting.facts import Provenance, ReportFacts, Severity
from homepot_ai.reporting.facts.decisions import Decision, DecisionsFacts
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.sections import recurring
from homepot_ai.reporting.sections.visits import level, money, visit_of
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "decisions"
CAP, SHOWN = 50, 10
#: So often in one period, and nothing done: somebody must decide.
TOO_OFTEN = 3
_WEIGHT = {"critical": 0, "warning": 1, "info": 2}
_RISK: dict[str, Severity] = {"critical": "critical", "high": "warning", "moderate": "info", "low": "info"}
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


def gather(source: Source) -> DecisionsFacts:
    """Incidents nobody took up, proposals, risks without a visit, silent devices, faults that come back."""
    found = [*_incidents(source), *_visits(source), *_risks(source), *_silent(source), *_recurring(source)]
    found.sort(key=lambda d: (_WEIGHT[d.severity], d.until or _FAR, d.since or _FAR, d.kind, d.number or 0))
    return DecisionsFacts(decisions=tuple(found[:CAP]), total=len(found))


def _incidents(source: Source) -> list[Decision]:
    return [
        Decision(
            kind="incident", severity=t.severity, device=happened.device_of(t, source.refs),
            incident=happened.facts_of(t, source), number=t.id, cause=clean(t.cause, 80), since=t.opened_at,
        )
        for t in happened.troubles(source)
        if t.headline and t.open_at(source.period.end) and t.closed_at is None
        and t.acknowledged_at is None and t.severity != "info"
    ]  # fmt: skip


def _visits(source: Source) -> list[Decision]:
    rows = source.conn.execute(load(SQL)["proposals"], happened.bounds(source)).fetchall()
    decisions = []
    for row in rows:
        v = visit_of(row, source)
        decisions.append(
            Decision(
                kind="visit", severity=_RISK[v.level], device=v.device, number=v.id, cause=v.cause,
                since=row[-1], until=v.needed_by or v.visit_at, probability=v.probability, cost=v.cost,
                cost_if_not=v.cost_if_not, currency=v.currency,
            )
        )  # fmt: skip
    return decisions


def _risks(source: Source) -> list[Decision]:
    rows = source.conn.execute(load(SQL)["risks_without_visit"], happened.bounds(source))
    return [
        Decision(
            kind="risk", severity=_RISK[risk], device=source.refs[device], cause=clean(cause, 80),
            since=raised, until=due, probability=None if p is None else round(p, 4),
        )
        for device, cause, risk, raised, due, p in rows
    ]  # fmt: skip


def _silent(source: Source) -> list[Decision]:
    """Devices that were judged and never heard of in all the period: repaired, or taken off the list."""
    main = set(source.main)
    silent = []
    for device in source.roster.devices:
        day = source.today.devices.get(device.id)
        if device.id in main and day is not None and day.judged and not day.with_data:
            silent.append(
                Decision(
                    kind="silent", severity="warning", device=source.refs[device.id], cause="silent",
                    since=source.period.start,
                )
            )  # fmt: skip
    return silent


def _recurring(source: Source) -> list[Decision]:
    return [
        Decision(
            kind="recurring", severity=fault.last.severity, device=fault.last.device, incident=fault.last,
            number=fault.last.id, cause=fault.last.cause, since=fault.first_at, times=fault.times,
        )
        for fault in recurring.gather(source).faults
        if fault.times >= TOO_OFTEN and not fault.actions
    ]  # fmt: skip


def build(facts: ReportFacts, voice: Voice) -> Section:
    """One row per decision: what, about what, why, until when."""
    found = facts.decisions
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.total:
        said = voice.t("Nothing waits for a decision.")
        return Section(KEY, title, (Paragraph(said),), line=True)
    shown = found.decisions[:SHOWN]
    hidden = found.total - len(shown)
    headline: Provenance = facts.headline.provenance if facts.headline else "real"
    with_site = facts.scope.kind not in {"site", "device"}
    table = Table(
        name="decisions",
        caption=voice.t("What waits for a decision, the most urgent first"),
        columns=(
            Column(voice.t("To decide"), "decision", 2.4, text_width=30),
            Column(voice.t("About"), "device", 2.0, text_width=22),
            Column(voice.t("Why"), "why", 2.8, text_width=0),
            Column(voice.t("Until"), "until_utc", 1.3, text_width=16),
        ),
        rows=tuple(_row(d, headline, with_site, voice) for d in shown),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=SHOWN,
    )
    lead = voice.n("{n} thing waits for a decision.", "{n} things wait for a decision.", found.total)
    return Section(KEY, title, (Paragraph(lead, "lead"), table))


def _row(d: Decision, headline: Provenance, with_site: bool, voice: Voice) -> tuple[Cell, ...]:
    tone: Tone = "critical" if d.severity == "critical" else "warning" if d.severity == "warning" else "info"
    about = say.device_about(voice, d.device, headline, with_site=with_site) if d.device else ""
    name = d.device.name if d.device else say.who(voice, d.incident) if d.incident else ABSENT
    until = Cell(voice.t("now"), tone=tone, raw="")
    if d.until is not None:
        until = Cell(voice.clock(d.until), raw=d.until.isoformat())
    elif d.severity == "info":
        until = Cell(ABSENT, raw="")
    return (
        Cell(asked(d, voice), glyph=say.GLYPH[d.severity], tone=tone, strong=True, raw=d.kind),
        Cell(name, about=about),
        Cell(why(d, voice)),
        until,
    )


def asked(d: Decision, voice: Voice) -> str:
    """The decision as a request."""
    return {
        "incident": voice.t("Who takes this incident up?"),
        "visit": voice.t("Accept or decline the visit"),
        "risk": voice.t("Plan a visit"),
        "silent": voice.t("Repair it, or take it off the list"),
        "recurring": voice.t("Have the cause mended"),
    }[d.kind]


def why(d: Decision, voice: Voice) -> str:
    """What speaks for it, with its numbers."""
    cause = say.cause(voice, d.cause or "")
    parts = [cause]
    if d.kind == "incident" and d.since is not None:
        parts = [voice.t("{cause}, open since {when}", cause=cause, when=voice.clock(d.since))]
    elif d.kind == "silent":
        parts = [voice.t("not heard of in all the period")]
    elif d.kind == "recurring" and d.times is not None:
        times = voice.n("{n} time", "{n} times", d.times)
        parts = [
            voice.t(
                "{cause}, {times} in the period, and nothing is recorded as done", cause=cause, times=times
            )
        ]
    elif d.kind == "risk":
        parts = [voice.t("{cause}; {level}, and no visit is planned", cause=cause, level=_level(d, voice))]
    if d.probability is not None:
        share = voice.percent(d.probability, 0)
        parts.append(voice.t("{share} probability of a failure", share=share))
    if d.cost is not None:
        cost = money(voice, d.cost, d.currency)
        said = voice.t("costs {cost}", cost=cost)
        if d.cost_if_not is not None:
            without = money(voice, d.cost_if_not, d.currency)
            said = voice.t("costs {cost}, expected without it {without}", cost=cost, without=without)
        parts.append(said)
    return "; ".join(parts)


def _level(d: Decision, voice: Voice) -> str:
    return level(voice, "critical" if d.severity == "critical" else "high")


PLUGIN = Plugin(KEY, "Decisions to take", frozenset({"weekly", "monthly", "custom"}), gather, build)
