"""The child that turns one document into one PDF: a job on standard input, a PDF on standard output.

Run by :func:`homepot_ai.reporting.pdf.render` as `python -m homepot_ai.reporting.render`.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from homepot_ai.reporting.pdf import FACTS_NAME, Job

SCHEME = "fonts:"


class _Complaints(logging.Handler):
    """Keeps what WeasyPrint only logs: a misspelt option or a font that is missing is an error there."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelno, record.getMessage()))


def pdf(job: Job) -> tuple[bytes, list[str]]:
    """Render a job in this process.

    Returns:
        The PDF and WeasyPrint's warnings.

    Raises:
        RuntimeError: WeasyPrint logged an error, or something wanted to be fetched.
    """
    import weasyprint
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    complaints = _Complaints()
    logging.getLogger("weasyprint").addHandler(complaints)

    class Fetcher(URLFetcher):  # type: ignore[misc] # weasyprint has no types
        """`data:` and the shipped fonts, nothing else: no network, no other file."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url.startswith(SCHEME):
                name = Path(url.removeprefix(SCHEME)).name
                body = (job.fonts / name).read_bytes()
                return URLFetcherResponse(url, body, {"Content-Type": "font/otf"})
            if not url.startswith("data:"):
                raise FatalURLFetchingError(f"the document wants to fetch {url[:200]!r}: nothing is fetched")
            return super().fetch(url, headers)

    fetcher = Fetcher(allowed_protocols={"data"}, allow_redirects=False, fail_on_errors=True)
    attachment = weasyprint.Attachment(
        string=job.facts.decode(),
        name=FACTS_NAME,
        description="All facts of this report, canonical JSON",
        created=job.made_at,
        modified=job.made_at,
        relationship="Data",
    )
    document = weasyprint.HTML(string=job.html, url_fetcher=fetcher)
    made: bytes = document.write_pdf(pdf_variant="pdf/ua-1", attachments=[attachment])
    errors = [line for level, line in complaints.lines if level >= logging.ERROR]
    if errors:
        raise RuntimeError("; ".join(errors))
    return made, [line for _, line in complaints.lines]


def main() -> int:
    """Read a job, write a PDF; anything that goes wrong is one line on standard error and exit 1."""
    try:
        made, warnings = pdf(Job.parse(sys.stdin.buffer.read()))
    except Exception as error:  # the parent turns the line into a ReportError
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
