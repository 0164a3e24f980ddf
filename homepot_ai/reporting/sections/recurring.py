"""What comes back: the same trouble of one device, and one trouble of many devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incidents import PastIncident
from homepot_ai.reporting.facts.recurring import RecurringFacts, RecurringFault, SharedFault
from homepot_ai.reporting.happened import SQL, Trouble
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "recurring"
WINDOW_DAYS = 90
CAP, SHOWN = 100, 12
#: So many different devices of a type with the same trouble are no chance.
SHARED = 3


def gather(source: Source) -> RecurringFacts:
    """Troubles with an opening in the period and at least two in ninety days; of the headline class."""
    since = source.period.end - timedelta(days=WINDOW_DAYS)
    found = [t for t in happened.troubles(source, since=min(since, source.period.start)) if t.headline]
    now = {t.id for t in happened.opened_in(found, source)}
    groups: dict[str, list[Trouble]] = defaultdict(list)
    for trouble in found:
        if trouble.opened_at > since and trouble.kind != "storm":
            groups[trouble.fingerprint].append(trouble)
    again = [group for group in groups.values() if len(group) > 1 and any(t.id in now for t in group)]
    ids = [t.id for group in again for t in group]
    actions: dict[int, int] = dict(
        source.conn.execute(
            load(SQL)["actions_by_incident"], {"incidents": ids, "now": source.now}
        ).fetchall()
    )
    last = [max(group, key=lambda t: (t.opened_at, t.id)).id for group in again]
    past = happened.similar_of(source, last, 1)
    faults = [_fault(group, now, actions, past, source) for group in again]
    faults.sort(key=lambda f: (-f.times, -f.times_window, -f.minutes, f.last.id))
    shared = _shared([t for t in found if t.id in now])
    return RecurringFacts(
        window_days=WINDOW_DAYS,
        faults=tuple(faults[:CAP]),
        total=len(faults),
        shared=tuple(shared[:CAP]),
        shared_total=len(shared),
    )


def _fault(
    group: Sequence[Trouble],
    now: set[int],
    actions: Mapping[int, int],
    past: Mapping[int, tuple[PastIncident, ...]],
    source: Source,
) -> RecurringFault:
    period = source.period
    ordered = sorted(group, key=lambda t: (t.opened_at, t.id))
    minutes = 0.0
    for t in ordered:
        ended = min(t.closed_at or period.end, period.end)
        minutes += max(0.0, (ended - max(t.started_at, period.start)).total_seconds() / 60)
    nearest = next(iter(past.get(ordered[-1].id, ())), None)
    return RecurringFault(
        last=happened.facts_of(ordered[-1], source, nearest),
        times=sum(t.id in now for t in ordered),
        times_window=len(ordered),
        first_at=ordered[0].opened_at,
        minutes=round(minutes),
        actions=sum(actions.get(t.id, 0) for t in ordered),
    )


def _shared(opened: Sequence[Trouble]) -> list[SharedFault]:
    groups: dict[tuple[str, str], list[Trouble]] = defaultdict(list)
    for t in opened:
        if t.kind == "device" and t.device_type and t.root is not None:
            groups[t.device_type, t.cause].append(t)
    shared = [
        SharedFault(
            device_type=clean(type_, 60),
            cause=clean(cause, 80),
            devices=len({t.root for t in group}),
            incidents=len(group),
        )
        for (type_, cause), group in groups.items()
        if len({t.root for t in group}) >= SHARED
    ]
    return sorted(shared, key=lambda s: (-s.devices, -s.incidents, s.device_type, s.cause))


def build(facts: ReportFacts, voice: Voice) -> Section:
    """Two tables, or one sentence."""
    found = facts.recurring
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.total and not found.shared_total:
        said = voice.t("Nothing came back in this period, and no trouble was shared by several devices.")
        return Section(KEY, title, (Paragraph(said),), line=True)
    blocks: list[Paragraph | Table] = []
    if found.total:
        untouched = sum(not fault.actions for fault in found.faults)
        said = voice.n("{n} trouble came back.", "{n} troubles came back.", found.total)
        if untouched:
            nothing = voice.n(
                "For {n} of them no action is recorded.",
                "For {n} of them no action is recorded.",
                untouched,
            )
            said = f"{said} {nothing}"
        blocks += [Paragraph(said, "lead"), _faults(facts, found, voice)]
    if found.shared_total:
        blocks.append(_shared_table(found, voice))
    return Section(KEY, title, tuple(blocks))


def _faults(facts: ReportFacts, found: RecurringFacts, voice: Voice) -> Table:
    headline = facts.headline.provenance if facts.headline else "real"
    with_site = facts.scope.kind not in {"site", "device"}
    shown = found.faults[:SHOWN]
    hidden = found.total - len(shown)
    return Table(
        name="recurring",
        caption=voice.t("The same trouble again, the most frequent first"),
        columns=(
            Column(voice.t("Device"), "device", 2.0, text_width=22),
            Column(voice.t("What"), "what", 1.8, text_width=22),
            Column(voice.t("Times"), "times", 1.0, numeric=True, text_width=10),
            Column(voice.t("Together"), "minutes", 1.1, numeric=True, text_width=12),
            Column(voice.t("Done"), "actions", 0.8, numeric=True, text_width=0),
            Column(voice.t("How it ended before"), "ended", 2.4, text_width=0),
        ),
        rows=tuple(
            (
                Cell(
                    say.who(voice, fault.last),
                    about=say.about(voice, fault.last, headline, with_site=with_site),
                ),
                Cell(say.what(voice, fault.last), raw=fault.last.cause),
                Cell(
                    voice.number(fault.times),
                    about=voice.t(
                        "{n} in {days} days",
                        n=voice.number(fault.times_window), days=voice.number(found.window_days),
                    ),
                    raw=fault.times,
                    strong=True,
                ),
                Cell(voice.duration(fault.minutes), raw=fault.minutes),
                Cell(
                    voice.number(fault.actions), tone="" if fault.actions else "warning", raw=fault.actions
                ),
                Cell(
                    say.ended(voice, fault.last.past) if fault.last.past else voice.t("none is known"),
                    tone="" if fault.last.past else "muted",
                ),
            )
            for fault in shown
        ),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=4,
    )  # fmt: skip


def _shared_table(found: RecurringFacts, voice: Voice) -> Table:
    shown = found.shared[:SHOWN]
    hidden = found.shared_total - len(shown)
    return Table(
        name="shared_faults",
        caption=voice.t("One trouble of several devices of a type"),
        columns=(
            Column(voice.t("Device type"), "device_type", 2.0, text_width=24),
            Column(voice.t("What"), "what", 2.4, text_width=26),
            Column(voice.t("Devices"), "devices", 1.0, numeric=True, text_width=10),
            Column(voice.t("Incidents"), "incidents", 1.0, numeric=True, text_width=10),
        ),
        rows=tuple(
            (
                Cell(say.type_word(one.device_type), raw=one.device_type),
                Cell(say.cause(voice, one.cause), raw=one.cause),
                Cell(voice.number(one.devices), raw=one.devices, strong=True),
                Cell(voice.number(one.incidents), raw=one.incidents),
            )
            for one in shown
        ),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=3,
    )


PLUGIN = Plugin(KEY, "Recurring faults", frozenset({"weekly", "monthly", "custom"}), gather, build)
