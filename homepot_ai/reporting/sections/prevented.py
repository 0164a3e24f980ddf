"""Warnings that came true, were averted, or were false; and failures that nothing had warned of."""

from __future__ import annotations

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table, Tone
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.prevented import PreventedFacts, WarningFacts
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.sections.visits import level
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "prevented"
CAP, SHOWN = 100, 12
_ORDER = ("averted", "came_true", "false_alarm", "censored")


def gather(source: Source) -> PreventedFacts:
    """Warnings settled in the period and failures in it; headline class."""
    parameters = happened.bounds(source)
    rows = source.conn.execute(load(SQL)["settled_warnings"], parameters).fetchall()
    failures = source.conn.execute(load(SQL)["failures"], parameters).fetchone()
    assert failures is not None
    warnings = [
        WarningFacts(
            device=source.refs[device], cause=clean(cause, 80), level=level_, raised_at=raised,
            outcome=outcome, happened_at=happened_at, settled_at=settled,
        )
        for device, cause, level_, raised, outcome, happened_at, settled in rows
    ]  # fmt: skip
    warnings.sort(key=lambda w: (_ORDER.index(w.outcome), w.settled_at, w.device.id, w.cause))
    outcomes = [w.outcome for w in warnings]
    return PreventedFacts(
        warnings=tuple(warnings[:CAP]),
        total=len(warnings),
        came_true=outcomes.count("came_true"),
        averted=outcomes.count("averted"),
        false_alarms=outcomes.count("false_alarm"),
        censored=outcomes.count("censored"),
        failures=failures[0],
        unwarned=failures[1],
    )


def build(facts: ReportFacts, voice: Voice) -> Section:
    """A sentence and the warnings."""
    found = facts.prevented
    assert found is not None
    title = voice.term(PLUGIN.title)
    said = [
        voice.t(
            "{warnings}: {averted} averted by a visit, {true} true, {false} false, {censored} "
            "not to be told.",
            warnings=voice.n("{n} warning was settled", "{n} warnings were settled", found.total),
            averted=voice.number(found.averted), true=voice.number(found.came_true),
            false=voice.number(found.false_alarms), censored=voice.number(found.censored),
        )
        if found.total
        else voice.t("No warning was settled in this period.")
    ]  # fmt: skip
    if found.failures:
        said.append(
            voice.t(
                "Of {failures} {unwarned} came without a warning.",
                failures=voice.n("{n} failure", "{n} failures", found.failures),
                unwarned=voice.number(found.unwarned),
            )
        )
    opening = Paragraph(" ".join(said), "lead")
    if not found.warnings:
        return Section(KEY, title, (opening,), line=True)
    shown = found.warnings[:SHOWN]
    hidden = found.total - len(shown)
    headline = facts.headline.provenance if facts.headline else "real"
    with_site = facts.scope.kind not in {"site", "device"}
    table = Table(
        name="warnings",
        caption=voice.t("Warnings that were settled"),
        columns=(
            Column(voice.t("Device"), "device", 2.1, text_width=20),
            Column(voice.t("Warned of"), "cause", 2.0, text_width=20),
            Column(voice.t("On"), "raised_at_utc", 1.2, text_width=14),
            Column(voice.t("What became of it"), "outcome", 2.4, text_width=18),
        ),
        rows=tuple(
            (
                Cell(w.device.name, about=say.device_about(voice, w.device, headline, with_site=with_site)),
                Cell(say.cause(voice, w.cause), about=level(voice, w.level), raw=w.cause),
                Cell(voice.clock(w.raised_at), raw=w.raised_at.isoformat()),
                _outcome(w, voice),
            )
            for w in shown
        ),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=4,
    )
    note = voice.t(
        "Averted: a visit was made and no failure followed. That it would have come otherwise, nobody knows."
    )
    return Section(KEY, title, (opening, table, Paragraph(note, "note")))


def _outcome(warning: WarningFacts, voice: Voice) -> Cell:
    tones: dict[str, Tone] = {
        "averted": "good", "came_true": "info", "false_alarm": "warning", "censored": "muted",
    }  # fmt: skip
    words = {
        "averted": voice.t("averted by a visit"),
        "came_true": voice.t("came true"),
        "false_alarm": voice.t("false"),
        "censored": voice.t("cannot be told"),
    }
    about = ""
    if warning.outcome == "came_true" and warning.happened_at is not None:
        ahead = voice.duration((warning.happened_at - warning.raised_at).total_seconds() / 60)
        about = voice.t("warned {ahead} ahead", ahead=ahead)
    return Cell(words[warning.outcome], about=about, tone=tones[warning.outcome], raw=warning.outcome)


PLUGIN = Plugin(KEY, "What was prevented", frozenset({"monthly", "custom"}), gather, build)
