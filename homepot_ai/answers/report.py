"""A device's report: as it is stored, or made by the code that the schedule uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from homepot_ai.answers import naming
from homepot_ai.answers.contracts import DeviceReport, Mode, ReportContent, ReportIncident
from homepot_ai.errors import NotFound
from homepot_ai.language.facts import Language
from homepot_ai.reporting import editions, periods, service, stored
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import ReportFacts, Scope, restore
from homepot_ai.reporting.sections.incident_words import cause, severity_word
from homepot_ai.reporting.service import Wish
from homepot_ai.reporting.voice import Voice
from homepot_ai.store import named_sql
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.answers.naming import NamedDevice
    from homepot_ai.questions.types import Asker
    from homepot_ai.reporting.facts.incidents import IncidentFacts
    from homepot_ai.reporting.periods import Period
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("answers/sql/report.sql")
Kind = Literal["daily", "incident", "weekly", "monthly", "custom"]
ReportPeriod = Literal["24h", "7d", "30d"]
Format = Literal["json", "pdf"]
SPANS: Mapping[ReportPeriod, timedelta] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
#: What a period means where no kind is named: the last one of its kind that is over.
KINDS: Mapping[ReportPeriod, Kind] = {"24h": "daily", "7d": "weekly", "30d": "monthly"}


@dataclass(frozen=True)
class Wanted:
    """Which report is meant.

    Attributes:
        report_id: None: the incident has no report yet.
        period: of every kind but `incident`.
    """

    device: NamedDevice
    kind: Kind
    report_id: str | None
    period: Period | None
    incident: int | None
    edition: Edition


class Asked(BaseModel):
    """The parameters of a run of `device-report`, as the door gives them."""

    model_config = ConfigDict(extra="ignore")

    device: str
    period: ReportPeriod
    report_type: Kind
    mode: Mode
    language: Language
    at: AwareDatetime


@dataclass(frozen=True)
class Stored:
    """A report that was made; `pdf`: None where it was not asked for, or that edition was not made."""

    report: DeviceReport
    pdf: bytes | None


def wanted(
    db: Database,
    settings: Settings,
    device: str,
    *,
    period: ReportPeriod,
    report_type: Kind | None,
    mode: Mode,
    asker: Asker,
    now: datetime,
) -> Wanted:
    """Which report somebody means.

    Args:
        device: its public id, number or exact name.
        period: the range of a custom report, up to the last full hour, and how far back an incident is looked
            for; the other kinds have ranges of their own, the last one that is over.
        report_type: None: daily, weekly or monthly, as the period says.

    Raises:
        NotFound: there is no such device (or incident of it) at a site that the asker may see.
    """
    kind = report_type or KINDS[period]
    edition = Edition(mode, asker.language, settings.reports.paper)
    with db.reader() as conn:
        found = naming.device(conn, device, asker.sites)
        scope = Scope(kind="device", id=found.id)
        if kind == "incident":
            number = _incident(conn, found, period, asker, now)
            return Wanted(found, kind, stored.of_incident(conn, number), None, number, edition)
    zone = found.timezone or settings.reports.timezone
    if kind == "custom":
        end = now.astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)
        span = periods.custom(end - SPANS[period], end, zone)
    else:
        span = periods.period_for(kind, now, zone)
    return Wanted(found, kind, service.report_id(kind, span, scope), span, None, edition)


def of_run(db: Database, settings: Settings, parameters: Mapping[str, Any], asker: Asker) -> Wanted:
    """The report that a run of `device-report` was asked for.

    Raises:
        NotFound: its device is gone, or at a site that the asker may not see.
    """
    try:
        # What the form left empty stands as null among a run's parameters.
        known = Asked.model_validate({name: value for name, value in parameters.items() if value is not None})
    except ValidationError as error:
        raise NotFound("report of the door behind this run", "it was asked for in another way") from error
    meant = replace(asker, language=known.language)
    return wanted(
        db, settings, known.device, period=known.period, report_type=known.report_type, mode=known.mode,
        asker=meant, now=known.at,
    )  # fmt: skip


def _incident(
    conn: Connection, device: NamedDevice, period: ReportPeriod, asker: Asker, now: datetime
) -> int:
    asked = {
        "device": device.id, "now": now, "since": now - SPANS[period],
        "sites": None if asker.sites is None else sorted(asker.sites),
    }  # fmt: skip
    row = conn.execute(_SQL["incident"], asked).fetchone()
    if row is None:
        raise NotFound(f"incident within {period} of device", device.name)
    return int(row[0])


def read(db: Database, settings: Settings, want: Wanted, *, pdf: bool = False) -> Stored | None:
    """The report as it is stored; None: nobody made it yet."""
    if want.report_id is None:
        return None
    edition = want.edition
    asked = {
        "report_id": want.report_id, "mode": edition.mode, "language": edition.language,
        "paper": edition.paper, "pdf": pdf,
    }  # fmt: skip
    with db.reader() as conn:
        row = conn.execute(_SQL["words"], asked).fetchone()
    if (
        row is None or row[1] is None
    ):  # from before facts were kept as they are now: nothing can be said of it
        return None
    revision, text, generated_at, words, narration, made = row
    facts = restore(orjson.loads(text))
    if words is None:
        words = editions.words_of(
            editions.document_of(
                facts, edition, report_id=want.report_id, revision=revision, differences=(),
                templates=settings.templates,
            )
        )  # fmt: skip
    report = DeviceReport(
        report_id=want.report_id,
        device_id=want.device.id,
        report_type=want.kind,
        mode=edition.mode,
        content=content(facts, words, narration or {}, edition, settings),
        generated_at=generated_at,
    )
    return Stored(report, None if made is None else bytes(made))


def make(db: Database, settings: Settings, want: Wanted, *, now: datetime) -> DeviceReport:
    """Make the report in the edition that is wanted, or replay it; the schedule's reports are made the same.

    Raises:
        ReportError: the period is not over.
    """
    wish = Wish(want.edition)
    if want.incident is not None:
        made = service.make_incident_report(db, settings, want.incident, wish=wish, now=now)
    else:
        scope = Scope(kind="device", id=want.device.id)
        made = service.make_report(
            db, settings, report_type=want.kind, scope=scope, period=want.period, wish=wish, now=now
        )
    kept = read(db, settings, Wanted(**{**vars(want), "report_id": made.report_id}))
    assert kept is not None, made.report_id
    return kept.report


def content(
    facts: ReportFacts, words: Mapping[str, Any], narration: Mapping[str, Any], edition: Edition,
    settings: Settings,
) -> ReportContent:  # fmt: skip
    """What a report says, out of its facts and its stored words. Pure."""
    voice = Voice(edition.language, facts.period.timezone, templates=settings.templates)
    passage = [str(sentence.get("text", "")) for sentence in narration.get("sentences", ())]
    # Both say the same; a quiet report has no passage.
    said = [str(words.get("verdict", "")), *(passage or map(str, words.get("details", ())))]
    header = facts.incident_header
    told = (
        [header.incident]
        if header is not None
        else list(facts.incidents.incidents if facts.incidents else ())
    )
    visits = facts.visits.visits if facts.visits is not None else ()
    advised = [visit.action for visit in visits]
    if facts.incident_actions is not None and facts.incident_actions.advice:
        advised.append(facts.incident_actions.advice)
    return ReportContent(
        title=str(words.get("title", "")),
        summary=" ".join(part.strip() for part in said if part.strip()),
        key_metrics=_figures(facts),
        incidents=[_told(voice, one, facts.period.end) for one in told],
        recommendations=list(dict.fromkeys(clean(text, 600) for text in advised)),
        cost_impact=_cost(facts),
    )


def _figures(facts: ReportFacts) -> dict[str, Any]:
    """The figures that the page leads with; null where nothing was scored."""
    if facts.headline is None:
        return {}
    figures = facts.headline.figures
    health, availability = figures.health, figures.availability
    return {
        "health_score": None if health is None else round(health, 4),
        "uptime_percentage": None if availability is None else round(100 * availability, 2),
        "minutes": figures.status_minutes.model_dump(),
        "anomalies_opened": figures.opened,
        "anomalies_closed": figures.closed,
        "anomalies_open": figures.still_open,
        "period_start": facts.period.start.isoformat(),
        "period_end": facts.period.end.isoformat(),
        "timezone": facts.period.timezone,
    }


def _told(voice: Voice, incident: IncidentFacts, until: datetime) -> ReportIncident:
    minutes = round(incident.lasted(until))
    length = voice.n("{n} minute", "{n} minutes", minutes)
    return ReportIncident(
        timestamp=incident.started_at,
        description=cause(voice, incident.cause),
        resolution=clean(incident.resolution, 400) if incident.resolution else None,
        impact=f"{severity_word(voice, incident.severity)}, {length}",
    )


def _cost(facts: ReportFacts) -> float | None:
    """What downtime cost; None without rates, and where two currencies cannot be added up."""
    known = [c.downtime for c in facts.costs.currencies if c.downtime is not None] if facts.costs else []
    return known[0] if len(known) == 1 else None
