"""Reports as they were made: one record of facts per revision, and a PDF per edition of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from homepot_ai.errors import ReportError
from homepot_ai.reporting.document import Difference, Edition
from homepot_ai.reporting.facts import ReportFacts, canonical_json, facts_hash, restore
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load

_SQL = load("reporting/sql/stored.sql")


@dataclass(frozen=True)
class StoredReport:
    """A report that was made. It never changes; a correction is a new revision.

    Attributes:
        edition, pdf: the first edition that was made of it; :func:`edition` has the others. `pdf` is empty
            where retention emptied it: it is rendered again when it is asked for.
    """

    report_id: str
    revision: int
    facts: ReportFacts
    facts_hash: str
    generated_at: datetime
    differences: tuple[Difference, ...]
    edition: Edition
    pdf: bytes


@dataclass(frozen=True)
class OlderReport:
    """A report from before facts were kept as they are now: its PDF is there, nothing can be made of it."""

    report_id: str
    revision: int
    facts_hash: str
    generated_at: datetime
    edition: Edition
    pdf: bytes
    words: Mapping[str, Any]


def read(conn: Connection, report_id: str, revision: int | None = None) -> StoredReport | OlderReport | None:
    """A revision of a report, the latest when none is named; None when it was never made.

    Raises:
        ReportError: the stored facts do not have the hash stored with them.
    """
    row: tuple[Any, ...] | None = conn.execute(
        _SQL["stored_report"], {"report_id": report_id, "revision": revision}
    ).fetchone()
    if row is None:
        return None
    found, text, digest, generated_at, differences, mode, language, paper, pdf, words = row
    edition = Edition(mode, language, paper)
    if text is None:
        return OlderReport(report_id, found, digest, generated_at, edition, bytes(pdf), words)
    seen = hashlib.sha256(text.encode()).hexdigest()
    if seen != digest:
        raise ReportError(
            f"the stored facts of {report_id} revision {found} were altered: their hash is "
            f"{seen}, stored is {digest}; look at ai_reports, or make it again with --revise"
        )
    return StoredReport(
        report_id,
        found,
        restore(orjson.loads(text)),
        digest,
        generated_at,
        tuple(Difference(**item) for item in differences or ()),
        edition,
        bytes(pdf),
    )


def edition(conn: Connection, report_id: str, revision: int, wanted: Edition) -> bytes | None:
    """The PDF of an edition, if it was made and is still kept: a report's facts stay longer than its PDFs."""
    row = conn.execute(
        _SQL["edition"], {"report_id": report_id, "revision": revision, **asdict(wanted)}
    ).fetchone()
    return None if row is None or row[0] is None else bytes(row[0])


def narrations(conn: Connection, report_id: str, revision: int) -> dict[Edition, Mapping[str, Any] | None]:
    """Every edition that was made, with the words of its passage; None: it has none."""
    rows = conn.execute(_SQL["narrations"], {"report_id": report_id, "revision": revision}).fetchall()
    return {Edition(*which): told for *which, told in rows}


def insert(
    conn: Connection,
    report_id: str,
    revision: int,
    facts: ReportFacts,
    differences: tuple[Difference, ...],
    first: Edition,
) -> bool:
    """Store a revision; False when somebody else stored it first.

    Args:
        first: the edition that replays when none is asked for.
    """
    header = facts.incident_header
    row = conn.execute(
        _SQL["insert_report"],
        {
            "report_id": report_id,
            "revision": revision,
            "report_type": facts.report_type,
            "scope": facts.scope.kind,
            "scope_name": facts.name.name,
            "site_id": facts.scope.id if facts.scope.kind == "site" else None,
            "device_id": facts.scope.id if facts.scope.kind == "device" else None,
            "period_start": facts.period.start,
            "period_end": facts.period.end,
            "timezone": facts.period.timezone,
            "mode": first.mode,
            # What is looked at most, without reading the facts.
            "content": Jsonb(
                {
                    "devices": facts.headline.figures.devices if facts.headline else 0,
                    "language": first.language,
                    "paper": first.paper,
                    "final": header is not None and header.final,
                }
            ),
            "facts": canonical_json(facts).decode(),
            "facts_hash": facts_hash(facts),
            "generated_at": facts.made.at,
            "differences": Jsonb([asdict(item) for item in differences]) if differences else None,
        },
    ).fetchone()
    return row is not None


def insert_edition(
    conn: Connection,
    report_id: str,
    revision: int,
    which: Edition,
    pdf: bytes,
    words: Mapping[str, Any],
    template_version: str,
    narration: Mapping[str, Any] | None,
) -> bool:
    """Store an edition, or find it stored; False when somebody else stored it meanwhile in other words."""
    row = conn.execute(
        _SQL["insert_edition"],
        {
            "report_id": report_id,
            "revision": revision,
            **asdict(which),
            "pdf": pdf,
            "words": Jsonb(dict(words)),
            "template_version": template_version,
            "narration": None if narration is None else Jsonb(dict(narration)),
        },
    )
    return row.rowcount == 1 or edition(conn, report_id, revision, which) == pdf


def of_incident(conn: Connection, incident: int) -> str | None:
    """The id of the report of an incident, if one was made."""
    row = conn.execute(_SQL["incident_report"], {"incident": incident}).fetchone()
    return None if row is None else str(row[0])


def incidents_to_report(conn: Connection, *, since: datetime, now: datetime, limit: int) -> list[int]:
    """Incidents that opened and have no report, or closed after theirs was made; the oldest first."""
    rows = conn.execute(_SQL["incidents_to_report"], {"since": since, "now": now, "limit": limit}).fetchall()
    return [int(row[0]) for row in rows]


def note_recipients(conn: Connection, report_id: str, revision: int, subscriptions: set[int]) -> None:
    """Remember which subscriptions a revision was queued for (their addresses stay where they are)."""
    conn.execute(
        _SQL["note_recipients"],
        {"report_id": report_id, "revision": revision, "recipients": Jsonb(sorted(subscriptions))},
    )
