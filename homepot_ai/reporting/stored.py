"""Reports as they were made: reading and writing `ai_reports`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from homepot_ai.errors import ReportError
from homepot_ai.reporting.document import Difference
from homepot_ai.reporting.facts import ReportFacts, Scope, facts_hash, restore
from homepot_ai.reporting.view import DailyView, build
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load

_SQL = "reporting/sql/stored.sql"


@dataclass(frozen=True)
class StoredReport:
    """A report that was made. `pdf` and `facts` never change; a correction is a new revision."""

    report_id: str
    revision: int
    facts: ReportFacts
    facts_hash: str
    pdf: bytes
    generated_at: datetime
    paper: str
    differences: tuple[Difference, ...]

    @property
    def view(self) -> DailyView:
        """The words and drawings, made again from the stored facts."""
        return build(
            self.facts,
            report_id=self.report_id,
            revision=self.revision,
            paper=self.paper,
            differences=self.differences,
        )


def read(conn: Connection, report_id: str, revision: int | None = None) -> StoredReport | None:
    """A revision of a report, the latest when none is named; None when it was never made.

    Raises:
        ReportError: the stored facts do not have the hash stored with them.
    """
    statement = "stored_latest" if revision is None else "stored_revision"
    cursor: psycopg.Cursor[Any] = conn.cursor()
    row = cursor.execute(load(_SQL)[statement], {"report_id": report_id, "revision": revision}).fetchone()
    if row is None:
        return None
    _, found, _, _, _, content, digest, pdf, generated_at, differences = row
    facts = restore(content["facts"])
    if facts_hash(facts) != digest:
        raise ReportError(
            f"the stored facts of {report_id} revision {found} were altered: their hash is "
            f"{facts_hash(facts)}, stored is {digest}; look at ai_reports, or make it again with --revise"
        )
    return StoredReport(
        report_id,
        found,
        facts,
        digest,
        bytes(pdf),
        generated_at,
        content.get("paper", "A4"),
        tuple(Difference(**item) for item in differences or ()),
    )


def insert(conn: Connection, report: StoredReport, *, mode: str, template_version: str) -> bool:
    """Store a revision; False when somebody else stored it first."""
    facts, view = report.facts, report.view
    words = {"verdict": view.verdict.headline, "details": list(view.verdict.details), "subject": view.subject}
    row = conn.execute(
        load(_SQL)["insert_report"],
        {
            "report_id": report.report_id,
            "revision": report.revision,
            "report_type": facts.report_type,
            "scope": facts.scope.kind,
            "site_id": facts.scope.id,
            "period_start": facts.period.start,
            "period_end": facts.period.end,
            "timezone": facts.period.timezone,
            "mode": mode,
            "content": Jsonb({"facts": facts.model_dump(mode="json"), "words": words, "paper": report.paper}),
            "facts_hash": report.facts_hash,
            "pdf": report.pdf,
            "template_version": template_version,
            "generated_at": report.generated_at,
            "differences": Jsonb([asdict(item) for item in report.differences])
            if report.differences
            else None,
        },
    ).fetchone()
    return row is not None


def subscribers(conn: Connection, kind: str, scope: Scope) -> list[tuple[int, str]]:
    """Active subscriptions to a kind of report of a scope: (id, address), in order of subscription."""
    rows = conn.execute(
        load(_SQL)["subscribers"], {"kind": kind, "scope": scope.kind, "scope_id": scope.id}
    ).fetchall()
    return [(int(str(id_)), str(address)) for id_, address in rows]


def note_recipients(conn: Connection, report_id: str, revision: int, subscriptions: Sequence[int]) -> None:
    """Remember which subscriptions a revision was queued for (their addresses stay where they are)."""
    conn.execute(
        load(_SQL)["note_recipients"],
        {"report_id": report_id, "revision": revision, "recipients": Jsonb(sorted(subscriptions))},
    )
