"""What is past its time is archived, verified and dropped: scores by day, everything else by its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

import psycopg
from psycopg import sql

from homepot_ai.errors import HomepotAIError
from homepot_ai.retention import archive, folders, rules, taking
from homepot_ai.retention.records import Emptied, Removed, RetentionSummary
from homepot_ai.retention.rules import RULES, Rule
from homepot_ai.settings import Settings
from homepot_ai.store import audit, backtests, health_hours, named_sql, outbox, scores
from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("retention/sql/retention.sql")

#: A measurement of sizes is kept as often as it was made for so long.
FINE = timedelta(days=7)
#: Called with each part when it is done.
Told = Callable[[Removed], None]


def apply_retention(
    db: Database, settings: Settings, now: datetime, dry_run: bool, told: Told | None = None
) -> RetentionSummary:
    """Archive to Parquet, verify the archive, then drop.

    Every kept day that is over is rolled up to hours first, and so is one whose scores go: hours stay
    (`retention.hour_days`), and reports read them.

    Killed anywhere it loses nothing: rows are gone only when the transaction commits that records
    their archive, which was read back before. What cannot be done is told in `failed`, and the rest goes on.
    """
    work = _Work(db, settings, now, told or (lambda _: None))
    kept_from = rules.first_kept(now, settings.retention.score_days)
    with db.writer() as conn:
        made = 0 if dry_run else scores.ensure_partitions(conn, now, now)
        partitions: list[tuple[date, int]] = conn.execute(_SQL["score_partitions"]).fetchall()
    kept = [(day, size) for day, size in partitions if _begin(day) >= kept_from]
    old = [day for day, _ in partitions if _begin(day) < kept_from]
    files = folders.old_files(settings, now)
    if dry_run:
        removed = [
            Removed(f"scores of {day}", work.scores(day), work.expected("ai_health_scores", f"{day}"))
            for day in old
        ]
        for rule in RULES:
            removed += work.count(rule)
        emptied = work.contents()
    else:
        health_hours.roll_up(db, settings, kept_from, rules.midnight(now), now=now)
        for day in old:
            work.attempt(f"scores of {day}", lambda day=day: work.drop_day(day))  # type: ignore[misc]
        # Contents first: what is kept elsewhere need not be archived with its row.
        emptied = work.empty()
        for rule in RULES:
            if rule.after not in work.unfinished:
                work.attempt(rule.name, lambda rule=rule: work.apply(rule))  # type: ignore[misc]
        removed = work.removed
        work.failed += folders.remove(files)
        archive.write_manifest(db, work.folder)
    return RetentionSummary(
        made, emptied, removed, len(kept), sum(size for _, size in kept), dry_run,
        len(files), sum(one.bytes for one in files), work.failed,
    )  # fmt: skip


class _Work:
    """One run: what it removed so far, and what it could not."""

    def __init__(self, db: Database, settings: Settings, now: datetime, told: Told) -> None:
        self.db, self.settings, self.now, self.told = db, settings, now, told
        self.folder = archive.folder_of(settings)
        self.removed: list[Removed] = []
        self.failed: list[str] = []
        self.unfinished: set[str] = set()

    def attempt(self, what: str, act: Callable[[], None]) -> None:
        """Do a part; what is in its way is told, and the others are done all the same."""
        try:
            act()
        except HomepotAIError as error:
            said = str(error)
        except psycopg.Error as error:
            said = f"PostgreSQL refused ({str(error).strip()}); it is tried again next night"
        else:
            return
        self.unfinished.add(what)
        self.failed.append(f"{what.replace('_', ' ')}: {said}")

    def expected(self, table: str, label: str) -> str:
        """Where an archive would lie."""
        with self.db.reader() as conn:
            return str(self.folder / archive.free_name(conn, self.folder, table, label))

    def scores(self, day: date) -> int:
        """Scores of a day, counted: what PostgreSQL believes of a table may be nothing yet."""
        since = _begin(day)
        with self.db.reader() as conn:
            row = conn.execute(_SQL["count_scores"], {"since": since, "before": since + timedelta(days=1)})
            return int((row.fetchone() or (0,))[0])

    def drop_day(self, day: date) -> None:
        """Roll a day's scores up, archive them, and drop its partition with everything in it."""
        since, before = _begin(day), _begin(day) + timedelta(days=1)
        health_hours.roll_up(self.db, self.settings, since, before, now=self.now)
        with self.db.writer() as conn:
            # Whatever is scored into it now would be dropped and not archived.
            partition = sql.Identifier(f"ai_health_scores_{day:%Y%m%d}")
            conn.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(partition))
            done = self._archive(
                conn, "ai_health_scores", f"{day}", f"scores of {day}", since, before,
                taking.stream(conn, _SQL["export_scores"], {"since": since, "before": before}),
            )  # fmt: skip
            conn.execute(_SQL["drop_partition"], {"day": day})
        self._done(done)

    def apply(self, rule: Rule) -> None:
        """Archive and remove what is past a rule's time, a day or a month at a time."""
        before = rules.boundary(rule, self.settings.retention, self.now)
        if rule.chosen:
            while self._one_choice(rule, before):
                pass
        else:
            while (oldest := self._oldest(rule, before)) is not None:
                if not self._one_span(rule, oldest, before):
                    break
        if rule.name == "minutes":
            with self.db.writer() as conn:
                conn.execute(_SQL["delete_rollups"], {"before": before})

    def _oldest(self, rule: Rule, before: datetime) -> datetime | None:
        with self.db.reader() as conn:
            found = [taking.count(conn, rule.name, table, {"before": before}).oldest for table in rule.tables]
        return min((moment for moment in found if moment is not None), default=None)

    def _one_span(self, rule: Rule, oldest: datetime, before: datetime) -> bool:
        """What is past its time and of the oldest day or month; False: somebody else took it."""
        until = rules.end(oldest, rule.span)
        with self.db.writer() as conn:
            done = list(self._parts(conn, rule, oldest, until, {"before": before}, within=until))
        self._done(done)
        return bool(done)

    def _one_choice(self, rule: Rule, before: datetime) -> bool:
        """A batch of chosen rows of one month, with all their parts; False: there is none."""
        with self.db.writer() as conn:
            found = taking.chosen(conn, rule.name, before)
            if not found:
                return False
            oldest = min(moment for _, moment in found)
            until = rules.end(oldest, rule.span)
            ids = [number for number, moment in found if moment < until]
            if rule.let_go:
                taking.let_go(conn, rule.name, ids)
            done = list(self._parts(conn, rule, oldest, until, {"before": before, "ids": ids}))
        self._done(done)
        return True

    def _parts(
        self, conn: Connection, rule: Rule, oldest: datetime, until: datetime,
        parameters: dict[str, object], *, within: datetime | None = None,
    ) -> Iterator[Removed]:  # fmt: skip
        label = rules.label(oldest, rule.span)
        for table in rule.tables:
            what = f"{_named(table)} of {label}"
            rows = taking.take(conn, rule.name, table, parameters, within=within)
            yield from self._archive(conn, table, label, what, oldest, until, rows)

    def _archive(
        self, conn: Connection, table: str, label: str, what: str, since: datetime, until: datetime,
        rows: Iterator[archive.Rows],
    ) -> list[Removed]:  # fmt: skip
        name = archive.free_name(conn, self.folder, table, label)
        written = archive.write(self.folder / name, rows)
        if not written:
            return []
        archive.record(
            conn, self.folder, name, source=table, rows=written, since=since, until=until, now=self.now
        )
        audit.record(
            conn, at=self.now, actor="apply-retention", action="archived and removed", subject=what,
            purpose="retention", details={"rows": written, "archive": name},
        )  # fmt: skip
        return [Removed(what, written, str(self.folder / name))]

    def _done(self, parts: list[Removed]) -> None:
        self.removed += parts
        for part in parts:
            self.told(part)

    def count(self, rule: Rule) -> list[Removed]:
        """What a rule would take."""
        before = rules.boundary(rule, self.settings.retention, self.now)
        with self.db.reader() as conn:
            ids = [number for number, _ in taking.chosen(conn, rule.name, before)] if rule.chosen else []
            found = [
                (table, taking.count(conn, rule.name, table, {"before": before, "ids": ids}))
                for table in rule.tables
            ]
        return [
            Removed(
                f"{_named(table)} before {before:%Y-%m-%d}",
                counted.rows,
                str(self.folder / archive.folder_name(table)),
            )
            for table, counted in found
            if counted.rows
        ]

    def contents(self) -> Emptied:
        """What would be emptied."""
        with self.db.reader() as conn:
            mails, tried, reports = conn.execute(_SQL["contents"], self._before()).fetchone() or (0, 0, 0)
            (sizes,) = conn.execute(_SQL["count_thin_sizes"], {"before": self._fine()}).fetchone() or (0,)
        return Emptied(mails, tried, reports, sizes)

    def empty(self) -> Emptied:
        """Empty what is kept elsewhere or can be made again; rows stay."""
        before = self._before()
        with self.db.writer() as conn:
            mails = outbox.forget_payloads(conn, before=before["mails"])
            mails += outbox.forget_payloads(conn, before=before["mails"], box=outbox.CHANNELS)
            tried = backtests.forget_pdfs(conn, before=before["backtests"])
            reports = conn.execute(_SQL["forget_report_pdfs"], {"before": before["reports"]}).rowcount
            sizes = conn.execute(_SQL["thin_sizes"], {"before": self._fine()}).rowcount
        return Emptied(mails, tried, reports, sizes)

    def _before(self) -> dict[str, datetime]:
        kept = self.settings.retention
        return {
            "mails": self.now - timedelta(days=kept.mail_content_days),
            "backtests": self.now - timedelta(days=kept.backtest_pdf_days),
            "reports": self.now - timedelta(days=kept.report_pdf_days),
        }

    def _fine(self) -> datetime:
        return rules.midnight(self.now - FINE)


def _begin(day: date) -> datetime:
    return datetime.combine(day, clock(), UTC)


def _named(table: str) -> str:
    return table.removeprefix("ai_").replace("_", " ")
