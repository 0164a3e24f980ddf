"""Key figures: each with what was counted, of how much, and what is in neither; the plan's promises."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.reporting.document import Block, Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import Count, Provenance, ReportFacts
from homepot_ai.reporting.facts.kpis import ClassKpis, KpisFacts, Promise, Ratio
from homepot_ai.reporting.kpis import read
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.text import NBSP

Row = tuple[Cell, ...]


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """One table per class of data, the service's own figures, and the promises; a day is told in short."""
    found = facts.kpis
    if found is None:
        return None
    short = facts.report_type == "daily"
    blocks: list[Block] = [
        _class(one, voice, short=short) for one in (found.classes[:1] if short else found.classes)
    ]
    if not found.classes:
        blocks.append(Paragraph(voice.t("There is no device to count anything of."), "missing"))
    blocks.append(_own(found, voice))
    if found.lost_minutes:
        lost = voice.duration(found.lost_minutes)
        blocks.append(
            Paragraph(
                voice.t(
                    "Of {lost} of the period neither minutes nor hours are kept any more: left out.",
                    lost=lost,
                ),
                "note",
            )
        )
    if not short:
        blocks += [
            _promises(found, voice),
            Paragraph(
                voice.t(
                    "Trivial is the answer of whoever always says healthy (for precision: always alarms). "
                    "Accuracy and false positives count device-days of which the truth is known; {n} with "
                    "an anomaly that nobody marked are left out.",
                    n=voice.number(found.days.unjudged),
                ),
                "note",
            ),
            Paragraph(_claims(found, voice), "note"),
        ]
    return Section("kpis", voice.term("Key figures"), tuple(blocks))


def _claims(found: KpisFacts, voice: Voice) -> str:
    if found.claims is None:
        return voice.t("Unsupported claims of model text: no model wrote a sentence in this period.")
    return voice.t(
        "Unsupported claims of model text: {refused} of {n} sentences that a model wrote ({share}). They "
        "were refused and stand on no page.",
        refused=voice.number(found.claims.numerator),
        n=voice.number(found.claims.denominator),
        share=voice.percent(found.claims.numerator / found.claims.denominator),
    )


def _class(one: ClassKpis, voice: Voice, *, short: bool) -> Table:
    rows = [
        _ratio(voice, "availability", voice.t("Availability, around the clock"), one.availability),
        _ratio(
            voice, "availability_open", voice.t("Availability, within opening hours"), one.availability_open
        ),
    ]
    if not short:
        rows += [
            _ratio(voice, "uptime", voice.t("Uptime, around the clock"), one.uptime),
            _ratio(voice, "uptime_open", voice.t("Uptime, within opening hours"), one.uptime_open),
            *_failures(one, voice),
        ]
    for name, title, ratio in (
        ("completeness", voice.t("Completeness"), one.completeness),
        ("connectivity", voice.t("Connectivity"), one.connectivity),
    ):
        if ratio is None:
            rows.append(_missing(name, title, voice.t("telemetry could not be counted")))
        elif not short or name == "completeness":
            rows.append(_ratio(voice, name, title, ratio))
    rows.append(_freshness(one, voice))
    if not short:
        rows += [
            _ratio(voice, "continuity", voice.t("Continuity: hours without a silent minute"), one.continuity),
            _ratio(voice, "compliance", voice.t("Health compliance: minutes healthy"), one.compliance),
            _ratio(voice, "precision", voice.t("Detection: alarms marked true"), one.precision),
            _ratio(voice, "recall", voice.t("Detection: recorded failures that were told of"), one.recall),
        ]
    said = voice.n("{n} device", "{n} devices", one.devices)
    caption = voice.t(
        "Key figures of {devices}, {class_} data", devices=said, class_=class_word(one.provenance, voice)
    )
    more = ""
    if one.devices_without_hours:
        more = voice.n(
            "{n} device at a site without opening hours is not in the figures within these.",
            "{n} devices at sites without opening hours are not in the figures within these.",
            one.devices_without_hours,
        )
    return Table(f"kpis_{one.provenance}", caption, _columns(voice), tuple(rows), more, len(rows))


def _columns(voice: Voice) -> tuple[Column, ...]:
    return (
        Column(voice.t("Figure"), "figure", 2.2, text_width=30),
        Column(voice.t("Value"), "value", 0.8, numeric=True, text_width=9),
        Column(voice.t("Counted"), "counted", 1.6, numeric=True, text_width=21),
        Column(voice.t("Left out"), "left_out", 2.0, text_width=0),
    )


def _ratio(voice: Voice, name: str, title: str, ratio: Ratio) -> Row:
    counted = ABSENT
    if ratio.denominator:
        counted = voice.t("{n} of {m}", n=voice.number(ratio.numerator), m=voice.number(ratio.denominator))
    return (
        Cell(title, raw=name),
        Cell(voice.percent(ratio.share), raw=_rounded(ratio.share), strong=True),
        Cell(counted, raw=f"{ratio.numerator}/{ratio.denominator}"),
        Cell(left_out(ratio.left_out, voice), tone="muted"),
    )


def _missing(name: str, title: str, why: str) -> Row:
    return Cell(title, raw=name), Cell(ABSENT, raw=""), Cell(ABSENT, raw=""), Cell(why, tone="muted")


def _failures(one: ClassKpis, voice: Voice) -> list[Row]:
    found = one.failures
    left = [
        Count(name="still_failed", count=found.open_at_end),
        Count(name="no_end", count=found.without_end),
    ]
    began = voice.n("{n} failure", "{n} failures", found.began)
    ended = voice.n("{n} repair", "{n} repairs", found.ended)
    longer = ABSENT
    if found.running_minutes and not found.began:
        longer = voice.t("over {time}", time=voice.duration(found.running_minutes))
    return [
        (
            Cell(voice.t("Mean time to repair (MTTR)"), raw="mttr_minutes"),
            Cell(voice.duration(found.mttr), raw=_rounded(found.mttr), strong=True),
            Cell(
                voice.t("{time} in {n}", time=voice.duration(found.repair_minutes), n=ended),
                raw=f"{found.repair_minutes}/{found.ended}",
            ),
            Cell(left_out([item for item in left if item.count], voice), tone="muted"),
        ),
        (
            Cell(voice.t("Mean time between failures (MTBF)"), raw="mtbf_minutes"),
            Cell(
                voice.duration(found.mtbf) if found.began else longer, raw=_rounded(found.mtbf), strong=True
            ),
            Cell(
                voice.t("{time} with {n}", time=voice.duration(found.running_minutes), n=began),
                raw=f"{found.running_minutes}/{found.began}",
            ),
            Cell("", tone="muted"),
        ),
    ]


def _freshness(one: ClassKpis, voice: Voice) -> Row:
    found = one.freshness

    def within(seconds: int | None) -> str:
        if not found.minutes:
            return ABSENT
        if seconds is None:
            return voice.t("over 1 h")
        return f"≤{NBSP}{voice.t('30 s') if seconds < 60 else voice.duration(seconds / 60)}"

    return (
        Cell(voice.t("Age of the newest data: half, and 95 of 100 minutes"), raw="freshness_seconds"),
        Cell(
            f"{within(found.p50_seconds)}, {within(found.p95_seconds)}" if found.minutes else ABSENT,
            raw=f"{found.p50_seconds or ''}/{found.p95_seconds or ''}",
            strong=True,
        ),
        Cell(voice.n("{n} minute", "{n} minutes", found.minutes), raw=found.minutes),
        Cell("", tone="muted"),
    )


def _own(found: KpisFacts, voice: Voice) -> Table:
    rows = (
        _ratio(voice, "own_availability", voice.t("Our own availability: minutes scored"), found.own),
        _ratio(voice, "valid_rows", voice.t("Valid telemetry rows"), found.valid_rows),
    )
    return Table("kpis_own", voice.t("The service itself, for the whole fleet"), _columns(voice), rows, "", 2)


def class_word(provenance: Provenance, voice: Voice) -> str:
    """What a class of data is called."""
    return {
        "real": voice.t("real"),
        "controlled": voice.t("controlled"),
        "mixed": voice.t("mixed"),
        "simulated": voice.t("simulated"),
    }[provenance]


def left_out(counts: Sequence[Count], voice: Voice) -> str:
    """What a figure leaves out, in words; reasons without words (of rejected rows) as they are."""
    words = {
        "in_maintenance": voice.t("minutes in maintenance"),
        "unjudged": voice.t("excluded, or scoring failed"),
        "not_scored": voice.t("not scored at all"),
        "not_judged": voice.t("maintenance, excluded or scoring failed"),
        "without_score": voice.t("minutes without a score"),
        "unmarked": voice.t("not marked"),
        "found_by_ourselves": voice.t("only our own incidents tell of"),
        "devices_without_interval": voice.t("devices without an interval"),
        "devices_without_probe": voice.t("devices without a probe"),
        "still_failed": voice.t("failed still at the end"),
        "no_end": voice.t("recorded without an end"),
    }
    return ", ".join(
        f"{voice.number(one.count)} {words.get(one.name, one.name.replace('_', ' '))}" for one in counts
    )


def _promises(found: KpisFacts, voice: Voice) -> Table:
    columns = (
        Column(voice.t("Promise of the plan"), "promise", 2.2, text_width=30),
        Column(voice.t("Promised"), "promised", 0.9, numeric=True, text_width=11),
        Column(voice.t("Measured"), "measured", 0.9, numeric=True, text_width=11),
        Column(voice.t("Trivial"), "trivial", 0.8, numeric=True, text_width=9),
        Column(voice.t("Counted"), "counted", 1.6, numeric=True, text_width=0),
    )
    rows = tuple(_promise(one, voice) for one in found.promises)
    return Table(
        "promises", voice.t("What the plan promises, beside the trivial answer"), columns, rows, "", len(rows)
    )


def _promise(one: Promise, voice: Voice) -> Row:
    titles = {
        "anomaly_accuracy": voice.t("Anomalies: accuracy"),
        "anomaly_precision": voice.t("Anomalies: precision"),
        "false_positives": voice.t("Anomalies: false positives"),
        "failure_prediction": voice.t("Failures foretold 7 to 30 days ahead: accuracy"),
        "pattern_matching": voice.t("Matching of past patterns"),
        "own_availability": voice.t("Our own availability"),
        "question_seconds": voice.t("Answer to a question, 95 of 100"),
        "api_milliseconds": voice.t("HTTP door without a model, 95 of 100"),
        "embedding_milliseconds": voice.t("Embedding of a text"),
        "memory_gigabytes": voice.t("Memory with the model loaded"),
        "rows_an_hour": voice.t("Telemetry rows in an hour of work"),
    }
    why = {
        "": "",
        "nothing_yet": voice.t("nothing to count yet"),
        "not_recorded": voice.t("not recorded in operation"),
        "not_built": voice.t("not available yet"),
    }
    sign = ">" if one.at_least else "<"
    kept = one.kept
    counted = why[one.why]
    if one.measured is not None and one.of is not None and one.value is not None:
        whole = one.key != "rows_an_hour"
        of = voice.number(one.of) if whole else voice.duration(one.of * 60)
        counted = (
            voice.t("{n} of {m}", n=voice.number(one.value), m=of)
            if whole
            else voice.t("{n} in {m}", n=voice.number(one.value), m=of)
        )
    return (
        Cell(titles[one.key], raw=one.key),
        Cell(f"{sign} {_said(one, one.target, voice)}", raw=one.target),
        Cell(
            _said(one, one.measured, voice),
            glyph="" if kept is None else "●" if kept else "▲",
            tone="" if kept is None else "good" if kept else "warning",
            raw=_rounded(one.measured),
            strong=kept is not None,
        ),
        Cell(_said(one, one.trivial, voice), raw=_rounded(one.trivial)),
        Cell(counted, tone="muted"),
    )


def _said(one: Promise, value: float | None, voice: Voice) -> str:
    units = {
        "question_seconds": voice.t("{n} s", n=voice.number(value, 1)),
        "api_milliseconds": voice.t("{n} ms", n=voice.number(value)),
        "embedding_milliseconds": voice.t("{n} ms", n=voice.number(value)),
        "memory_gigabytes": voice.t("{n} GB", n=voice.number(value)),
        "rows_an_hour": voice.number(value),
    }
    return ABSENT if value is None else units.get(one.key) or voice.percent(value)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)


PLUGIN = Plugin(
    key="kpis",
    title="Key figures",
    kinds=frozenset({"daily", "weekly", "monthly", "custom"}),
    gather=read.kpis,
    build=build,
)
