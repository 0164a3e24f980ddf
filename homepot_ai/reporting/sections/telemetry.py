"""Whether the telemetry arrived: rows received of rows expected, and the devices that sent too few."""

from __future__ import annotations

from homepot_ai.reporting import charts
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import Completeness, DeviceRows, ReportFacts
from homepot_ai.reporting.terms import device_cell, failed, rest_of
from homepot_ai.reporting.voice import ABSENT, Voice, message

KEY = "telemetry"
#: Devices that sent at least this share of their rows are not listed.
COMPLETE = 0.95
_REASONS = {
    "duplicate": message("sent twice"),
    "not_a_number": message("not a number"),
    "unknown_device": message("of unknown devices"),
    "out_of_order": message("out of order"),
    "too_many_metrics": message("with too many metrics"),
    "late": message("too late"),
    "future": message("from the future"),
    "out_of_range": message("out of range"),
    "broken_json": message("with broken extra metrics"),
}


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """A sentence; and a table of the devices below 95 %, the least complete first."""
    title = voice.term("Telemetry received")
    data = facts.completeness
    if data is None:
        said = failed(voice, facts.problem("completeness"))
        return Section(KEY, title, (Paragraph(said, "missing"),), line=True)
    if not data.devices_total:
        return Section(KEY, title, (Paragraph(voice.t("There are no devices."), "missing"),), line=True)
    poor = [
        item for item in data.devices if item.rows == 0 or (item.share is not None and item.share < COMPLETE)
    ]
    lead = _lead(data, facts, voice)
    enough = voice.percent(COMPLETE, 0)
    if not poor:
        lead += " " + voice.t("Every device sent at least {share} of its rows.", share=enough)
        return Section(KEY, title, (Paragraph(lead, "missing"),), line=True)
    lead += " " + voice.n(
        "Below {share}: {n} device.", "Below {share}: {n} devices.", len(poor), share=enough
    )
    shown = poor[: voice.cap(KEY, 12)]
    rest = len(poor) - len(shown)
    table = Table(
        KEY,
        voice.t("Devices that sent too few rows, the least complete first"),
        (
            Column(voice.term("Device"), "device", 5.6, text_width=26),
            Column(voice.term("Received"), "rows_received", 1.8, numeric=True, text_width=9),
            Column(voice.term("Expected"), "rows_expected", 1.8, numeric=True, text_width=9),
            Column(voice.term("Share"), "share_percent", 1.6, numeric=True, text_width=7, side=True),
            Column(voice.term("Of expected"), "bar", 3.0, text_width=0),
            Column(voice.term("Interval"), "interval_seconds", 2.0, text_width=15),
        ),
        tuple(_row(item, facts, voice) for item in shown),
        rest_of(voice, rest),
        in_mail=6,
    )
    return Section(KEY, title, (Paragraph(lead, "lead"), table))


def _lead(data: Completeness, facts: ReportFacts, voice: Voice) -> str:
    if data.expected:
        said = [
            voice.t(
                "{received} of {expected} rows expected arrived ({share}).",
                received=voice.number(data.moments_counted),
                expected=voice.number(data.expected),
                share=voice.percent(data.share),
            )
        ]
    else:
        said = [
            voice.n(
                "{n} row arrived; no device states its collection interval.",
                "{n} rows arrived; no device states its collection interval.",
                data.rows,
            )
        ]
    if data.devices_without_interval and data.expected:
        said.append(
            voice.n(
                "{n} device of unknown collection interval left out.",
                "{n} devices of unknown collection interval left out.",
                data.devices_without_interval,
            )
        )
    if facts.scoring and facts.scoring.rejected:
        reasons = ", ".join(
            f"{voice.number(item.count)} {voice.t(_REASONS.get(item.name, item.name.replace('_', ' ')))}"
            for item in facts.scoring.rejected
        )
        said.append(voice.t("Rejected in the whole fleet: {reasons}.", reasons=reasons))
    elif facts.scoring:
        said.append(voice.t("No row was rejected in the whole fleet."))
    return " ".join(said)


def _row(item: DeviceRows, facts: ReportFacts, voice: Voice) -> tuple[Cell, ...]:
    share = voice.percent(item.share)
    title = voice.t("{name}: {share} of the rows expected", name=item.device.name, share=share)
    bar = None if item.share is None else charts.share_bar(item.share, title=title)
    every = (
        voice.t("every {n} s", n=item.interval_seconds)
        if item.interval_seconds
        else voice.t("interval unknown")
    )
    return (
        device_cell(voice, item.device, facts),
        Cell(voice.number(item.moments), raw=item.moments),
        Cell(voice.t("unknown") if item.expected is None else voice.number(item.expected), raw=item.expected),
        Cell(share, raw=None if item.share is None else round(item.share * 100, 2)),
        Cell("" if bar else ABSENT, drawing=bar, raw=""),
        Cell(every, raw=item.interval_seconds),
    )
