"""Who gets a report, in which edition, and who may not have it.

    subscriptions of the kind ─► those whose scope covers the report ─► may they see it? ─► one mail each

Nobody gets what HOMEPOT would not let them see; an address that HOMEPOT does not know, a team's for
instance, gets what it was subscribed to: whoever subscribed it answers for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from homepot_ai.errors import MailError, NotFound
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import Kind, Scope
from homepot_ai.reporting.mail import bare_address
from homepot_ai.reporting.voice import LANGUAGES, Language
from homepot_ai.store.alerts import visible_sites
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

_SQL = load("reporting/sql/stored.sql")
#: Which of a person's subscriptions decides about the edition: the narrowest.
_NARROW = {"device": 0, "site": 1, "own": 2, "fleet": 3}
#: Whom HOMEPOT lets see everything, and addresses that it does not know.
Visible = Mapping[str, frozenset[int] | None]


@dataclass(frozen=True)
class Subscription:
    """A row of `ai_subscriptions`. `language` and `paper` may be left to the settings."""

    id: int
    email: str
    scope: Literal["fleet", "site", "device", "own"]
    scope_id: int | None
    mode: Literal["maintenance", "predictive", "executive"]
    language: Language | None = None
    paper: Literal["A4", "Letter"] | None = None
    digest: bool = False
    csv: bool = False

    def edition(self, usual: Edition) -> Edition:
        """The edition that this subscriber reads."""
        return Edition(self.mode, self.language or usual.language, self.paper or usual.paper)


@dataclass(frozen=True)
class Recipient:
    """Somebody who gets a mail of a report.

    Attributes:
        subscription: its number; None: asked for by name.
        after_digest: reads digests; gets this one alone only when it comes after the digest.
    """

    address: str
    edition: Edition
    csv: bool = False
    subscription: int | None = None
    after_digest: bool = False


@dataclass(frozen=True)
class Subject:
    """What a report is about, as far as it decides who may see it.

    Attributes:
        site: the site it lies in; None: all of the fleet.
        device: of a report on one device or of an incident of one.
        incident: incidents of any of a subscriber's sites are wanted one by one, also by the fleet's.
    """

    kind: Kind
    site: int | None = None
    device: int | None = None

    @property
    def incident(self) -> bool:
        """Whether it is about an incident."""
        return self.kind == "incident"


def subscriptions(conn: Connection, kind: str) -> list[Subscription]:
    """The active subscriptions to a kind of report, in order of subscription."""
    rows: list[tuple[Any, ...]] = conn.execute(_SQL["subscriptions"], {"kind": kind}).fetchall()
    return [
        Subscription(id_, email, scope, scope_id, mode, language_of(locale), paper, digest, csv)
        for id_, email, scope, scope_id, mode, locale, paper, digest, csv in rows
    ]


def language_of(locale: str | None) -> Language | None:
    """The language of a locale, if reports speak it.

    >>> language_of("de_AT"), language_of("fr"), language_of(None)
    ('de', None, None)
    """
    code = (locale or "")[:2].lower()
    return next((language for language in LANGUAGES if language == code), None)


def subject_of(conn: Connection, kind: Kind, scope: Scope) -> Subject:
    """Where a scope lies.

    Raises:
        NotFound: the device does not exist.
    """
    if scope.kind == "site":
        return Subject(kind, scope.id)
    if scope.kind == "device":
        row: tuple[Any, ...] | None = conn.execute(_SQL["site_of_device"], {"device": scope.id}).fetchone()
        if row is None:
            raise NotFound("device", str(scope.id))
        return Subject(kind, row[0], scope.id)
    return Subject(kind)


def visible_to(conn: Connection, emails: Collection[str]) -> Visible:
    """Which sites HOMEPOT lets these addresses see; who is not in the answer is not known to it."""
    return visible_sites(conn, emails)


def choose(
    known: Sequence[Subscription], visible: Visible, subject: Subject, usual: Edition
) -> tuple[list[Recipient], list[str]]:
    """Decide who gets a report: one mail per address, and the sentences about those who may not have it.

    >>> ann = Subscription(1, "ann@example.org", "fleet", None, "executive")
    >>> choose([ann], {"ann@example.org": frozenset({7})}, Subject("daily"), Edition())
    ([], ['subscription 1: HOMEPOT does not let its owner see every site'])
    """
    chosen: dict[str, Recipient] = {}
    refused: list[str] = []
    for one in sorted(known, key=lambda s: (_NARROW[s.scope], s.digest, s.id)):
        address = one.email.strip()
        if address.casefold() in chosen or not _covers(one, subject, visible):
            continue
        if not may_see(address, subject.site, visible):
            if not (subject.incident and one.scope == "fleet"):
                what = "this site" if subject.site is not None else "every site"
                refused.append(f"subscription {one.id}: HOMEPOT does not let its owner see {what}")
            continue
        chosen[address.casefold()] = Recipient(address, one.edition(usual), one.csv, one.id, one.digest)
    return sorted(chosen.values(), key=lambda r: r.subscription or 0), refused


def _covers(one: Subscription, subject: Subject, visible: Visible) -> bool:
    if one.scope == "own":
        # Of an address that HOMEPOT does not know, nothing is its own.
        known = one.email.strip().lower() in visible
        whole = subject.device is None or subject.incident
        return known and whole and subject.site is not None and may_see(one.email, subject.site, visible)
    if one.scope == "fleet":
        of_sites = one.digest and subject.site is not None and subject.device is None
        return of_sites or subject.incident or (subject.site is None and not one.digest)
    if one.scope == "site":
        return one.scope_id == subject.site and (subject.device is None or subject.incident)
    return one.scope_id == subject.device


def may_see(address: str, site: int | None, visible: Visible) -> bool:
    """Whether somebody may have what is told of a site, or (None) of the whole fleet."""
    address = address.strip().lower()
    if address not in visible:
        return True
    sites = visible[address]
    return sites is None or (site is not None and site in sites)


def asked(
    addresses: Sequence[str], visible: Visible, subject: Subject, edition: Edition, *, csv: bool
) -> tuple[list[Recipient], list[str]]:
    """Those whom somebody names in a form: the same rules, and the reasons for those who get nothing."""
    chosen: dict[str, Recipient] = {}
    refused: list[str] = []
    for address in (each.strip() for each in addresses):
        try:
            bare_address(address)
        except MailError as error:
            refused.append(str(error))
            continue
        if may_see(address, subject.site, visible):
            chosen.setdefault(address.casefold(), Recipient(address, edition, csv))
        else:
            what = "this site" if subject.site is not None else "every site"
            refused.append(f"{clean(address, 80)}: HOMEPOT does not let them see {what}")
    return list(chosen.values()), refused


def devices_subscribed(conn: Connection, kind: str, sites: Sequence[int]) -> list[int]:
    """Devices at these sites whose own report somebody wants."""
    rows = conn.execute(_SQL["devices_subscribed"], {"kind": kind, "sites": list(sites)}).fetchall()
    return [int(row[0]) for row in rows]


def usual_edition(settings: Settings, kind: Kind) -> Edition:
    """How a kind of report is read where nobody says otherwise.

    >>> from homepot_ai.settings import Settings
    >>> usual_edition(Settings(), "monthly")
    Edition(mode='executive', language='en', paper='A4')
    """
    mode: Literal["maintenance", "predictive", "executive"] = "maintenance"
    if kind in ("weekly", "monthly"):
        mode = "predictive" if kind == "weekly" else "executive"
    return Edition(mode, language_of(settings.reports.locale) or "en", settings.reports.paper)
