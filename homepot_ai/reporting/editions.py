"""An edition of a report, from its facts: the document, what is rendered of it, and what is mailed of it.

The one place that knows how facts become pages. Pure, but for the templates and fonts that are read: the
same facts give the same words and the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homepot_ai.language.narrate import Narration
from homepot_ai.reporting import build, layout, layout_csv, layout_text, pdf
from homepot_ai.reporting.document import Difference, Document, Edition
from homepot_ai.reporting.facts import ReportFacts, canonical_json
from homepot_ai.reporting.letter import Letter, unsubscribe_address, unsubscribe_url
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


def templates_of(settings: Settings) -> Path:
    """Where the templates, styles and fonts lie."""
    return settings.templates


def document_of(
    facts: ReportFacts,
    edition: Edition,
    *,
    report_id: str,
    revision: int,
    differences: tuple[Difference, ...],
    templates: Path,
    narration: Narration | None = None,
) -> Document:
    """Word the facts for an edition."""
    return build.document(
        facts,
        edition,
        report_id=report_id,
        revision=revision,
        templates=templates,
        differences=differences,
        narration=narration,
    )


def job_of(document: Document, facts: ReportFacts, templates: Path) -> pdf.Job:
    """What the renderer's child needs to make the PDF."""
    html = layout.pdf_html(document, templates, facts.made.at)
    return pdf.Job(html, templates / "fonts", canonical_json(facts), facts.made.at)


def words_of(document: Document) -> Mapping[str, Any]:
    """What is kept of the words beside the PDF, to be searched and listed."""
    verdict = document.verdict
    return {
        "title": document.title,
        "verdict": verdict.headline,
        "details": list(verdict.details),
        "subject": document.subject,
    }


def tables_of(document: Document) -> Mapping[str, bytes]:
    """The tables as CSV, by file name."""
    return layout_csv.files(document)


def letter_of(document: Document, facts: ReportFacts, made: bytes, settings: Settings) -> Letter:
    """The edition as a mail, with its PDF and its tables attached."""
    revised = f"-r{document.revision}" if document.revision > 1 else ""
    name = document.report_id.removeprefix("rpt_") + revised
    letter = letter_of_document(document, list_name(facts, document.report_id), facts.made.at, settings)
    tables = {f"{name}-{table}": content for table, content in tables_of(document).items()}
    return replace(letter, pdfs={f"{name}.pdf": made}, tables=tables)


def letter_of_document(document: Document, series: str, made_at: datetime, settings: Settings) -> Letter:
    """Any document as a mail without attachments: its text, its HTML and its pictures.

    Args:
        series: what its mails have in common, see :func:`list_name`.
    """
    templates, drawn = templates_of(settings), layout.pictures(document)
    name = f"{document.report_id}.r{document.revision}@{settings.mail.domain}"
    cids = {key: f"{key}.{name}" for key in drawn}
    return Letter(
        subject=clean(document.subject, 200),
        made_at=made_at,
        text=layout_text.text(document, templates, unsubscribe_address(settings)),
        html=layout.mail_html(document, templates, cids, unsubscribe_url(series, settings)),
        list_name=series,
        reference=f"{document.report_id}; revision={document.revision}",
        language=document.edition.language,
        pictures={cids[key]: drawing.png(templates / "fonts") for key, drawing in drawn.items()},
        pdfs={},
        tables={},
    )


def list_name(facts: ReportFacts, report_id: str) -> str:
    """Kind and scope: what the mails of a series have in common.

    An incident's reports are one series per site, not one per incident.
    """
    scope = facts.scope.slug.lower() if facts.report_type == "incident" else report_id.split("_", 3)[-1]
    return f"{facts.report_type}-{scope.lower() or 'report'}"
