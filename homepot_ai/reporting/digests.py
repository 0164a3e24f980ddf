"""A digest: one mail for all of a reader's sites in a zone, the worst first, the quiet ones in one line.

    the zone's reports are made ─► who reads digests ─► the sites each may see ─► one mail, once

Made after the reports. A site whose report is missing is named; when it is made later, or revised, it
comes as a mail of its own in the digest's thread (:mod:`.posting`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.errors import HomepotAIError, MailError
from homepot_ai.fleet.devices import list_sites
from homepot_ai.language.model import Model
from homepot_ai.language.ollama import model_of
from homepot_ai.language.tripping import Tripping
from homepot_ai.reporting import editions, posting, recipients, stored
from homepot_ai.reporting.build import voice_of
from homepot_ai.reporting.digest_page import SiteLine, page
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import Kind, Scope
from homepot_ai.reporting.letter import Letter, compose, message_id
from homepot_ai.reporting.periods import Period
from homepot_ai.reporting.recipients import Subscription, may_see
from homepot_ai.reporting.service import MAILED_WITHIN, Render, Wish, make_report, report_id
from homepot_ai.reporting.stored import StoredReport
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.outbox import OutboxMail, enqueue
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

NOT_MADE = "no report was made"


@dataclass(frozen=True)
class DigestOutcome:
    """What making the digests of a zone came to: mails queued, and who gets none and why."""

    queued: int = 0
    skipped: tuple[str, ...] = ()
    zone: str = ""

    def markdown(self) -> str:
        """Lines for the run's artifact; empty when nobody reads digests."""
        if not (self.queued or self.skipped):
            return ""
        return "\n".join(
            [
                f"## Digests {self.zone}".rstrip() + f"\n\n- {self.queued} queued",
                *(f"- skipped: {why}" for why in self.skipped),
            ]
        )


@dataclass(frozen=True)
class _Site:
    """A site of the zone: its report, or why there is none. `revision`: the newest that is stored."""

    id: int
    name: str
    report_id: str
    revision: int | None
    report: StoredReport | None
    why: str = ""


def make_digests(
    db: Database,
    settings: Settings,
    *,
    kind: Kind,
    period: Period,
    failed: Mapping[str, str] | None = None,
    render: Render | None = None,
    model: Model | None = None,
    now: datetime,
) -> DigestOutcome:
    """Queue the digests of a period in its zone, each once, after its reports were made.

    Args:
        failed: by scope's slug (`site3`), why its report could not be made.
        render: of a pool that is there already, for editions that nobody had rendered before.
        model: words their passages; default the configured one.

    >>> make_digests(db, settings, kind="daily", period=period, now=now).queued          # doctest: +SKIP
    2
    """
    if now - period.end > MAILED_WITHIN:
        return DigestOutcome()
    usual = recipients.usual_edition(settings, kind)
    with db.reader() as conn:
        readers = [one for one in recipients.subscriptions(conn, kind) if one.digest]
        readers = list({one.email.strip().casefold(): one for one in reversed(readers)}.values())[::-1]
        visible = recipients.visible_to(conn, {one.email.strip() for one in readers})
        waiting = [one for one in readers if not posting.is_queued(conn, kind, period, one.email)]
        if not waiting:
            return DigestOutcome()
        sites = _sites(conn, settings, kind, period, failed or {})
    queued, skipped = 0, []
    lines: dict[Edition, list[SiteLine]] = {}
    pages = _Pages(db, settings, kind, period, render, Tripping(model or model_of(settings, db)), now)
    while waiting:
        one = waiting[0]
        mine = [site for site in sites if _reads(one, site.id, visible)]
        if mine:
            edition = one.edition(usual)
            if edition not in lines:
                lines[edition] = [_line(site, edition, settings) for site in sites]
            chosen = [line for site, line in zip(sites, lines[edition], strict=True) if site in mine]
            try:
                letter = pages.letter([site for site in mine if site.report], chosen, edition)
                queued += _queue(db, settings, kind, period, one, mine, letter, now)
            except _OvertakenError:
                # A report was stored meanwhile: the digest is to tell of it.
                with db.reader() as conn:
                    sites = _sites(conn, settings, kind, period, failed or {})
                lines = {}
                continue
            except (MailError, HomepotAIError) as error:
                # One reader's trouble must not cost the others their digest.
                skipped.append(f"subscription {one.id}: {error}")
        waiting = waiting[1:]
    return DigestOutcome(queued, tuple(skipped), period.timezone)


class _OvertakenError(Exception):
    """A report that the digest does not tell of was stored while it was made."""


def _reads(one: Subscription, site: int, visible: recipients.Visible) -> bool:
    known = one.email.strip().lower() in visible
    return (known or one.scope != "own") and may_see(one.email, site, visible)


def _sites(
    conn: Connection, settings: Settings, kind: Kind, period: Period, failed: Mapping[str, str]
) -> list[_Site]:
    found = []
    sites = [s for s in list_sites(conn, settings) if s.is_active and s.timezone == period.timezone]
    names = {site.id: report_id(kind, period, Scope(kind="site", id=site.id)) for site in sites}
    revisions = posting.revisions(conn, list(names.values()))
    for site in sites:
        name, why = names[site.id], failed.get(Scope(kind="site", id=site.id).slug, "")
        try:
            report = stored.read(conn, name)
        except HomepotAIError as error:
            report, why = None, str(error)
        kept = report if isinstance(report, StoredReport) else None
        reason = "" if kept else clean(why or NOT_MADE, 200)
        found.append(_Site(site.id, clean(site.name), name, revisions.get(name), kept, reason))
    return found


def _line(site: _Site, edition: Edition, settings: Settings) -> SiteLine:
    if site.report is None:
        return SiteLine(site.name, "unknown", "", 0, None, site.why)
    report = site.report
    document = editions.document_of(
        report.facts,
        edition,
        report_id=report.report_id,
        revision=report.revision,
        differences=(),
        templates=editions.templates_of(settings),
    )
    figures = report.facts.headline.figures if report.facts.headline else None
    return SiteLine(
        name=site.name,
        level=document.verdict.level,
        headline=document.verdict.headline,
        attention=figures.attention if figures else 0,
        availability=figures.availability if figures else None,
        missing="",
        report_id=report.report_id,
    )


@dataclass(frozen=True)
class _Pages:
    """Words and attachments of digests."""

    db: Database
    settings: Settings
    kind: Kind
    period: Period
    render: Render | None
    model: Model
    now: datetime

    def letter(self, made: Sequence[_Site], lines: Sequence[SiteLine], edition: Edition) -> Letter:
        """The digest of these lines in an edition, with the PDFs of the sites that need attention."""
        by_id = {site.report.report_id: site for site in made if site.report}
        hashes = "".join(site.report.facts_hash for site in made if site.report)
        name = posting.digest_name(self.kind, self.period)
        facts = next((site.report.facts for site in made if site.report), None)
        templates = editions.templates_of(self.settings)
        voice = voice_of(facts, edition, templates) if facts else None
        document = page(
            lines, edition, kind=self.kind, period=self.period, name=name, settings=self.settings,
            voice=voice, hash=hashlib.sha256(hashes.encode()).hexdigest(), made_at=self.now,
        )  # fmt: skip
        pdfs = {
            f"{line.report_id.removeprefix('rpt_')}.pdf": self._pdf(by_id[line.report_id], edition)
            for line in sorted(lines, key=SiteLine.worst_first)
            if line.level != "good" and line.report_id
        }
        whole = editions.letter_of_document(document, f"{self.kind}-digest", self.now, self.settings)
        return replace(whole, pdfs=pdfs, reference=name)

    def _pdf(self, site: _Site, edition: Edition) -> bytes:
        return make_report(
            self.db, self.settings, report_type=self.kind, scope=Scope(kind="site", id=site.id),
            period=self.period, wish=Wish(edition), render=self.render, model=self.model, now=self.now,
        ).pdf  # fmt: skip


def _queue(
    db: Database, settings: Settings, kind: Kind, period: Period, one: Subscription,
    mine: Sequence[_Site], letter: Letter, now: datetime,
) -> int:  # fmt: skip
    name = posting.digest_name(kind, period)
    identity = message_id(name, one.email, settings.mail.domain)
    payload = compose(letter, one.email, settings, identity)
    mail = OutboxMail(
        posting.digest_key(name, one.email), "report", name, one.email.strip(), letter.subject, identity,
        payload,
    )  # fmt: skip
    told = {site.report_id: site.revision for site in mine if site.revision is not None}
    with db.writer() as conn:
        posting.one_after_the_other(conn, name, digests=True)
        if posting.revisions(conn, [site.report_id for site in mine]) != told:
            raise _OvertakenError
        return int(enqueue(conn, mail, now=now))
