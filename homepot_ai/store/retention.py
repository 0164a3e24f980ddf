"""What is old goes: events past their time, scores and hours past retention, archived first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

from homepot_ai.errors import DatabaseError
from homepot_ai.settings import Settings
from homepot_ai.store import audit, backtests, health_hours, llm, named_sql, outbox, scores
from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("store/sql/retention.sql")

# Rows held in memory while a day is written to its archive.
_CHUNK = 100_000


@dataclass(frozen=True)
class CleanSummary:
    """What a clean-up of the event cache found, and removed unless it was a dry run."""

    expired: int
    beyond: int
    kept: int
    devices: int
    per_device: int
    dry_run: bool

    def markdown(self) -> str:
        """What an operator reads first."""
        verb = "would remove (dry run, nothing was removed)" if self.dry_run else "removed"
        return (
            f"**Event cache: {verb} {self.expired + self.beyond} events**\n\n"
            f"| what | events |\n|---|---:|\n| past their time | {self.expired} |\n"
            f"| beyond {self.per_device} per device | {self.beyond} |\n"
            f"| kept, of {self.devices} devices | {self.kept} |\n"
        )


def clean_event_cache(db: Database, settings: Settings, now: datetime, dry_run: bool) -> CleanSummary:
    """Delete events past their time or beyond the newest ones of each device."""
    keep = settings.retention.events_per_device
    parameters = {"now": now, "keep": keep}
    with db.writer() as conn:
        expired, beyond = conn.execute(_SQL["stale_events"], parameters).fetchone() or (0, 0)
        if not dry_run and expired + beyond:
            conn.execute(_SQL["delete_stale_events"], parameters)
        kept, devices = conn.execute(_SQL["count_events"]).fetchone() or (0, 0)
    return CleanSummary(expired, beyond, kept, devices, keep, dry_run)


@dataclass(frozen=True)
class Removed:
    """One thing that retention archived and removed."""

    what: str
    rows: int
    archive: str


@dataclass(frozen=True)
class RetentionSummary:
    """What retention did; `notes` say what could not be done."""

    partitions_made: int
    mails_emptied: int
    backtests_emptied: int
    removed: Sequence[Removed]
    kept_days: int
    kept_bytes: int
    dry_run: bool
    calls_dropped: int = 0
    questions_dropped: int = 0

    def markdown(self) -> str:
        """What an operator reads first."""
        verb = "would archive and remove (dry run)" if self.dry_run else "archived and removed"
        lines = [
            f"**Retention: {verb} {len(self.removed)} parts**; {self.kept_days} days of scores kept "
            f"({self.kept_bytes / 1e6:.1f} MB), {self.partitions_made} partitions made ahead, "
            f"{self.mails_emptied} sent mails emptied of their content, {self.backtests_emptied} backtests "
            f"of their PDF, {self.calls_dropped} calls of a language model and {self.questions_dropped} "
            f"questions {'would go' if self.dry_run else 'gone'}",
            "",
        ]
        if self.removed:
            lines += ["| part | rows | archive |", "|---|---:|---|"]
            lines += [f"| {r.what} | {r.rows} | `{r.archive}` |" for r in self.removed]
        return "\n".join(lines) + "\n"


def apply_retention(db: Database, settings: Settings, now: datetime, dry_run: bool) -> RetentionSummary:
    """Archive to Parquet, verify the archive, then drop: scores by day, hours by age.

    Every kept day that is over is rolled up to hours first, and so is one whose scores go: hours stay
    (`retention.hour_days`), and reports read them.

    Killed anywhere it loses nothing: a part is dropped only after its archive
    was read back with the same number of rows; an archive already there for a
    day that is still in the database is written anew.
    """
    archive = settings.var_dir / "archive"
    first_kept = now.astimezone(UTC).date() - timedelta(days=settings.retention.score_days)
    removed: list[Removed] = []
    with db.writer() as conn:
        made = 0 if dry_run else scores.ensure_partitions(conn, now, now)
        partitions: list[tuple[date, int, int]] = conn.execute(_SQL["score_partitions"]).fetchall()
    if not dry_run:
        today = _day(now.astimezone(UTC).date())["day"]
        health_hours.roll_up(db, settings, _day(first_kept)["day"], today, now=now)
    for day, _, estimate in partitions:
        if day >= first_kept:
            continue
        path = archive / "scores" / f"{day:%Y-%m-%d}.parquet"
        if dry_run:
            removed.append(Removed(f"scores of {day}", estimate, str(path)))
            continue
        health_hours.roll_up(db, settings, _day(day)["day"], _day(day)["next_day"], now=now)
        with db.writer() as conn:
            rows = _archive(conn, "export_day", _day(day), path)
            conn.execute(_SQL["drop_partition"], {"day": day})
            conn.execute(_SQL["delete_gaps"], {"before": _day(day)["next_day"]})
            _audit(conn, now, f"ai_health_scores {day}", rows, path)
        removed.append(Removed(f"scores of {day}", rows, str(path)))
    removed += _old_hours(db, settings, now, archive, dry_run)
    kept = [(day, size) for day, size, _ in partitions if day >= first_kept]
    mails = tried = 0
    with db.writer() as conn:
        calls, questions = llm.forget(conn, _day(first_kept)["day"], dry_run=dry_run)
    if not dry_run:
        with db.writer() as conn:
            before = now - timedelta(days=settings.retention.mail_content_days)
            mails = outbox.forget_payloads(conn, before=before)
            mails += outbox.forget_payloads(conn, before=before, box=outbox.CHANNELS)
            before = now - timedelta(days=settings.retention.backtest_pdf_days)
            tried = backtests.forget_pdfs(conn, before=before)
    return RetentionSummary(
        made, mails, tried, removed, len(kept), sum(size for _, size in kept), dry_run, calls, questions
    )


def _old_hours(
    db: Database, settings: Settings, now: datetime, archive: Path, dry_run: bool
) -> list[Removed]:
    before = datetime.combine(
        now.astimezone(UTC).date() - timedelta(days=settings.retention.hour_days), clock(), UTC
    )
    removed = []
    for what, table in (("hours", "ai_metric_hours"), ("health-hours", "ai_health_hours")):
        with db.writer() as conn:
            count, oldest = conn.execute(_SQL[f"old_{table}"], {"before": before}).fetchone() or (0, None)
            if not count:
                continue
            path = archive / what / f"{oldest:%Y-%m-%d}_{before:%Y-%m-%d}.parquet"
            if not dry_run:
                _archive(conn, f"export_{table}", {"before": before}, path)
                conn.execute(_SQL[f"delete_{table}"], {"before": before})
                _audit(conn, now, f"{table} before {before:%Y-%m-%d}", count, path)
        removed.append(Removed(f"{what.replace('-', ' ')} before {before:%Y-%m-%d}", count, str(path)))
    if not dry_run:
        with db.writer() as conn:
            # Which minutes were scored is known as long as the hours that were made of them.
            conn.execute(_SQL["delete_minutes"], {"before": before})
            conn.execute(_SQL["delete_rollups"], {"before": before})
    return removed


def _day(day: date) -> dict[str, datetime]:
    start = datetime.combine(day, clock(), UTC)
    return {"day": start, "next_day": start + timedelta(days=1)}


def _archive(conn: Connection, statement: str, parameters: dict[str, Any], path: Path) -> int:
    """Write a query's rows to Parquet and read them back; returns how many there are.

    Raises:
        DatabaseError: the archive does not hold what the database does. Nothing was dropped.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    schema = _schema(statement)
    written = 0
    # A named cursor streams: a day of a large fleet does not fit in memory.
    with (
        conn.cursor(name="archive") as cursor,
        pq.ParquetWriter(part, schema, compression="zstd") as writer,
    ):
        cursor.execute(_SQL[statement], parameters)
        while rows := cursor.fetchmany(_CHUNK):
            columns = [list(column) for column in zip(*rows, strict=True)]
            writer.write_table(pa.table(columns, schema=schema))
            written += len(rows)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    if pq.read_metadata(part).num_rows != written:
        raise DatabaseError(
            f"the archive {part} does not hold the {written} rows that were written to it: the disk may be "
            "full or damaged. Nothing was removed from the database"
        )
    part.replace(path)
    return written


def _schema(statement: str) -> Any:
    """The archive's columns; as in the tables, so that pandas or DuckDB read what we wrote."""
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    if statement == "export_day":
        return pa.schema(
            {
                "device_id": pa.int32(), "at": moment, "score": pa.float32(), "status": pa.string(),
                "reason": pa.string(), "sample_count": pa.int16(), "data_age_seconds": pa.float32(),
                "factors": pa.string(),
            }
        )  # fmt: skip
    if statement == "export_ai_health_hours":
        counts = (
            "healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored", "young", "unjudged",
            "open_minutes", "open_judged", "open_with_data", "open_critical",
        )  # fmt: skip
        return pa.schema(
            {
                "device_id": pa.int32(), "hour": moment, "last_at": moment, "score_points": pa.int32(),
                "lowest": pa.float32(), **dict.fromkeys(counts, pa.int16()), "ages": pa.list_(pa.int16()),
                "last_status": pa.string(),
            }
        )  # fmt: skip
    numbers = {name: pa.list_(pa.float32()) for name in ("mean", "min", "max", "last")}
    return pa.schema(
        {
            "device_id": pa.int32(), "hour": moment, "metrics": pa.list_(pa.string()),
            "n": pa.list_(pa.int32()), **numbers,
        }
    )  # fmt: skip


def _audit(conn: Connection, now: datetime, subject: str, rows: int, path: Path) -> None:
    audit.record(
        conn,
        at=now,
        actor="apply-retention",
        action="archived and removed",
        subject=subject,
        purpose="retention",
        details={"rows": rows, "archive": path.name},
    )
