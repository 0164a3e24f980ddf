"""A backtest as it is read: the page of a PDF, and the Markdown of an artifact. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from homepot_ai.health.backtest.records import Backtest, Counted, PageFact
from homepot_ai.reporting import backtest_words as words
from homepot_ai.reporting.backtest_chart import COLOUR_A, COLOUR_B, pages_per_day
from homepot_ai.reporting.document import Level
from homepot_ai.reporting.drawing import Drawing
from homepot_ai.reporting.templating import environment
from homepot_ai.reporting.words import LEVEL_GLYPH, STATUS_GLYPH, count

PAGES_SHOWN, SITES_SHOWN, MISSED_SHOWN, ARTIFACT_SHOWN = 25, 25, 15, 10
_GLYPH = {"critical": STATUS_GLYPH["critical"], "warning": STATUS_GLYPH["warning"], "info": "●"}


@dataclass(frozen=True)
class Line:
    """A page that only one configuration sends."""

    device: str
    about: str
    since: str
    lasted: str
    severity: str
    glyph: str
    why: str
    verdict: str


@dataclass(frozen=True)
class Missed:
    """An anomaly marked true that was not paged."""

    device: str
    about: str
    since: str
    by: str


@dataclass(frozen=True)
class View:
    """Everything that stands in the document, in reading order."""

    title: str
    name: str
    organisation: str
    span: str
    range_text: str
    learned_text: str
    headline: str
    details: tuple[str, ...]
    level: Level
    glyph: str
    configurations: tuple[tuple[str, str], ...]
    figures: tuple[words.Figure, ...]
    chart: Drawing
    colours: tuple[str, str]
    two: bool
    only: tuple[tuple[str, str, tuple[Line, ...], str], ...]
    missed: tuple[Missed, ...]
    missed_note: str
    noisiest: tuple[Counted, ...]
    sites: tuple[Counted, ...]
    sites_note: str
    notes: tuple[str, ...]
    made_at: str
    hash: str


def build(found: Backtest, *, organisation: str, made_at: datetime, digest: str) -> View:
    """Word a backtest; the same answer always gives the same view."""
    zone = found.timezone
    name = found.site or "Whole fleet"
    span = f"{words.moment(found.start, zone, year=True)} to {words.moment(found.end, zone, year=True)}"
    configurations = [("a", words.configuration(found.a))]
    if found.b is not None:
        configurations.append(("b", words.configuration(found.b)))
    missed = _missed(found)
    return View(
        title=f"Backtest: {name}, {span}",
        name=name,
        organisation=organisation,
        span=span,
        range_text=f"{span} ({zone})",
        learned_text=f"{count(found.devices, 'device')}, {count(found.rows, 'telemetry row')}; learned from "
        f"{words.moment(found.learned_from, zone, year=True)} on",
        headline=f"Configuration {words.headline(found)}",
        details=words.details(found),
        level=words.level(found),
        glyph=LEVEL_GLYPH[words.level(found)],
        configurations=tuple(configurations),
        figures=words.figures(found),
        chart=pages_per_day(found),
        colours=(COLOUR_A, COLOUR_B),
        two=found.b is not None,
        only=_only(found),
        missed=missed[:MISSED_SHOWN],
        missed_note=_more(len(missed), MISSED_SHOWN),
        noisiest=found.noisiest,
        sites=found.sites[:SITES_SHOWN] if found.site is None else (),
        sites_note=_more(found.sites_total, SITES_SHOWN),
        notes=found.notes,
        made_at=f"{made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        hash=digest,
    )


def _more(total: int, shown: int) -> str:
    return f"And {total - shown} more; all are in facts.json inside the PDF." if total > shown else ""


def _only(found: Backtest) -> tuple[tuple[str, str, tuple[Line, ...], str], ...]:
    """(which, what is said of them, the first of them, what is left out) of a, then of b."""
    if found.b is None:
        return ()
    said = []
    both = (("a", found.only_a, found.only_a_total), ("b", found.only_b, found.only_b_total))
    for which, pages, total in both:
        other = "b" if which == "a" else "a"
        lead = f"None: {other} would have sent everything that {which} sends."
        if not (found.a if which == "a" else found.b).pages:
            lead = f"None: {which} would have sent nothing."
        elif total:
            lead = f"{count(total, 'page')} that {other} would not have sent"
        lines = tuple(_line(page, found.timezone) for page in pages[:PAGES_SHOWN])
        rest = f"And {total - len(lines)} more." if total > len(lines) else ""
        said.append((which, lead, lines, rest))
    return tuple(said)


def _line(page: PageFact, zone: str) -> Line:
    return Line(
        device=page.device,
        about=f"{page.site} · {page.device_id}",
        since=words.moment(page.opened_at, zone),
        lasted=words.lasted(page),
        severity=page.severity,
        glyph=_GLYPH[page.severity],
        why=words.because(page),
        verdict=words.verdict(page),
    )


def _missed(found: Backtest) -> tuple[Missed, ...]:
    mine = {item.anomaly_id for item in found.missed_a}
    theirs = {item.anomaly_id for item in found.missed_b}
    everything = {item.anomaly_id: item for item in (*found.missed_a, *found.missed_b)}
    lines = []
    for number, item in sorted(everything.items(), key=lambda pair: pair[1].started_at):
        by = "a and b" if number in mine & theirs else "a" if number in mine else "b"
        lines.append(
            Missed(
                item.device, f"{item.site} · {item.device_id}",
                words.moment(item.started_at, found.timezone), by if found.b else "a",
            )
        )  # fmt: skip
    return tuple(lines)


def html(view: View, templates: Path, made_at: datetime, paper: str) -> str:
    """The document before it becomes a PDF."""
    styles = templates / "styles"
    css = "".join((styles / name).read_text(encoding="utf-8") for name in ("report.css", "backtest.css"))
    css += f"@page {{ size: {paper} }}"
    template = environment(templates).get_template("reports/backtest.html.j2")
    # The style sheet is ours; escaping would break its quotes.
    return template.render(view=view, css=Markup(css), created=made_at.astimezone(UTC).isoformat())  # noqa: S704


def markdown(found: Backtest, view: View, *, number: int, replayed: bool, seconds: float, size: int) -> str:
    """What an operator reads in the run's artifact."""
    lines = [f"**{view.headline}**", "", *view.details, "", f"{view.name}, {view.range_text}", ""]
    lines += [f"- **{name}**: {_cell(what)}" for name, what in view.configurations]
    lines += ["", "| | a | b |" if view.two else "| | a |", "|---|---:|---:|" if view.two else "|---|---:|"]
    lines += [f"| {f.label} | {f.a} |{f' {f.b} |' if view.two else ''}" for f in view.figures]
    lines.append("")
    for which, lead, pages, rest in view.only:
        lines += [f"**Only {which}**: {lead}", ""]
        if pages:
            lines += ["| device | since | severity | why | mark |", "|---|---|---|---|---|"]
            lines += [
                f"| {_cell(p.device)} | {p.since} | {p.glyph} {p.severity} | {_cell(p.why)} | {p.verdict} |"
                for p in pages[:ARTIFACT_SHOWN]
            ]
            if len(pages) > ARTIFACT_SHOWN or rest:
                lines.append("| more are in the PDF | | | | |")
            lines.append("")
    if view.missed:
        lines += ["**Confirmed anomalies that would have been missed**", ""]
        lines += [f"- {_cell(item.device)}, {item.since}: missed by {item.by}" for item in view.missed]
        lines.append("")
    if view.noisiest:
        lines += _counted("device", view.noisiest, view.two)
    if len(view.sites) > 1:
        lines += _counted("site", view.sites, view.two)
    lines += [f"- {note}" for note in view.notes]
    lines.append(
        f"- backtest {number}, {'the same answer as before, kept once' if replayed else 'kept'}; "
        f"{found.rows:,} telemetry rows in {seconds:.0f} s"
    )
    lines.append(f"- its PDF ({size / 1024:.0f} KiB): `homepot-ai backtest --number {number}`")
    return "\n".join(lines) + "\n"


def _counted(what: str, items: Sequence[Counted], two: bool) -> list[str]:
    head = [f"| {what} | a | b |" if two else f"| {what} | a |", "|---|---:|---:|" if two else "|---|---:|"]
    body = [f"| {_cell(i.name)} | {i.a} |{f' {i.b} |' if two else ''}" for i in items[:ARTIFACT_SHOWN]]
    return [*head, *body, ""]


def _cell(text: str) -> str:
    """Text that cannot break a Markdown table, whoever wrote it."""
    return text.replace("|", "/").replace("`", "'").replace("<", "‹")
