"""Warnings as a mail shows them: what is expected, why, what to do, when somebody could go. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homepot_ai.fleet import metrics
from homepot_ai.prediction.acting import reason_of
from homepot_ai.prediction.record_page import warnings_sentence
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.prediction.track_record import TrackRecord
    from homepot_ai.settings import Settings
    from homepot_ai.store.episodes import Episode, NamedDevice
    from homepot_ai.store.schedule import Visit

PAGE = "docs/maintenance-visits.md"
SHOWN = 12
FACTS = 3
GLYPH = {"high": "▲", "critical": "■"}


@dataclass(frozen=True)
class Warned:
    """A warning, its device, and the visit that is proposed for it; None: none is."""

    episode: Episode
    device: NamedDevice
    visit: Visit | None


@dataclass(frozen=True)
class ForetoldRow:
    """One device of the mail; every text is clean."""

    glyph: str
    level: str
    word: str
    name: str
    where: str
    reason: str
    why: tuple[str, ...]
    action: str
    visit: str
    cost: str


@dataclass(frozen=True)
class ForetoldView:
    """Everything that the templates need. `short`: lines for a channel."""

    subject: str
    kicker: str
    level: str
    glyph: str
    headline: str
    lead: str
    rows: tuple[ForetoldRow, ...]
    hidden: int
    short: tuple[str, ...]
    record: str
    commands: tuple[tuple[str, str], ...]
    footer: str
    page: str
    page_url: str


def build(about: Sequence[Warned], record: TrackRecord, settings: Settings) -> ForetoldView:
    """The mail about some warnings, the most urgent first."""
    ordered = sorted(about, key=lambda w: (w.episode.level != "critical", w.episode.due_at, w.episode.id))
    rows = tuple(_row(one, settings) for one in ordered[:SHOWN])
    sites = sorted({clean(one.device.site) for one in about})
    worst = ordered[0].episode.level
    n = len(ordered)
    headline = _headline(ordered, rows[0].name)
    where = sites[0] if len(sites) == 1 else f"{len(sites)} sites"
    visits = [one.visit for one in ordered if one.visit is not None and one.visit.state == "proposed"]
    commands = [("homepot-ai visits", "every proposed and accepted visit")]
    if visits:
        numbers = " ".join(str(visit.id) for visit in visits)
        # A line of the mail has 78 columns.
        numbers = numbers if len(numbers) <= 12 else str(visits[0].id)
        some = " (or name only some)" if " " in numbers else ""
        commands = [
            (f"homepot-ai visits accept {numbers}", f"somebody goes{some}"),
            (f"homepot-ai visits decline {numbers}", "not proposed again until it is worse"),
            *commands,
        ]
    commands.append(("homepot-ai track-record", "how good such forecasts were so far"))
    base = settings.alerts.runbook_url.rstrip("/")
    return ForetoldView(
        subject=f"{where}: {headline}",
        kicker=f"Forecast · {', '.join(sites[:3])}" + (" …" if len(sites) > 3 else ""),
        level="critical" if worst == "critical" else "warning",
        glyph=GLYPH[worst],
        headline=headline,
        lead="This has not happened yet: there is time for a planned visit."
        if n == 1
        else "None of this has happened yet: there is time for planned visits.",
        rows=rows,
        hidden=n - len(rows),
        short=tuple(f"{row.glyph} {row.name}: {row.reason}. {row.action}. {row.visit}" for row in rows[:5]),
        record=warnings_sentence(record),
        commands=tuple(commands),
        footer="You are told once of each warning. It ends by itself when the risk stays lower for a day.",
        page=PAGE,
        page_url=f"{base}/maintenance-visits.md" if base else "",
    )


def _headline(about: Sequence[Warned], name: str) -> str:
    """What they have in common: a limit that is near is not a failure that is likely."""
    crossings = [one.episode.facts.get("crossing") for one in about]
    if len(about) == 1:
        metric = metrics.label(str(crossings[0]["metric"])) if crossings[0] else None
        return f"{name} is likely to fail" if metric is None else f"{metric} of {name} nears its limit"
    if not any(crossings):
        return f"{len(about)} devices are likely to fail"
    return f"{len(about)} devices " + ("near a limit" if all(crossings) else "near a failure or a limit")


def _row(one: Warned, settings: Settings) -> ForetoldRow:
    episode, visit = one.episode, one.visit
    zone = one.device.timezone or settings.reports.timezone
    facts = [fact for fact in episode.facts.get("facts", ()) if fact.get("effect", 0) > 0][:FACTS]
    return ForetoldRow(
        glyph=GLYPH[episode.level],
        level="critical" if episode.level == "critical" else "warning",
        word=f"{episode.level} risk",
        name=clean(one.device.name),
        where=clean(one.device.site),
        reason=clean(reason_of(episode.facts), 300),
        why=tuple(fact_words(fact) for fact in facts),
        action=clean(episode.action or "Look at the device before it fails", 300),
        visit="No visit is planned for it" if visit is None else _visit(visit, zone),
        cost="" if visit is None else cost_words(visit),
    )


def fact_words(fact: dict[str, object]) -> str:
    """A fact that pushed a probability, in words.

    >>> fact_words({"name": "disk_percent trend", "value": 1.9, "unit": "%/day", "usual": 0.1, "effect": 1.4})
    'disk percent trend 1.9 %/day (usual: 0.1)'
    """
    said = clean(str(fact.get("name", "")), 80).replace("_", " ")
    value, usual = fact.get("value"), fact.get("usual")
    if isinstance(value, int | float):
        said += (
            f" {value:.3g} {clean(str(fact.get('unit') or ''), 20)}".rstrip()
            if fact.get("unit")
            else (f" {value:.3g}")
        )
    return said + (f" (usual: {usual:.3g})" if isinstance(usual, int | float) else "")


def _visit(visit: Visit, zone: str) -> str:
    word = {"proposed": "Proposed visit", "accepted": "Accepted visit"}.get(visit.state, "Visit")
    return f"{word} {visit.id}: {span(visit.visit_at, visit.visit_until, zone)}"


def span(begin: datetime, end: datetime, zone: str) -> str:
    """A span by a site's clock.

    >>> from datetime import UTC
    >>> span(datetime(2026, 11, 22, 5, tzinfo=UTC), datetime(2026, 11, 22, 6, tzinfo=UTC), "Europe/Berlin")
    'Sun 22 Nov 06:00-07:00 (Europe/Berlin)'
    """
    here = ZoneInfo(zone)
    return f"{begin.astimezone(here):%a %d %b %H:%M}-{end.astimezone(here):%H:%M} ({zone})"


def cost_words(visit: Visit) -> str:
    """What a visit costs and what it may spare; empty where no rates are configured."""
    parts = []
    if visit.cost is not None:
        parts.append(f"about {visit.cost:.0f} {visit.currency}")
    if visit.cost_if_not is not None:
        parts.append(f"expected cost without it {visit.cost_if_not:.0f} {visit.currency}")
    return ", ".join(parts)
