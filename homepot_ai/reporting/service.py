"""Making a report once, storing it with its mails, and replaying it for ever after.

    compute facts -> render -> one transaction: the report, and one outbox row per subscription

Killed before that transaction nothing has happened; killed after it everything has. Making it
again finds the stored report and only adds what is missing in the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai.errors import MailError, ReportError
from homepot_ai.fleet.devices import list_sites
from homepot_ai.reporting import differences as compare
from homepot_ai.reporting import mail, pdf, stored, view
from homepot_ai.reporting.document import Difference
from homepot_ai.reporting.facts import Kind, ReportFacts, Scope, canonical_json, facts_hash
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.periods import Period, period_for
from homepot_ai.reporting.stored import StoredReport
from homepot_ai.reporting.templating import template_version
from homepot_ai.store.database import Database
from homepot_ai.store.outbox import OutboxMail, enqueue

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

MODE = "maintenance"
# A report of a day long past is made for whoever asked; nobody else wants it in his mailbox.
MAILED_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class ReportOutcome:
    """What making a report came to.

    Attributes:
        created: it was made now; False: it had been made and was replayed.
        queued: mails put into the outbox by this call (0 when all were there already).
        skipped: subscriptions that no mail could be made for, with the reason.
        differences: what this revision changed; empty for a first one.
    """

    report_id: str
    revision: int
    created: bool
    title: str
    verdict: str
    facts_hash: str
    generated_at: datetime
    pdf: bytes
    queued: int
    skipped: tuple[str, ...]
    differences: tuple[Difference, ...]
    note: str = ""

    def markdown(self) -> str:
        """What an operator reads in the run's artifact."""
        lines = [
            f"## {self.title}",
            "",
            f"**{self.verdict}**",
            "",
            f"- report `{self.report_id}` revision {self.revision}, "
            f"{'made now' if self.created else 'made before and replayed'}",
            f"- {len(self.pdf) / 1024:.0f} KiB of PDF, facts `{self.facts_hash[:16]}…`",
            f"- {self.queued} mail(s) queued",
        ]
        lines += [f"- {self.note}"] if self.note else []
        lines += [f"- skipped: {reason}" for reason in self.skipped]
        lines += [
            f"- changed: {item.what}: {item.before} → {item.after}"
            for item in self.differences[: view.DIFFERENCES_SHOWN]
        ]
        return "\n".join(lines)


def daily_scopes(db: Database, settings: Settings, timezone: str) -> list[Scope]:
    """What is reported at six in a zone: its active sites, and the fleet if the zone is the fleet's."""
    with db.reader() as conn:
        sites = list_sites(conn, settings)
    scopes = [Scope(kind="site", id=s.id) for s in sites if s.is_active and s.timezone == timezone]
    if timezone == settings.reports.timezone:
        scopes.append(Scope(kind="fleet"))
    return scopes


def report_id(report_type: str, period: Period, scope: Scope) -> str:
    """The name of a report: the same for the same scope and day.

    >>> from datetime import date
    >>> from homepot_ai.reporting.periods import day
    >>> report_id("daily", day(date(2026, 11, 19), "Europe/Berlin"), Scope(kind="site", id=1))
    'rpt_20261119_daily_site1'
    """
    return f"rpt_{period.first_day:%Y%m%d}_{report_type}_{scope.slug}"


def make_report(
    db: Database,
    settings: Settings,
    *,
    report_type: Kind = "daily",
    scope: Scope,
    at: datetime,
    mode: str = MODE,
    revise: bool = False,
    now: datetime,
) -> ReportOutcome:
    """Make, or replay, the report of the last period that was over at `at`, and queue its mails.

    Args:
        at: the moment it is made for; the period is the local day before it.
        revise: compute from today's database; equal facts change nothing, others give a revision.
        now: stands in the report as the time it was made.

    Raises:
        ReportError: an unknown kind or mode, or a period that is not over.
        NotFound: the site does not exist.
    """
    if mode != MODE:
        raise ReportError(f"reports in mode {mode!r} are not available yet; use {MODE!r}")
    period = period_for(report_type, at, _timezone(db, settings, scope))
    if period.end > now:
        raise ReportError(
            f"{period.label} is not over in {period.timezone}; a report is about a closed period"
        )
    name = report_id(report_type, period, scope)
    with db.reader() as conn:
        known = stored.read(conn, name)
        moved = known is not None and known.facts.period.timezone != period.timezone
        if known is not None and not revise and not moved:
            facts = None
        else:
            facts = gather(conn, settings, scope, period, now)
    note = ""
    if known is not None and facts is not None:
        changed = compare.between(known.facts, facts)
        if changed:
            report = _render(settings, name, known.revision + 1, facts, changed)
        else:
            report, facts = known, None
            note = "revised from today's database: no figure differs, so nothing was changed"
    elif facts is not None:
        report = _render(settings, name, 1, facts, ())
    else:
        assert known is not None
        report = known
    return _store(db, settings, report, new=facts is not None, mode=mode, note=note, now=now)


def _timezone(db: Database, settings: Settings, scope: Scope) -> str:
    if scope.kind == "fleet":
        return settings.reports.timezone
    with db.reader() as conn:
        zones = {site.id: site.timezone for site in list_sites(conn, settings)}
    # A site that does not exist is refused with a proper message when it is read.
    return zones.get(scope.id or 0, settings.reports.timezone)


def templates_of(settings: Settings) -> Path:
    """Where the templates, styles and fonts lie."""
    return settings.home / "templates"


def _render(
    settings: Settings, name: str, revision: int, facts: ReportFacts, changed: tuple[Difference, ...]
) -> StoredReport:
    folder = templates_of(settings)
    made_at = facts.made.at
    seen = view.build(
        facts, report_id=name, revision=revision, paper=settings.reports.paper, differences=changed
    )
    job = pdf.Job(pdf.daily_html(seen, folder, made_at), folder / "fonts", canonical_json(facts), made_at)
    return StoredReport(
        report_id=name,
        revision=revision,
        facts=facts,
        facts_hash=facts_hash(facts),
        pdf=pdf.render(job),
        generated_at=made_at,
        paper=settings.reports.paper,
        differences=changed,
    )


def _store(
    db: Database, settings: Settings, report: StoredReport, *, new: bool, mode: str, note: str, now: datetime
) -> ReportOutcome:
    """One transaction: the report if it is new, and the mails that are not in the outbox yet."""
    folder = templates_of(settings)
    with db.writer() as conn:
        created = new and stored.insert(conn, report, mode=mode, template_version=template_version(folder))
        if new and not created:
            # Somebody else made the same revision meanwhile: theirs is the report.
            theirs = stored.read(conn, report.report_id, report.revision)
            assert theirs is not None
            report = theirs
        seen = report.view
        queued, skipped, reached = 0, [], []
        recipients = stored.subscribers(conn, report.facts.report_type, report.facts.scope)
        if recipients and now - report.facts.period.end > MAILED_WITHIN:
            recipients = []
            note = f"{note}; " if note else ""
            note += f"not mailed: the day is over for more than {MAILED_WITHIN.days} days"
        body = None
        for subscription, address in recipients:
            body = body or mail.body_of(seen, report.pdf, report.generated_at, settings, folder)
            key = mail.message_id(report.report_id, report.revision, address, settings.mail.domain)
            try:
                payload = mail.compose_report(body, address, settings, key)
            except MailError as error:
                skipped.append(f"subscription {subscription}: {error}")
                continue
            reached.append(subscription)
            queued += enqueue(
                conn,
                OutboxMail(
                    key=f"{report.report_id}#{report.revision}:{address.strip().casefold()}",
                    kind="report",
                    reference=report.report_id,
                    recipient=address.strip(),
                    subject=body.subject,
                    message_id=key,
                    payload=payload,
                ),
                now=now,
            )
        stored.note_recipients(conn, report.report_id, report.revision, reached)
    return ReportOutcome(
        report_id=report.report_id,
        revision=report.revision,
        created=created,
        title=seen.title,
        verdict=seen.verdict.headline,
        facts_hash=report.facts_hash,
        generated_at=report.generated_at,
        pdf=report.pdf,
        queued=queued,
        skipped=tuple(skipped),
        differences=report.differences,
        note=note,
    )
