"""Actions that were taken, and whether they held; and what helps in the fleet's whole record."""

from __future__ import annotations

from datetime import timedelta

from homepot_ai.memory import effect
from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.actions import ActionFacts, ActionsFacts, EffectFacts
from homepot_ai.reporting.happened import BY_CAP, RESOLUTION_CAP, SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.sections.incident_actions import outcome_cell
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.store import actions as store
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "actions"
CAP, SHOWN, EFFECTS = 100, 15, 8
#: An action may be noted so long after its incident was over.
LATE = timedelta(days=31)


def gather(source: Source) -> ActionsFacts:
    """Actions done in the period about incidents of the headline class; effects of the whole fleet."""
    found = [t.id for t in happened.troubles(source, since=source.period.start - LATE) if t.headline]
    rows = source.conn.execute(
        load(SQL)["actions"], happened.bounds(source) | {"incidents": found}
    ).fetchall()
    actions = [
        ActionFacts(
            incident_id=incident,
            cause=clean(cause, 80),
            device=source.refs[root].name if root in source.refs else None,
            action=clean(action, RESOLUTION_CAP),
            by=clean(by, BY_CAP),
            done_at=at,
            outcome=outcome,
            recovered_at=recovered,
            held_until=held,
        )
        for incident, cause, root, action, by, at, outcome, recovered, held in rows
    ]
    known = [e for e in effect.effects(store.tallies(source.conn, source.now)) if e.taken.rate is not None]
    outcomes = [action.outcome for action in actions]
    return ActionsFacts(
        actions=tuple(actions[:CAP]),
        total=len(actions),
        helped=outcomes.count("helped"),
        did_not_help=outcomes.count("did_not_help"),
        cannot_tell=outcomes.count("cannot_tell"),
        waiting=outcomes.count(None),
        effects=tuple(
            EffectFacts(
                category=e.category, action=clean(e.action, 120), helped=e.taken.helped, judged=e.taken.n,
                rate=e.taken.rate, low=e.taken.low, high=e.taken.high, nothing_helped=e.nothing.helped,
                nothing_judged=e.nothing.n, difference=e.difference,
            )
            for e in known[:EFFECTS]
        ),
    )  # fmt: skip


def build(facts: ReportFacts, voice: Voice) -> Section:
    """What was done, then what helps."""
    found = facts.actions
    assert found is not None
    title = voice.term(PLUGIN.title)
    blocks: list[Paragraph | Table] = []
    if found.total:
        said = voice.t(
            "{actions}: {helped} helped and held a day, {not_helped} did not, {open} cannot be told (yet).",
            actions=voice.n("{n} action is recorded", "{n} actions are recorded", found.total),
            helped=voice.number(found.helped),
            not_helped=voice.number(found.did_not_help),
            open=voice.number(found.cannot_tell + found.waiting),
        )
        blocks += [Paragraph(said, "lead"), _actions(found, voice)]
    else:
        blocks.append(Paragraph(voice.t("No action is recorded in this period.")))
    if found.effects:
        blocks.append(_effects(found, voice))
    return Section(KEY, title, tuple(blocks), line=not found.total and not found.effects)


def _actions(found: ActionsFacts, voice: Voice) -> Table:
    shown = found.actions[-SHOWN:]
    hidden = found.total - len(shown)
    return Table(
        name="actions",
        caption=voice.t("What was done, the newest last"),
        columns=(
            Column(voice.t("When"), "done_at_utc", 1.1, text_width=14),
            Column(voice.t("Device"), "device", 1.8, text_width=20),
            Column(voice.t("What was done"), "action", 2.6, text_width=22),
            Column(voice.t("By"), "done_by", 1.0, text_width=0),
            Column(voice.t("Outcome"), "outcome", 1.9, text_width=16),
        ),
        rows=tuple(
            (
                Cell(voice.clock(a.done_at), raw=a.done_at.isoformat()),
                Cell(
                    a.device or ABSENT,
                    about=f"{say.cause(voice, a.cause)} · {say.number(voice, a.incident_id)}",
                ),
                Cell(voice.t("“{words}”", words=a.action), raw=a.action),
                Cell(a.by),
                outcome_cell(a, voice),
            )
            for a in shown
        ),
        more=voice.n("{n} earlier", "{n} earlier", hidden) if hidden else "",
        in_mail=4,
    )


def _effects(found: ActionsFacts, voice: Voice) -> Table:
    return Table(
        name="effects",
        caption=voice.t("What helps, in the record of the whole fleet; doing nothing beside it"),
        columns=(
            Column(voice.t("Action"), "action", 2.6, text_width=28),
            Column(voice.t("Trouble"), "category", 1.3, text_width=14),
            Column(voice.t("Helped"), "helped", 1.5, text_width=14),
            Column(voice.t("Nothing done"), "nothing_helped", 1.3, text_width=14),
            Column(voice.t("Verdict"), "difference", 2.0, text_width=0),
        ),
        rows=tuple(
            (
                Cell(voice.t("“{words}”", words=e.action), raw=e.action),
                Cell(say.category(voice, e.category), raw=e.category),
                Cell(
                    voice.t(
                        "{helped} of {n}", helped=voice.number(e.helped), n=voice.number(e.judged)
                    ),
                    about=voice.t(
                        "{low} to {high}", low=voice.percent(e.low, 0), high=voice.percent(e.high, 0)
                    ),
                    raw=e.rate,
                ),
                Cell(
                    voice.t(
                        "{helped} of {n}",
                        helped=voice.number(e.nothing_helped), n=voice.number(e.nothing_judged),
                    )
                ),
                _verdict(e, voice),
            )
            for e in found.effects
        ),
        in_mail=0,
    )  # fmt: skip


def _verdict(found: EffectFacts, voice: Voice) -> Cell:
    """Better than doing nothing only where the whole interval of the difference is above none."""
    if found.difference is None:
        return Cell(voice.t("too few cases to compare"), tone="muted", raw="")
    delta, low, high = found.difference
    if low > 0:
        return Cell(voice.t("better than doing nothing"), glyph="▲", tone="better", raw=delta)
    if high < 0:
        return Cell(voice.t("worse than doing nothing"), glyph="▼", tone="worse", raw=delta)
    return Cell(voice.t("no difference is shown"), tone="same", raw=delta)


PLUGIN = Plugin(KEY, "Actions taken", frozenset({"weekly", "monthly", "custom"}), gather, build)
