"""Availability, time to repair and between failures by device type, least available first."""

from __future__ import annotations

from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.kpis import TypeKpis
from homepot_ai.reporting.kpis import read
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections.kpis import class_word
from homepot_ai.reporting.voice import Voice

SHOWN = 20


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """One row per type and class."""
    if facts.types is None:
        return None
    several = len({one.provenance for one in facts.types.types}) > 1
    columns = (
        Column(voice.t("Device type"), "device_type", 1.8, text_width=24),
        Column(voice.t("Devices"), "devices", 0.7, numeric=True, text_width=8),
        Column(voice.t("Availability"), "availability_share", 1.0, numeric=True, text_width=12),
        Column(voice.t("Opening hours"), "availability_open_share", 1.0, numeric=True, text_width=13),
        Column(voice.t("Failures"), "failures", 0.7, numeric=True, text_width=8),
        Column("MTTR", "mttr_minutes", 0.8, numeric=True, text_width=0),
        Column("MTBF", "mtbf_minutes", 0.9, numeric=True, text_width=0),
    )
    shown, beyond = facts.types.types[:SHOWN], facts.types.types[SHOWN:]
    more = voice.n("And {n} type more.", "And {n} types more.", len(beyond)) if beyond else ""
    rows = tuple(_row(one, voice, several=several) for one in shown)
    caption = voice.t("Availability, mean time to repair (MTTR) and between failures (MTBF) by device type")
    note = voice.t(
        "MTTR is over the repairs that ended in the period, MTBF the time that devices ran per failure."
    )
    return Section(
        "types",
        voice.term("Device types"),
        (Table("types", caption, columns, rows, more, 10), Paragraph(note, "note")),
    )


def _row(one: TypeKpis, voice: Voice, *, several: bool) -> tuple[Cell, ...]:
    found = one.failures
    return (
        Cell(
            one.device_type.replace("_", " "),
            class_word(one.provenance, voice) if several else "",
            raw=one.device_type,
        ),
        Cell(voice.number(one.devices), raw=one.devices),
        Cell(voice.percent(one.availability.share), raw=_raw(one.availability.share), strong=True),
        Cell(voice.percent(one.availability_open.share), raw=_raw(one.availability_open.share)),
        Cell(voice.number(found.began), raw=found.began),
        Cell(voice.duration(found.mttr), raw=_raw(found.mttr)),
        Cell(voice.duration(found.mtbf), raw=_raw(found.mtbf)),
    )


def _raw(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)


PLUGIN = Plugin(
    key="types",
    title="Device types",
    kinds=frozenset({"weekly", "monthly", "custom"}),
    gather=read.types,
    build=build,
)
