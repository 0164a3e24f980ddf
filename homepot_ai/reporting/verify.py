"""Is this PDF the report that was made here, and does the database still say the same?

Three questions, in this order: is the file as it was made (its attached facts against the hash on its
pages and the hash and pages that are stored); is it a report of this database; and do the facts,
computed again for the moment at which it was made, agree with it. Later telemetry, later marks and
late scores make them differ: that is no forgery, and is listed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from homepot_ai.errors import ReportError
from homepot_ai.reporting.differences import between
from homepot_ai.reporting.facts import ReportFacts, canonical_json
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.periods import Period
from homepot_ai.store import health_hours
from homepot_ai.store.named_sql import load

if TYPE_CHECKING:
    from homepot_ai.reporting.document import Difference
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

FACTS_NAME = "facts.json"
_SQL = load("reporting/sql/verify.sql")
Finding = Literal["genuine", "altered", "unknown", "later_data"]
#: What `homepot-ai verify` ends with; 1 and 2 are those of any command that fails or is mistyped.
EXIT_CODES: dict[Finding, int] = {"genuine": 0, "altered": 3, "unknown": 4, "later_data": 5}


@dataclass(frozen=True)
class Embedded:
    """What a PDF holds: the attached facts, byte for byte, and every hash that its pages print."""

    facts: bytes
    printed: frozenset[str]

    @property
    def hash(self) -> str:
        """SHA-256 of the attached facts."""
        return hashlib.sha256(self.facts).hexdigest()


@dataclass(frozen=True)
class Verified:
    """What was found, in one word and in sentences; `differences` to what the database says now."""

    finding: Finding
    sentences: tuple[str, ...]
    differences: tuple[Difference, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return EXIT_CODES[self.finding]


def embedded(pdf: bytes) -> Embedded:
    """Read a report's attachment and its printed hashes.

    Raises:
        ReportError: it is no PDF, or none of our reports: no facts are attached.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong with the file is said once, by us
    try:
        reader = PdfReader(io.BytesIO(pdf))
        attached = reader.attachments.get(FACTS_NAME)
        # Nothing else on a page looks like 64 hexadecimal digits.
        text = "\n".join(page.extract_text() for page in reader.pages)
    except Exception as error:  # pypdf raises whatever a broken file makes it stumble over
        raise ReportError(f"the file cannot be read as a PDF ({type(error).__name__}: {error})") from error
    if not attached:
        raise ReportError(
            "no facts are attached to the file: it is none of our reports, or they were removed"
        )
    return Embedded(bytes(attached[0]), frozenset(re.findall(r"\b[0-9a-f]{64}\b", text)))


def verify(db: Database, settings: Settings, pdf: bytes) -> Verified:
    """Check one file.

    >>> verify(db, settings, Path("rpt_20261119_daily_site1.pdf").read_bytes()).finding  # doctest: +SKIP
    'genuine'

    Raises:
        ReportError: the file cannot be read, or has no facts.
    """
    held = embedded(pdf)
    facts = _facts(held)
    with db.reader() as conn:
        row = conn.execute(_SQL["by_hash"], {"hash": held.hash}).fetchone()
        if row is None:
            return _not_stored(conn, held, facts)
        report_id, revision, _ = row
        known = {"report_id": report_id, "revision": revision}
        (newest,) = conn.execute(_SQL["newest_revision"], known).fetchone() or (revision,)
        editions = {digest: edition for *edition, digest in conn.execute(_SQL["editions"], known)}
    name = f"{report_id} revision {revision}"
    if held.hash not in held.printed:
        said = "its pages print another hash than that of the facts attached to it"
        return Verified("altered", (f"the facts are those of {name}, but the file was altered: {said}",))
    edition = editions.get(hashlib.sha256(pdf).hexdigest())
    if edition is None:
        said = "but its bytes are those of no edition stored here: the pages were altered"
        return Verified("altered", (f"the facts are those of {name}, {said}",))
    sentences = [f"this is {name} as it was made ({', '.join(edition)}); facts SHA-256 {held.hash}"]
    if newest > revision:
        sentences.append(f"it was revised since: revision {newest} is the newest")
    if facts is None:
        sentences.append("it is older than today's facts and cannot be computed again")
        return Verified("genuine", tuple(sentences))
    return _recomputed(db, settings, facts, sentences)


def _facts(held: Embedded) -> ReportFacts | None:
    """The facts if they are of today's form; None: of an older one, or of none."""
    try:
        return ReportFacts.model_validate_json(held.facts)
    except ValidationError:
        return None


def _not_stored(conn: Connection, held: Embedded, facts: ReportFacts | None) -> Verified:
    if held.printed and held.hash not in held.printed:
        (hash_,) = list(held.printed)[:1]
        row = conn.execute(_SQL["by_hash"], {"hash": hash_}).fetchone()
        whose = f" of {row[0]} revision {row[1]}" if row else ""
        said = f"the attached facts have the hash {held.hash}, its pages print {hash_}{whose}"
        return Verified("altered", (f"the file was altered: {said}",))
    if facts is not None and canonical_json(facts) == held.facts:
        same: list[tuple[Any, ...]] = conn.execute(
            _SQL["same_report"],
            {
                "kind": facts.report_type, "scope": facts.scope.kind, "id": facts.scope.id,
                "name": facts.scope.name, "start": facts.period.start, "end": facts.period.end,
            },
        ).fetchall()  # fmt: skip
        if same:
            said = f"{same[-1][0]} was made here in {len(same)} revision(s), and none of them has these facts"
            return Verified("altered", (f"the file was altered, or made elsewhere: {said}",))
    return Verified("unknown", (f"no report with the facts {held.hash} was made here",))


def _recomputed(db: Database, settings: Settings, facts: ReportFacts, sentences: list[str]) -> Verified:
    if facts.report_type == "incident":
        sentences.append("an incident goes on being told of: its facts are not computed again")
        return Verified("genuine", tuple(sentences))
    span = facts.period
    period = Period(span.kind, span.start, span.end, span.timezone, span.first_day, span.last_day)
    with db.reader() as conn:
        # As of when it was made: what was recorded later is later data, not another truth.
        today = gather(conn, settings, facts.scope, period, facts.made.at)
        kept = health_hours.minutes_kept(conn, period.start)
    was = facts
    if not kept:
        # Courses of single minutes are gone; the figures are kept by the hour.
        gone: dict[str, Any] = {"timeline": (), "worst": ()}
        was, today = was.model_copy(update=gone), today.model_copy(update=gone)
        sentences.append("its minutes are not kept any more: its courses were not compared")
    found = between(was, today)
    if not found:
        sentences.append("computed again from the database, every figure is the same")
        return Verified("genuine", tuple(sentences))
    sentences.append(
        f"computed again from the database, {len(found)} figures differ: data arrived or changed later"
    )
    return Verified("later_data", tuple(sentences), found)
