"""The PDF itself: tagged, titled, with alternative texts, facts inside, nothing fetched, same bytes twice."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pypdf import PdfReader

from homepot_ai.errors import ReportError
from homepot_ai.reporting import layout, pdf, render
from homepot_ai.reporting.build import document
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.drawing import Area, Dot, Drawing, Label, Line
from homepot_ai.reporting.facts import ReportFacts, canonical_json, facts_hash
from homepot_ai.reporting.narration import by_template
from homepot_ai.reporting.templating import environment, template_version
from homepot_ai.testing import gallery, report_examples_kinds
from homepot_ai.testing.report_examples import example
from homepot_ai.text import clean
from tests.unit.test_report_words import HOSTILE

TEMPLATES = Path(__file__).parents[2] / "templates"


def job_of(facts: ReportFacts, edition: Edition | None = None) -> pdf.Job:
    edition = edition or Edition()
    seen = document(
        facts, edition, report_id="rpt_20261119_daily_site1", revision=1, templates=TEMPLATES,
        narration=by_template(facts, edition, TEMPLATES),
    )  # fmt: skip
    html = layout.pdf_html(seen, TEMPLATES, facts.made.at)
    return pdf.Job(html, TEMPLATES / "fonts", canonical_json(facts), facts.made.at)


@functools.cache
def rendered(kind: str, edition: Edition | None = None) -> bytes:
    """A page drawn in this process: what the renderer's own process makes is compared with it below."""
    made, warnings = render.pdf(job_of(example(kind), edition))
    assert warnings == []
    return made


@pytest.fixture(scope="module")
def bad() -> tuple[ReportFacts, bytes]:
    facts = example("bad", fleet=True)
    return facts, pdf.render(job_of(facts))


def text_of(data: bytes) -> str:
    return " ".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


def tree(data: bytes) -> list[tuple[str, str]]:
    """(kind, alternative text) of every element of the structure tree, in reading order."""
    document = pikepdf.open(io.BytesIO(data))

    def walk(node: Any) -> Iterator[tuple[str, str]]:
        if isinstance(node, pikepdf.Dictionary) and "/S" in node:
            yield str(node.S), str(node.get("/Alt", ""))
        children = node.get("/K") if isinstance(node, pikepdf.Dictionary) else None
        for child in children if isinstance(children, pikepdf.Array) else [children]:
            if isinstance(child, pikepdf.Dictionary):
                yield from walk(child)

    return list(walk(document.Root.StructTreeRoot))


def test_it_is_tagged_titled_and_in_a_language(bad: tuple[ReportFacts, bytes]) -> None:
    document = pikepdf.open(io.BytesIO(bad[1]))
    root = document.Root

    assert "/StructTreeRoot" in root
    assert bool(root.MarkInfo.Marked)
    assert str(root.Lang) == "en"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert str(document.docinfo.Title) == "Daily report: Whole fleet, Thursday 19 November 2026"
    assert b"pdfuaid" in root.Metadata.read_bytes()
    assert document.docinfo.CreationDate == "D:20261120050004+00'00" or "20261120050004" in str(
        document.docinfo.CreationDate
    )


def test_every_figure_says_what_it_shows(bad: tuple[ReportFacts, bytes]) -> None:
    texts = [alternative for kind, alternative in tree(bad[1]) if kind == "/Figure"]

    # One day chart, one bar of statuses, ten sparklines, three sites' bars, and bands and shares.
    assert len(texts) > 25
    assert all(len(text) > 10 for text in texts), texts
    assert any(text.startswith("Health of Gateway 1: lowest 0.04 at 04:23") for text in texts)
    assert any(text.startswith("Devices by status over time: most trouble") for text in texts)


def test_headings_are_in_order_and_tables_have_heads(bad: tuple[ReportFacts, bytes]) -> None:
    kinds = [kind for kind, _ in tree(bad[1])]
    headings = [int(kind[2]) for kind in kinds if re.fullmatch(r"/H[1-6]", kind)]

    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(headings))
    # A table that runs over a page's end is tagged once per page, its caption once.
    assert kinds.count("/Caption") == 7
    assert kinds.count("/Table") >= 7
    assert kinds.count("/THead") == kinds.count("/Table")
    assert kinds.count("/TH") > 40


def test_the_facts_are_inside_and_their_hash_is_printed(bad: tuple[ReportFacts, bytes]) -> None:
    facts, data = bad
    attachments = PdfReader(io.BytesIO(data)).attachments

    assert list(attachments) == ["facts.json"]
    content = attachments["facts.json"][0]
    assert content == canonical_json(facts)
    assert hashlib.sha256(content).hexdigest() == facts_hash(facts)
    for page in PdfReader(io.BytesIO(data)).pages:
        assert facts_hash(facts) in page.extract_text().replace("\n", "")


def test_every_page_says_what_when_and_which(bad: tuple[ReportFacts, bytes]) -> None:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(bad[1])).pages]

    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in text
        assert "Made Friday 20 November 2026 06:00 CET (UTC+01:00)" in text
        assert "Whole fleet" in text
        assert "Thursday 19 November 2026" in text


@pytest.mark.parametrize("kind", ["bad", "quiet", "degraded", "silent", "empty"])
def test_the_same_facts_give_the_same_bytes_in_whatever_process(kind: str) -> None:
    assert pdf.render(job_of(example(kind))) == rendered(kind)


def test_a_quiet_day_is_one_page_and_small() -> None:
    data = rendered("quiet")

    assert len(PdfReader(io.BytesIO(data)).pages) == 1
    assert len(data) < 200_000
    assert "A quiet day: all 25 controlled devices stayed healthy." in text_of(data)


def test_a_degraded_day_says_what_is_missing() -> None:
    text = text_of(rendered("degraded"))

    assert "This section could not be made: column" in text
    assert "Incomplete: only 60.5 % of the minutes due were scored." in text
    assert "no comparison: nothing was scored on Thu 12 Nov" in text


def test_nothing_is_ever_blank() -> None:
    for kind in ("silent", "empty"):
        text = text_of(rendered(kind))
        for heading in (
            "Worst devices",
            "Anomalies",
            "Telemetry received",
            "Silenced",
            "Next 72 hours",
            "Self-check",
        ):
            assert heading in text


def test_letter_paper() -> None:
    box = PdfReader(io.BytesIO(rendered("quiet", Edition(paper="Letter")))).pages[0].mediabox

    assert (round(box.width), round(box.height)) == (612, 792)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_are_printed_as_they_are(name: str) -> None:
    made, _ = render.pdf(job_of(example("bad", name=clean(name))))
    text = text_of(made)

    assert "4 of 25 controlled devices need attention." in text
    if name.startswith("<script>"):
        assert "<script>alert(1)</script>" in text
    if name.startswith("{{"):
        assert "{{ 7 * 7 }}" in text


def test_three_hundred_devices() -> None:
    data = pdf.render(job_of(example("bad", devices=300)))

    assert len(PdfReader(io.BytesIO(data)).pages) <= 5
    assert len(data) < 1_000_000
    assert "4 of 300 controlled devices need attention." in text_of(data)


def test_a_day_of_25_hours_says_so() -> None:
    facts = example("bad", which=date(2026, 10, 25))
    text = text_of(pdf.render(job_of(facts)))

    assert "00:00 CEST (UTC+02:00) to 24:00 CET (UTC+01:00), 25 hours: the clock was changed" in text


@pytest.mark.parametrize(
    "fetching",
    [
        '<img src="http://192.0.2.1/x.png" alt="x">',
        '<img src="file:///etc/hostname" alt="x">',
        '<link rel="stylesheet" href="https://192.0.2.1/x.css">',
        "<style>@font-face{font-family:X;src:url(fonts:missing.otf)}p{font-family:X}</style><p>x</p>",
        '<object data="ftp://192.0.2.1/x"></object>',
    ],
)
def test_whatever_wants_to_be_fetched_fails_loudly(fetching: str) -> None:
    job = pdf.Job(
        f'<html lang="en"><head><title>x</title></head><body>{fetching}</body></html>',
        TEMPLATES / "fonts",
        b"{}",
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    with pytest.raises(ReportError, match="could not be rendered"):
        pdf.render(job)


def test_a_font_path_cannot_leave_its_folder(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "secret.otf").write_bytes((TEMPLATES / "fonts" / "Inter-Regular.otf").read_bytes())
    html = (
        '<html lang="en"><head><title>x</title><style>@font-face{font-family:X;'
        "src:url(fonts:../secret.otf)}p{font-family:X}</style></head><body><p>x</p></body></html>"
    )
    with pytest.raises(ReportError, match="could not be rendered"):
        pdf.render(pdf.Job(html, tmp_path / "fonts", b"{}", datetime(2026, 1, 1, tzinfo=UTC)))


def test_a_missing_font_is_named(tmp_path: Path) -> None:
    job = job_of(example("quiet"))
    with pytest.raises(ReportError, match=r"the font Inter-\w+.otf is missing in"):
        pdf.render(dataclasses.replace(job, fonts=tmp_path))


def test_a_long_report_has_contents_and_bookmarks_that_lead_to_its_sections() -> None:
    made, warnings = render.pdf(job_of(report_examples_kinds.week(), Edition("executive", "de")))
    document = pikepdf.open(io.BytesIO(made))
    reader = PdfReader(io.BytesIO(made))

    assert warnings == []
    assert str(document.Root.Lang) == "de"
    titles = [str(entry["/Title"]) for entry in flat(reader.outline)]
    assert titles[0] == "Gesamte Flotte"
    assert {"Die wichtigsten Zahlen", "Störungen", "Ist diesem Bericht zu trauen"} <= set(titles)
    text = reader.pages[0].extract_text()
    assert "Inhalt" in text
    assert "Seite 1 von" in text
    links = [annotation for annotation in document.pages[0].Annots if annotation.get("/Subtype") == "/Link"]
    assert len(links) > 10
    figures = [alternative for kind, alternative in tree(made) if kind == "/Figure"]
    assert len(figures) > 5
    assert all(len(alternative) > 10 for alternative in figures), figures


def flat(outline: list[Any]) -> Iterator[Any]:
    for entry in outline:
        if isinstance(entry, list):
            yield from flat(entry)
        else:
            yield entry


@pytest.mark.parametrize("kind", ["month", "incident", "range"])
def test_every_kind_is_tagged_and_every_drawing_told(kind: str) -> None:
    made = gallery.printed(gallery.KINDS[kind](), Edition())
    elements = tree(made)
    headings = [int(name[2]) for name, _ in elements if re.fullmatch(r"/H[1-6]", name)]

    assert headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(headings))
    assert all(len(text) > 10 for name, text in elements if name == "/Figure")
    assert len(made) < 1_000_000


def test_a_renderer_that_hangs_is_stopped() -> None:
    with pytest.raises(ReportError, match="took longer than"):
        pdf.render(job_of(example("quiet")), timeout_s=0.05)


def test_fonts_are_the_shipped_ones(bad: tuple[ReportFacts, bytes]) -> None:
    document = pikepdf.open(io.BytesIO(bad[1]))
    names = {
        str(item.get("/BaseFont", ""))
        for item in document.objects
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font"
    }

    assert names
    assert all("Inter" in name for name in names), names


def test_templates_are_versioned_and_missing_ones_are_named(tmp_path: Path) -> None:
    assert re.fullmatch(r"report-2\+[0-9a-f]{8}", template_version(TEMPLATES))
    with pytest.raises(ReportError, match="does not exist"):
        environment(tmp_path / "none")


def test_a_drawing_is_the_same_in_both_worlds() -> None:
    drawing = Drawing(
        40,
        20,
        'A "title" <with> & signs',
        (
            Area(((0, 0), (20, 0), (20, 20), (0, 20)), "#0072B2"),
            Line(((20, 10), (40, 10)), "#D55E00", 2),
            Dot((30, 5), 3, "#009E73"),
            Label((22, 18), "a<b", 6, "#000000", bold=True),
        ),
    )
    svg, png = drawing.svg(), drawing.png(TEMPLATES / "fonts", scale=2)

    assert "<title>A &quot;title&quot; &lt;with&gt; &amp; signs</title>" in svg
    assert "a&lt;b" in svg
    assert png == drawing.png(TEMPLATES / "fonts", scale=2)
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    assert image.size == (80, 40)
    assert image.getpixel((20, 20)) == (0, 114, 178)
    assert image.getpixel((78, 2)) == (255, 255, 255)
