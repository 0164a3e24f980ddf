"""Making a report once, storing it with its editions and mails, and replaying it for ever after.

    facts ─► an edition for everybody who reads it ─► one transaction: report, editions, outbox rows

Killed before that transaction nothing has happened; killed after it everything has. Making it again
finds the stored facts, renders the editions that were not wanted before, and adds what is missing in the
outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.errors import ReportError
from homepot_ai.fleet.devices import list_devices, list_sites
from homepot_ai.language.model import Model
from homepot_ai.language.narrate import Narration
from homepot_ai.language.ollama import model_of
from homepot_ai.reporting import differences as compare
from homepot_ai.reporting import editions, narration, pdf, posting, recipients, stored
from homepot_ai.reporting.build import DIFFERENCES_SHOWN
from homepot_ai.reporting.document import Difference, Document, Edition
from homepot_ai.reporting.editions import templates_of
from homepot_ai.reporting.facts import Kind, ReportFacts, Scope, facts_hash
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.letter import Letter
from homepot_ai.reporting.periods import Period, local, period_for
from homepot_ai.reporting.posting import Post, Reader
from homepot_ai.reporting.recipients import Recipient, Subject
from homepot_ai.reporting.stored import OlderReport, StoredReport
from homepot_ai.reporting.templating import template_version
from homepot_ai.store import incidents
from homepot_ai.store.database import Connection, Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

__all__ = ["ReportOutcome", "Scope", "Wish", "make_incident_report", "make_report", "templates_of"]

# A report of a day long past is made for whoever asked; nobody else wants it in his mailbox.
MAILED_WITHIN = timedelta(days=7)
LARGE_PDF = 1_000_000
#: Renders a job: in a child of its own, or in one of a pool's.
Render = Callable[[pdf.Job], bytes]


@dataclass(frozen=True)
class Wish:
    """What whoever has a report made wants of it, beside what subscriptions say.

    Attributes:
        edition: the one to hand back; None: the usual one of the kind.
        revise: compute from today's database; equal facts change nothing, others give a revision.
        addresses: get a mail of it too, in this edition; csv: with its tables.
    """

    edition: Edition | None = None
    revise: bool = False
    addresses: tuple[str, ...] = ()
    csv: bool = False


@dataclass(frozen=True)
class ReportOutcome:
    """What making a report came to.

    Attributes:
        created: it was made now; False: it had been made and was replayed.
        pdf, tables: of the edition that was asked for; tables are CSV by file name.
        queued: mails put into the outbox by this call (0 when all were there already).
        skipped: subscriptions and addresses that get no mail, with the reason.
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
    edition: Edition = field(default_factory=Edition)
    tables: Mapping[str, bytes] = field(default_factory=dict)

    def markdown(self) -> str:
        """What an operator reads in the run's artifact."""
        size = f"{len(self.pdf) / 1024:.0f} KiB of PDF"
        large = " (large: look at what it lists)" if len(self.pdf) > LARGE_PDF else ""
        lines = [
            f"## {self.title}",
            "",
            f"**{self.verdict}**",
            "",
            f"- report `{self.report_id}` revision {self.revision}, "
            f"{'made now' if self.created else 'made before and replayed'}",
            f"- {size}{large}, facts `{self.facts_hash[:16]}…`",
            f"- {self.queued} mail(s) queued",
        ]
        lines += [f"- {self.note}"] if self.note else []
        lines += [f"- skipped: {reason}" for reason in self.skipped]
        lines += [
            f"- changed: {item.what}: {item.before} → {item.after}"
            for item in self.differences[:DIFFERENCES_SHOWN]
        ]
        return "\n".join(lines)


def scopes_of(db: Database, settings: Settings, timezone: str, kind: Kind = "daily") -> list[Scope]:
    """What is reported at six in a zone: its active sites, devices that somebody subscribed to, and the
    fleet if the zone is the fleet's."""
    with db.reader() as conn:
        sites = [s.id for s in list_sites(conn, settings) if s.is_active and s.timezone == timezone]
        devices = recipients.devices_subscribed(conn, kind, sites)
    scopes = [Scope(kind="site", id=site) for site in sites]
    scopes += [Scope(kind="device", id=device) for device in devices]
    if timezone == settings.reports.timezone:
        scopes.append(Scope(kind="fleet"))
    return scopes


def report_id(kind: Kind, period: Period, scope: Scope) -> str:
    """The name of a report: the same for the same scope and period.

    >>> from datetime import date
    >>> from homepot_ai.reporting import periods
    >>> site = Scope(kind="site", id=1)
    >>> report_id("daily", periods.day(date(2026, 11, 19), "Europe/Berlin"), site)
    'rpt_20261119_daily_site1'
    >>> report_id("custom", periods.custom(date(2026, 11, 19), date(2026, 11, 25), "Europe/Berlin"), site)
    'rpt_20261119-20261125_custom_site1'
    >>> morning = datetime(2026, 11, 19, 8), datetime(2026, 11, 19, 12)
    >>> report_id("custom", periods.custom(*morning, "Europe/Berlin"), Scope(kind="fleet"))
    'rpt_20261119T0800-20261119T1200_custom_fleet'
    """
    when = f"{period.first_day:%Y%m%d}"
    if kind == "custom":
        when += f"-{period.last_day:%Y%m%d}"
        if not period.whole_days:
            opens, closes = local(period.start, period.timezone), local(period.end, period.timezone)
            # An hour that comes twice is two hours: the second is marked.
            when = "-".join(f"{edge:%Y%m%dT%H%M}{'b' * edge.fold}" for edge in (opens, closes))
    return f"rpt_{when}_{kind}_{scope.slug}"


def make_report(
    db: Database,
    settings: Settings,
    *,
    report_type: Kind = "daily",
    scope: Scope,
    at: datetime | None = None,
    period: Period | None = None,
    wish: Wish = Wish(),
    revise: bool = False,
    render: Render | None = None,
    model: Model | None = None,
    now: datetime,
) -> ReportOutcome:
    """Make, or replay, a report about a closed period, and queue its mails.

    Args:
        at: the moment it is made for: the last period of its kind that was over then (default now) ...
        period: ... or the period itself.
        revise: as in `wish`.
        render: of a pool that is there already; default a child for this report alone.
        model: words the passage; default the configured one.
        now: stands in the report as the time it was made.

    Raises:
        ReportError: a period that is not over, or a kind that has none.
        NotFound: the site or device does not exist.
    """
    period = period or period_for(report_type, at or now, zone_of(db, settings, scope))
    if period.end > now:
        raise ReportError(
            f"{period.label} is not over in {period.timezone}; a report is about a closed period"
        )
    chosen = period

    def facts_of(conn: Connection, known: StoredReport | None) -> ReportFacts | None:
        moved = known is not None and known.facts.period.timezone != chosen.timezone
        if known is not None and not (wish.revise or revise or moved):
            return None
        return gather(conn, settings, scope, chosen, now)

    with db.reader() as conn:
        subject = recipients.subject_of(conn, report_type, scope)
    work = _Work(report_id(report_type, period, scope), report_type, subject, facts_of)
    return _make(db, settings, work, wish, render, model, now)


def make_incident_report(
    db: Database,
    settings: Settings,
    incident: int,
    *,
    wish: Wish = Wish(),
    render: Render | None = None,
    model: Model | None = None,
    now: datetime,
) -> ReportOutcome:
    """Make the report of an incident: preliminary while it is open, final once it has closed.

    One report: the final one is a later revision of the preliminary one, and says what changed.

    Raises:
        NotFound: there is no such incident.
    """
    from homepot_ai.reporting.incident import incident_facts

    with db.reader() as conn:
        row = incidents.incident(conn, incident)
        first = incident_facts(conn, settings, incident, now)
        name = stored.of_incident(conn, incident) or f"rpt_{first.period.first_day:%Y%m%d}_incident{incident}"
    closed = row.closed_at if row is not None else None

    def facts_of(conn: Connection, known: StoredReport | None) -> ReportFacts | None:
        if known is None or wish.revise:
            return first
        # Not by the clock: the close may lie before a report that did not know of it yet.
        header = known.facts.incident_header
        told = header is not None and header.final and closed is not None and known.facts.period.end >= closed
        return first if closed is not None and closed <= now and not told else None

    site = row.site_id if row is not None else None
    subject = Subject("incident", site, row.root_device_id if row is not None else None)
    return _make(db, settings, _Work(name, "incident", subject, facts_of, incident), wish, render, model, now)


@dataclass(frozen=True)
class _Work:
    """What a report is called, who may see it, and where its facts come from (None: replay)."""

    report_id: str
    kind: Kind
    subject: Subject
    facts_of: Callable[[Connection, StoredReport | None], ReportFacts | None]
    incident: int | None = None


@dataclass(frozen=True)
class _Draft:
    """A revision, stored or about to be. `note` tells an operator what was decided about it."""

    report_id: str
    revision: int
    facts: ReportFacts
    differences: tuple[Difference, ...]
    first: Edition
    new: bool
    note: str = ""


class _OvertakenError(Exception):
    """Somebody else stored the same revision first, or its readers are others by now: once more."""


def _make(
    db: Database, settings: Settings, work: _Work, wish: Wish, render: Render | None, model: Model | None,
    now: datetime,
) -> ReportOutcome:  # fmt: skip
    render, model = render or _rendering_alone(settings), model or model_of(settings, db)
    while True:
        with db.reader() as conn:
            known = stored.read(conn, work.report_id)
            if isinstance(known, OlderReport):
                return _older(known)
            draft = _draft(work, known, work.facts_of(conn, known), wish, settings)
            late = now - draft.facts.period.end > MAILED_WITHIN
            readers, todo = _readers(conn, settings, work, draft, wish, late=late)
        asked = wish.edition or draft.first
        told = _words(db, draft, {asked, *(reader.edition for reader in todo)}, model, settings)
        made = {edition: _page(draft, edition, said, settings) for edition, said in told.items()}
        pdfs = _pdfs(db, draft, made, render, settings)
        letters = {
            edition: editions.letter_of(made[edition], draft.facts, pdfs[edition], settings)
            for edition in {reader.edition for reader in todo}
        }
        try:
            post = _store(db, settings, work, draft, made, told, pdfs, wish, todo, letters, now, late=late)
        except _OvertakenError:
            continue
        break
    document = made[asked]
    note = draft.note
    if late and readers.subscribed:
        note += "; " if note else ""
        note += f"not mailed: the period is over for more than {MAILED_WITHIN.days} days"
    return ReportOutcome(
        report_id=draft.report_id,
        revision=draft.revision,
        created=draft.new,
        title=document.title,
        verdict=document.verdict.headline,
        facts_hash=facts_hash(draft.facts),
        generated_at=draft.facts.made.at,
        pdf=pdfs[asked],
        queued=post.queued,
        skipped=(*readers.refused, *post.skipped),
        differences=draft.differences,
        note=note,
        edition=asked,
        tables=editions.tables_of(document) if wish.csv else {},
    )


def _readers(
    conn: Connection, settings: Settings, work: _Work, draft: _Draft, wish: Wish, *, late: bool
) -> tuple[posting.Readers, list[Recipient]]:
    """Everybody who gets the report, and of these, who has no mail of it yet."""
    readers = posting.readers(
        conn, settings, work.subject, draft.facts, wish.addresses, draft.first, csv=wish.csv, new=draft.new
    )
    return readers, posting.missing(conn, draft.report_id, draft.revision, readers.chosen, late=late)


def _draft(
    work: _Work, known: StoredReport | None, facts: ReportFacts | None, wish: Wish, settings: Settings
) -> _Draft:
    if known is None:
        assert facts is not None
        first = wish.edition or recipients.usual_edition(settings, work.kind)
        return _Draft(work.report_id, 1, facts, (), first, new=True)
    if facts is not None:
        changed = compare.between(known.facts, facts)
        if changed:
            return _Draft(work.report_id, known.revision + 1, facts, changed, known.edition, new=True)
    return _Draft(
        known.report_id,
        known.revision,
        known.facts,
        known.differences,
        known.edition,
        new=False,
        note="" if facts is None
        else "revised from today's database: no figure differs, so nothing was changed",
    )  # fmt: skip


def _words(
    db: Database, draft: _Draft, wanted: Set[Edition], model: Model, settings: Settings
) -> dict[Edition, Narration | None]:
    """The passage of each edition: as it was stored with it, else worded now."""
    kept: dict[Edition, Narration | None] = {}
    if not draft.new:
        with db.reader() as conn:
            made = stored.narrations(conn, draft.report_id, draft.revision)
        kept = {edition: narration.restored(made[edition]) for edition in wanted & made.keys()}
    fresh = sorted(wanted - kept.keys(), key=astuple)
    deadline = settings.ollama.report_deadline_seconds
    return kept | narration.words(draft.facts, fresh, model, templates_of(settings), deadline_s=deadline)


def _page(draft: _Draft, edition: Edition, said: Narration | None, settings: Settings) -> Document:
    return editions.document_of(
        draft.facts,
        edition,
        report_id=draft.report_id,
        revision=draft.revision,
        differences=draft.differences,
        templates=templates_of(settings),
        narration=said,
    )


def _pdfs(
    db: Database, draft: _Draft, made: Mapping[Edition, Document], render: Render, settings: Settings
) -> dict[Edition, bytes]:
    """The PDF of each edition: as it was stored, else rendered from the same facts."""
    found: dict[Edition, bytes] = {}
    if not draft.new:
        with db.reader() as conn:
            for edition in made:
                if kept := stored.edition(conn, draft.report_id, draft.revision, edition):
                    found[edition] = kept
    folder = templates_of(settings)
    for edition, document in made.items():
        if edition not in found:
            found[edition] = render(editions.job_of(document, draft.facts, folder))
    return found


def _store(
    db: Database,
    settings: Settings,
    work: _Work,
    draft: _Draft,
    made: Mapping[Edition, Document],
    told: Mapping[Edition, Narration | None],
    pdfs: Mapping[Edition, bytes],
    wish: Wish,
    todo: Sequence[Recipient],
    letters: Mapping[Edition, Letter],
    now: datetime,
    *,
    late: bool,
) -> Post:
    """One transaction: the report if it is new, its editions, and the mails that are not queued yet.

    Raises:
        _OvertakenError: another run stored this revision or an edition in other words, sent a digest without
            it, or somebody began or ceased to be one of its readers while it was rendered.
    """
    version = template_version(templates_of(settings))
    with db.writer() as conn:
        name = posting.digest_name(draft.facts.report_type, draft.facts.period)
        posting.one_after_the_other(conn, name, digests=False)
        if {*_readers(conn, settings, work, draft, wish, late=late)[1]} != {*todo}:
            raise _OvertakenError
        if draft.new and not stored.insert(
            conn, draft.report_id, draft.revision, draft.facts, draft.differences, draft.first
        ):
            raise _OvertakenError
        for edition, made_pdf in pdfs.items():
            words = editions.words_of(made[edition])
            if not stored.insert_edition(
                conn, draft.report_id, draft.revision, edition, made_pdf, words, version,
                narration.stored(told[edition]),
            ):  # fmt: skip
                raise _OvertakenError
        return posting.post(
            conn, settings, draft.facts, draft.report_id, draft.revision,
            [Reader(recipient, letters[recipient.edition]) for recipient in todo],
            incident=work.incident, now=now,
        )  # fmt: skip


def _rendering_alone(settings: Settings) -> Render:
    memory = settings.reports.render_memory_mb
    return lambda job: pdf.render(job, memory_mb=memory)


def _older(report: OlderReport) -> ReportOutcome:
    return ReportOutcome(
        report_id=report.report_id,
        revision=report.revision,
        created=False,
        title=str(report.words.get("subject", report.report_id)),
        verdict=str(report.words.get("verdict", "")),
        facts_hash=report.facts_hash,
        generated_at=report.generated_at,
        pdf=report.pdf,
        queued=0,
        skipped=(),
        differences=(),
        note="made by an earlier version: its PDF is as it was, and no other edition or revision can be made",
        edition=report.edition,
    )


def zone_of(db: Database, settings: Settings, scope: Scope) -> str:
    """The zone whose days count for a scope: its site's, or the fleet's."""
    with db.reader() as conn:
        zones = {site.id: site.timezone for site in list_sites(conn, settings)}
        site = scope.id if scope.kind == "site" else None
        if scope.kind == "device":
            site = next((d.site_id for d in list_devices(conn) if d.id == scope.id), None)
    # What does not exist is refused with a proper message when it is read.
    return zones.get(site or 0, settings.reports.timezone)
