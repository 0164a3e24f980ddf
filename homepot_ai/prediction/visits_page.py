"""Visits in words: for artifacts and the command line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.prediction.deciding import Decided
    from homepot_ai.store.episodes import NamedDevice
    from homepot_ai.store.schedule import Visit

SHOWN = 50
HEADER = ("visit", "when (site's time)", "device", "site", "state", "risk", "why and what to do", "cost")


def span(visit: Visit) -> str:
    """When a visit is, by the site's clock: `Sun 2026-11-22 06:00-07:00`."""
    zone = ZoneInfo(visit.timezone)
    begin, end = visit.visit_at.astimezone(zone), visit.visit_until.astimezone(zone)
    return f"{begin:%a %Y-%m-%d %H:%M}-{end:%H:%M}"


def cells(visit: Visit, names: Mapping[int, NamedDevice], now: datetime) -> tuple[str, ...]:
    """A visit as a row under `HEADER`; every text is clean."""
    device = names.get(visit.device_id)
    overdue = visit.state == "accepted" and visit.visit_until < now
    cost = "-" if visit.cost is None else f"{visit.cost:.0f} {visit.currency}"
    return (
        str(visit.id),
        span(visit),
        clean(device.name, 60) if device else str(visit.device_id),
        clean(device.site, 60) if device else "-",
        visit.state + (", overdue" if overdue else ""),
        visit.level,
        f"{clean(visit.reason, 300)}: {clean(visit.action, 200)}",
        cost,
    )


def listing(visits: Sequence[Visit], names: Mapping[int, NamedDevice], now: datetime) -> list[str]:
    """A Markdown table of visits, the next one first, and what to do about them."""
    live = [v for v in visits if v.state in ("proposed", "accepted")]
    if not live:
        return ["No visit is proposed or accepted."]
    # Whole sentences stand below the table: a browser cuts off what is wide.
    why = HEADER.index("why and what to do")
    columns = [column for column in range(len(HEADER)) if column != why]
    rows = [[_escaped(cell) for cell in cells(visit, names, now)] for visit in live[:SHOWN]]
    lines = [f"| {' | '.join(HEADER[column] for column in columns)} |", "|--:|---|---|---|---|---|--:|"]
    lines += [f"| {' | '.join(row[column] for column in columns)} |" for row in rows]
    lines += ["", *(f"- {row[0]}, {row[2]}: {row[why]}" for row in rows)]
    if len(live) > SHOWN:
        lines.append(f"\nand {len(live) - SHOWN} more: `homepot-ai visits`")
    together = {(v.site_id, v.visit_at) for v in live}
    lines += [
        "",
        f"{len(live)} device{'s' if len(live) != 1 else ''} in {len(together)} "
        f"visit{'s' if len(together) != 1 else ''} to a site. Say yes with `homepot-ai visits accept NUMBER`"
        ", no with `decline`, and `done` when somebody was there; or run `decide-visit` and `visit-done`.",
    ]
    return lines


def decided_page(
    decided: Sequence[Decided], visits: Sequence[Visit], names: Mapping[int, NamedDevice], now: datetime
) -> str:
    """The artifact of a decision: what was said, and what is planned now."""
    said = [f"**{one.said[:1].upper()}{one.said[1:]}.**" for one in decided]
    return "\n\n".join([*said, "\n".join(listing(visits, names, now))]) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
