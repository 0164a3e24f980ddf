"""Changed settings, and what health did after them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from homepot_ai.fleet import configuration as fleet
from homepot_ai.fleet.configuration import Change
from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table, Tone
from homepot_ai.reporting.facts import POINTS, ReportFacts
from homepot_ai.reporting.facts.configuration import ChangeFacts, ConfigurationFacts
from homepot_ai.reporting.happened import SQL, Trouble
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "configuration"
CAP, SHOWN = 100, 15
DAY = timedelta(days=1)
#: The same change by the same hand within so long is one, on several devices.
TOGETHER = timedelta(hours=1)
#: Smaller differences of health are none.
NO_EFFECT = 0.01


def gather(source: Source) -> ConfigurationFacts | None:
    """Changes of the headline class's devices, grouped; None: this HOMEPOT keeps no record of them."""
    main = set(source.main)
    public = {device.public_id: device.id for device in source.roster.devices if device.id in main}
    found = fleet.changes(source.conn, source.period.start, source.period.end)
    if found is None:
        return None
    mine = [change for change in found if clean(change.public_id) in public]
    groups = grouped(mine)
    numbers, devices, at = [], [], []
    for number, group in enumerate(groups):
        for change in group:
            numbers.append(number)
            devices.append(public[clean(change.public_id)])
            at.append(change.at)
    around = {
        row[0]: row[1:]
        for row in source.conn.execute(
            load(SQL)["health_around"],
            {"numbers": numbers, "devices": devices, "at": at, "now": source.now},
        )
    }
    later = [t for t in happened.troubles(source) if t.headline]
    changes = [
        _facts(group, [public[clean(c.public_id)] for c in group], around.get(number), later, source)
        for number, group in enumerate(groups)
    ]

    def worst_first(change: ChangeFacts) -> tuple[float, float, float, str]:
        known = change.before is not None and change.after is not None
        effect = (change.after or 0.0) - (change.before or 0.0) if known else 0.0
        return effect, -change.incidents, -change.at.timestamp(), change.parameter

    changes.sort(key=worst_first)
    return ConfigurationFacts(
        changes=tuple(changes[:CAP]), total=len(changes), devices=len({c.public_id for c in mine})
    )


def grouped(found: Sequence[Change]) -> list[list[Change]]:
    """The same setting changed by the same hand within an hour of the first, in order of time.

    >>> one = Change("D1", datetime(2026, 11, 1), "channel", "anna", False)
    >>> [len(group) for group in grouped([one, one])]
    [2]
    """
    groups: list[list[Change]] = []
    newest: dict[tuple[str, str], list[Change]] = {}
    for change in found:
        key = (change.parameter, change.by)
        group = newest.get(key)
        if group is None or change.at - group[0].at > TOGETHER:
            group = newest[key] = []
            groups.append(group)
        group.append(change)
    return groups


def _facts(
    group: Sequence[Change],
    devices: Sequence[int],
    around: Sequence[float | None] | None,
    later: Sequence[Trouble],
    source: Source,
) -> ChangeFacts:
    first = group[0]
    points_before, before, points_after, after = around or (None,) * 4
    per_device: dict[int, datetime] = defaultdict(lambda: first.at)
    per_device.update(zip(devices, (change.at for change in group), strict=True))
    incidents = sum(
        any(per_device[d] < t.opened_at <= per_device[d] + DAY for d in t.members if d in per_device)
        for t in later
    )
    # A day that is not over says nothing yet.
    over = source.now >= group[-1].at + DAY
    return ChangeFacts(
        at=first.at,
        parameter=clean(first.parameter, 80),
        by=clean(first.by, 60),
        devices=len(per_device),
        device=source.refs[devices[0]] if len(per_device) == 1 else None,
        before=_mean(points_before, before),
        after=_mean(points_after, after) if over else None,
        incidents=incidents,
        rolled_back=sum(change.rolled_back for change in group),
    )


def _mean(points: float | None, minutes: float | None) -> float | None:
    return round(points / POINTS / minutes, 5) if points is not None and minutes else None


def build(facts: ReportFacts, voice: Voice) -> Section:
    """One row per change, the worst effect first. After is not because of: said below."""
    found = facts.configuration
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.total:
        said = voice.t("No setting was changed in this period.")
        return Section(KEY, title, (Paragraph(said),), line=True)
    shown = found.changes[:SHOWN]
    hidden = found.total - len(shown)
    lead = voice.t(
        "{changes} on {devices}.",
        changes=voice.n("{n} change", "{n} changes", found.total),
        devices=voice.n("{n} device", "{n} devices", found.devices),
    )
    table = Table(
        name="configuration",
        caption=voice.t("Changed settings, the worst that followed first"),
        columns=(
            Column(voice.t("When"), "changed_at_utc", 1.2, text_width=14),
            Column(voice.t("Setting"), "parameter", 2.2, text_width=24),
            Column(voice.t("Devices"), "devices", 1.6, text_width=18),
            Column(voice.t("Health, day before"), "health_before", 1.2, numeric=True, text_width=0),
            Column(voice.t("Day after"), "health_after", 1.1, numeric=True, text_width=10),
            Column(voice.t("Incidents after"), "incidents_after", 1.0, numeric=True, text_width=0),
        ),
        rows=tuple(_row(change, voice) for change in shown),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=3,
    )
    note = voice.t(
        "Mean health of the changed devices in the 24 hours before and after, from whole hours. What comes "
        "after a change need not come from it."
    )
    return Section(KEY, title, (Paragraph(lead, "lead"), table, Paragraph(note, "note")))


def _row(change: ChangeFacts, voice: Voice) -> tuple[Cell, ...]:
    tone: Tone = ""
    glyph = ""
    if change.before is not None and change.after is not None:
        delta = change.after - change.before
        tone = "same" if abs(delta) <= NO_EFFECT else "better" if delta > 0 else "worse"
        glyph = {"same": "●", "better": "▲", "worse": "▼"}[tone]
    back = voice.n("taken back on {n}", "taken back on {n}", change.rolled_back) if change.rolled_back else ""
    devices = change.device.name if change.device else voice.n("{n} device", "{n} devices", change.devices)
    return (
        Cell(voice.clock(change.at), raw=change.at.isoformat()),
        Cell(change.parameter, about=voice.t("by {who}", who=change.by)),
        Cell(
            devices,
            about=" · ".join(
                filter(None, (say.type_word(change.device.type) if change.device else "", back))
            ),
            raw=change.devices,
        ),
        Cell(voice.score(change.before), raw=change.before),
        Cell(voice.score(change.after), glyph=glyph, tone=tone, raw=change.after),
        Cell(voice.number(change.incidents), raw=change.incidents),
    )


PLUGIN = Plugin(KEY, "Configuration changes", frozenset({"monthly", "custom"}), gather, build)
