"""The maintenance schedule as a calendar (RFC 5545), for a site or the fleet. Pure: the same visits, the
same bytes.

One event per device: its UID stays for ever, its SEQUENCE rises whenever the appointment changes, so that a
calendar program moves or strikes the event it has. Proposed is TENTATIVE, accepted and done CONFIRMED,
declined and lapsed CANCELLED. Times are in the site's zone, with its rules in a VTIMEZONE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.store.episodes import NamedDevice
    from homepot_ai.store.schedule import Visit

STATUS = {
    "proposed": "TENTATIVE",
    "accepted": "CONFIRMED",
    "done": "CONFIRMED",
    "declined": "CANCELLED",
    "lapsed": "CANCELLED",
}


#: A probability of a failure from which on it says something beside a date.
TELLING = 0.1


def uid_of(visit: Visit, domain: str) -> str:
    """The event's UID: of the visit's number alone, so that it stays when the visit moves."""
    return f"visit-{visit.id}@{domain}"


def ics(
    visits: Sequence[Visit], names: Mapping[int, NamedDevice], *, domain: str, title: str = "Maintenance"
) -> bytes:
    """Visits as the content of a `.ics` file.

    Args:
        names: devices by number; one that is not there is called by its number.
        domain: of the UIDs, e.g. of the mails' Message-IDs.
    """
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//homepot-ai//maintenance visits//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", clean(title, 80))
    for visit in sorted(visits, key=lambda v: (v.visit_at, v.id)):
        zone, device = ZoneInfo(visit.timezone), names.get(visit.device_id)
        event = Event()
        event.add("uid", uid_of(visit, domain))
        event.add("sequence", visit.sequence)
        event.add("status", STATUS[visit.state])
        event.add("dtstamp", visit.updated_at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", visit.visit_at.astimezone(zone))
        event.add("dtend", visit.visit_until.astimezone(zone))
        name = clean(device.name) if device else f"device {visit.device_id}"
        mark = {"proposed": "Proposed: ", "done": "Done: "}.get(visit.state, "")
        event.add("summary", f"{mark}{name} - {clean(visit.action, 200)}")
        if device:
            event.add("location", clean(device.site))
        event.add("description", _description(visit, device))
        event.add("categories", ["HOMEPOT", "maintenance"])
        calendar.add_component(event)
    if visits:
        first, last = min(v.visit_at for v in visits), max(v.visit_until for v in visits)
        year = timedelta(days=366)
        calendar.add_missing_timezones((first - year).date(), (last + year).date())
    return bytes(calendar.to_ical())


def _description(visit: Visit, device: NamedDevice | None) -> str:
    # Beside the date of a limit a per cent or two says nothing, and looks as if the risk were low.
    likely = visit.probability is not None and visit.probability >= TELLING
    lines = [
        f"{clean(visit.reason, 500)}.",
        f"Risk: {visit.level}" + (f" (failure within 7 days: {visit.probability:.0%})" if likely else ""),
    ]
    if device:
        lines.append(f"Device: {clean(device.public_id)}")
    if visit.cost is not None:
        lines.append(f"Estimated cost: {visit.cost:.2f} {visit.currency}")
    if visit.cost_if_not is not None:
        lines.append(f"Expected cost without it: {visit.cost_if_not:.2f} {visit.currency}")
    if visit.state == "proposed":
        lines.append(
            f"Accept: homepot-ai visits accept {visit.id}; decline: homepot-ai visits decline {visit.id}"
        )
    return "\n".join(lines)
