"""The child that turns documents into PDFs: jobs on standard input, PDFs on standard output.

Run by :class:`homepot_ai.reporting.render_pool.RenderPool` as
`python -m homepot_ai.reporting.render MEMORY_MB`. A frame is a byte that says what it is, eight bytes of
length, and that many bytes: a job in; a PDF or a complaint out.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

from homepot_ai.reporting.pdf import FACTS_NAME, Job

SCHEME = "fonts:"
JOB, PDF, COMPLAINT = b"J", b"P", b"C"


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

    class Fetcher(URLFetcher):  # type: ignore[misc] # weasyprint has no types
        """`data:` and the shipped fonts, nothing else: no network, no other file."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url.startswith(SCHEME):
                name = Path(url.removeprefix(SCHEME)).name
                try:
                    body = (job.fonts / name).read_bytes()
                except OSError as error:
                    raise FatalURLFetchingError(
                        f"the font {name} is missing in {job.fonts}; restore templates/fonts"
                    ) from error
                return URLFetcherResponse(url, body, {"Content-Type": "font/otf"})
            if not url.startswith("data:"):
                raise FatalURLFetchingError(f"the document wants to fetch {url[:200]!r}: nothing is fetched")
            return super().fetch(url, headers)

    complaints = _Complaints()
    logger = logging.getLogger("weasyprint")
    logger.addHandler(complaints)
    try:
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
    finally:
        logger.removeHandler(complaints)
    errors = [line for level, line in complaints.lines if level >= logging.ERROR]
    if errors:
        raise RuntimeError("; ".join(errors))
    return made, [line for _, line in complaints.lines]


def write_frame(stream: BinaryIO, kind: bytes, payload: bytes) -> None:
    """One frame out."""
    stream.write(kind + len(payload).to_bytes(8, "big") + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """One frame in; None at the end of the stream, also in the middle of a frame."""
    head = stream.read(9)
    if len(head) < 9:
        return None
    length = int.from_bytes(head[1:], "big")
    payload = stream.read(length)
    return None if len(payload) < length else (head[:1], payload)


def main() -> int:
    """Render job after job until nobody asks any more; what goes wrong with one is a complaint."""
    ceiling = int(sys.argv[1]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    # Whatever a library prints must not get between the frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(Exception):  # the first job says what is wrong with it
        import weasyprint  # noqa: F401 - while the parent still gathers
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        try:
            job = Job.parse(frame[1])
            # Read by the libraries that write dates into the document and its fonts.
            os.environ["SOURCE_DATE_EPOCH"] = str(int(job.made_at.timestamp()))
            made, warnings = pdf(job)
        except (MemoryError, SystemError):
            # C code that gets no memory returns nothing and sets no exception: to Python a SystemError.
            # What is left of the memory is not worth another job.
            write_frame(out, COMPLAINT, b"MemoryError: the document needs more memory than it may have")
            return 1
        except Exception as error:  # the parent turns the line into a ReportError
            write_frame(out, COMPLAINT, f"{type(error).__name__}: {error}".encode())
            continue
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        write_frame(out, PDF, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
