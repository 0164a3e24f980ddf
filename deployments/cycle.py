"""One whole cycle through the workers, and proof that a mail with a PDF arrived (`up --once`).

replay-sample → score-health → predict-failures → daily-report (site and fleet) → deliver → check-services.
Nothing here does the work itself: each part is a run of a deployment.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments import catalogue, runs
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from tasks.names import flow_of

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

PATIENCE_S = 300.0


class CycleFailed(HomepotAIError):
    """A part of the cycle failed, or its mail did not arrive."""


@dataclass(frozen=True)
class Delivered:
    """One report that arrived by mail: the stored mail, and its PDF taken out of it."""

    report_id: str
    recipient: str
    mail: Path
    pdf: Path


def main() -> int:
    """Run the cycle; 1 when any part failed."""
    settings = load_settings()
    try:
        delivered = run_cycle(settings)
    except HomepotAIError as error:
        print(f"\nThe cycle failed: {error}", file=sys.stderr)
        return 1
    print("\nThe cycle is complete. Reports that arrived by mail:")
    for item in delivered:
        print(f"  {item.report_id} to {item.recipient}")
        print(f"    PDF   {item.pdf}")
        print(f"    mail  {item.mail}")
    return 0


def run_cycle(settings: Settings) -> list[Delivered]:
    """Run each part and wait for it, then look for the mails.

    Raises:
        CycleFailed: naming the part.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for name, parameters in parts(settings):
            run_part(client, name, parameters)
    return arrived(settings)


def parts(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """The deployments of the cycle and their parameters, in order."""
    known = catalogue.installed(settings)
    scoring = [entry for entry in known if flow_of(entry) == "score-health"]
    order: list[tuple[str, dict[str, Any]]] = [
        ("replay-sample", {}),
        *((entry, {}) for entry in scoring),
        ("predict-failures", {}),
        # The fleet's zone: its sites, and the fleet itself.
        ("daily-report", {"timezone": settings.reports.timezone}),
        ("deliver", {}),
        ("check-services", {}),
    ]
    return [(name, parameters) for name, parameters in order if name in known]


def run_part(client: SyncPrefectClient, name: str, parameters: dict[str, Any]) -> runs.Ended:
    """Run one deployment through its worker and say how it went."""
    ended = runs.run(client, name, parameters, timeout_s=PATIENCE_S)
    print(f"  {name:<16} {ended.state:<10} {ended.seconds:5.1f} s  {ended.message}", flush=True)
    if not ended.good:
        raise CycleFailed(f"{name} ended {ended.state}: {ended.message}")
    return ended


def arrived(settings: Settings) -> list[Delivered]:
    """The mails of the newest reports as the mail server stored them, with their PDFs.

    Raises:
        CycleFailed: a queued mail was not sent, is not in the sink, or carries another PDF than
            the one stored.
    """
    rows = _queued(Database.from_settings(settings), settings.reports.timezone)
    if not rows:
        raise CycleFailed("no report of this cycle has a recipient: see `homepot-ai outbox`")
    stored = _by_message_id(settings.var_dir / "mail")
    found = []
    for report_id, revision, pdfs, recipient, message_id, state in rows:
        if state != "sent":
            raise CycleFailed(f"the mail of {report_id} to {recipient} is {state}: see `homepot-ai outbox`")
        mail = stored.get(message_id.strip("<>"))
        if mail is None:
            raise CycleFailed(f"the mail of {report_id} to {recipient} was sent but is not in var/mail")
        attached = _pdf_of(mail)
        if attached not in {bytes(pdf) for pdf in pdfs}:
            raise CycleFailed(f"{mail} does not carry the PDF that is stored for {report_id}")
        path = settings.var_dir / "reports" / f"{report_id}-r{revision}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(attached)
        found.append(Delivered(report_id, recipient, mail, path))
    return found


def _queued(database: Database, timezone: str) -> list[tuple[Any, ...]]:
    """The newest daily report of each scope in a zone, with its mails."""
    with database.reader() as conn:
        return conn.execute(
            """
            SELECT r.report_id, r.revision, e.pdfs, o.recipient, o.message_id, o.state::text
            FROM (SELECT DISTINCT ON (scope, site_id) * FROM ai_reports
                  WHERE report_type = 'daily' AND timezone = %s
                  ORDER BY scope, site_id, period_start DESC, revision DESC) AS r
            -- A recipient reads one of its editions.
            CROSS JOIN LATERAL (SELECT array_agg(pdf) AS pdfs FROM ai_report_editions
                                 WHERE report_id = r.report_id AND revision = r.revision) AS e
            JOIN ai_mail_outbox AS o ON o.reference = r.report_id AND o.kind = 'report'
             -- The mails of earlier revisions carry another PDF.
             AND o.key LIKE r.report_id || '#' || r.revision || ':%%'
            ORDER BY r.site_id NULLS FIRST, o.recipient
            """,
            [timezone],
        ).fetchall()


def _by_message_id(folder: Path) -> dict[str, Path]:
    return {str(_parse(path)["Message-ID"]).strip("<>"): path for path in sorted(folder.glob("*.eml"))}


def _pdf_of(mail: Path) -> bytes:
    for part in _parse(mail).iter_attachments():
        if part.get_content_type() == "application/pdf":
            content = part.get_content()
            assert isinstance(content, bytes)
            return content
    raise CycleFailed(f"{mail} carries no PDF")


def _parse(path: Path) -> EmailMessage:
    parsed = message_from_bytes(path.read_bytes(), policy=default_policy)
    assert isinstance(parsed, EmailMessage)
    return parsed


if __name__ == "__main__":
    raise SystemExit(main())
