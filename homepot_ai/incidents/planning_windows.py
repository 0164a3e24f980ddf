"""Making and cancelling windows: what people ask for, checked, audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from homepot_ai.errors import IncidentError, NotFound
from homepot_ai.fleet import devices as fleet
from homepot_ai.incidents.windows import covered_until, occurrence
from homepot_ai.settings import Settings
from homepot_ai.store import audit, windows
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.windows import Scope, Silenced, Window
from homepot_ai.text import clean

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = timedelta(days=60)
WEEK_MINUTES = 7 * 1440


@dataclass(frozen=True)
class Asked:
    """A window as a person writes it.

    Once: `starts` with `minutes` or `ends`. Recurring: `weekdays` ("sat,sun", "mon-fri", "daily") with
    `clock` ("22:00") and `minutes`, on the clock of `timezone` (empty: the site's own).

    Attributes:
        of: the site's or device's name, public id or number; empty for the fleet.
    """

    name: str
    scope: Scope
    of: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    minutes: int = 0
    weekdays: str = ""
    clock: str = ""
    timezone: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    comment: str = ""


@dataclass(frozen=True)
class Planned:
    """A window that was made or cancelled; `written` False: it was so already."""

    window: Window
    of: str
    written: bool
    said: str


def add(db: Database, settings: Settings, asked: Asked, *, by: str, now: datetime, source: str) -> Planned:
    """Make a window; the same again is left as it is.

    Raises:
        NotFound: no such site or device, with the nearest names.
        IncidentError: it is incomplete, contradicts itself, or is over already.
    """
    by = clean(by, 100)
    with db.writer() as conn:
        scope_id, called, zone = _scope(conn, settings, asked)
        wanted = window_of(asked, scope_id=scope_id, zone=zone, by=by, now=now)
        number, new = windows.insert(conn, wanted)
        if new:
            audit.record(
                conn, at=now, actor=by, action="added", subject=f"window {number}",
                purpose="incidents in it are recorded and not told",
                details={"source": source, "name": wanted.name, "scope": wanted.scope, "of": called},
            )  # fmt: skip
        found = windows.window(conn, number)
    assert found is not None
    said = f"window {number} for {called}: {words(found)}"
    return Planned(found, called, new, said if new else f"{said} (it was there already)")


def cancel(db: Database, number: int, *, by: str, now: datetime, source: str) -> Planned:
    """End a window for good; what it silenced is judged afresh with the next minute.

    Raises:
        NotFound: no such window, with those in force.
    """
    by = clean(by, 100)
    with db.writer() as conn:
        found = windows.window(conn, number)
        if found is None:
            near = windows.windows(conn, now, limit=5)
            raise NotFound("window", str(number), [f"{w.id} ({clean(w.name, 60)})" for w in near])
        written = windows.cancel(conn, number, by=by, at=now)
        if written:
            audit.record(
                conn, at=now, actor=by, action="cancelled", subject=f"window {number}",
                purpose="incidents are told again", details={"source": source, "name": found.name},
            )  # fmt: skip
    said = f"window {number} cancelled" if written else f"window {number} was cancelled already"
    return Planned(found, "", written, said)


@dataclass(frozen=True)
class Listing:
    """Windows in force with what they are about and until when they cover the present; what is silenced."""

    windows: Sequence[tuple[Window, str, datetime | None]]
    silenced: Sequence[Silenced]


def listing(db: Database, settings: Settings, now: datetime) -> Listing:
    """What is planned, and what was not told within the last week."""
    with db.reader() as conn:
        there = windows.windows(conn, now)
        sites = {site.id: site.name for site in fleet.list_sites(conn, settings)}
        ids = [w.scope_id for w in there if w.scope == "device" and w.scope_id is not None]
        devices = fleet.in_use(conn, ids)
        silenced = windows.silenced(conn, now - timedelta(days=7))

    def called(window: Window) -> str:
        if window.scope_id is None:
            return "the whole fleet"
        if window.scope == "site":
            return clean(sites.get(window.scope_id, f"site {window.scope_id}, gone"))
        device = devices.get(window.scope_id)
        return clean(device.name) if device else f"device {window.scope_id}, gone"

    return Listing([(w, called(w), covered_until(w, now)) for w in there], silenced)


def window_of(asked: Asked, *, scope_id: int | None, zone: str, by: str, now: datetime) -> Window:
    """The window that is asked for. Pure.

    Raises:
        IncidentError: it is incomplete, contradicts itself, or is over already.
    """
    if not asked.name.strip():
        raise IncidentError("give the window a name: it is what people read beside what was not told")
    days = weekdays_of(asked.weekdays)
    recurring = bool(days or asked.clock.strip())
    if recurring == (asked.starts is not None):
        raise IncidentError(
            "say either when it starts (once), or on which weekdays and at what time of the clock "
            "(recurring): for example starts=2026-11-22T20:00Z minutes=120, or weekdays=sat clock=22:00 "
            "minutes=480"
        )
    ends, clock = asked.ends, None
    if recurring:
        if not days or asked.ends is not None:
            raise IncidentError("a recurring window has weekdays, a clock time and minutes, and no end")
        clock = _clock(asked.clock)
        if not 1 <= asked.minutes <= WEEK_MINUTES:
            raise IncidentError(f"a recurring window lasts 1 to {WEEK_MINUTES} minutes, not {asked.minutes}")
        if asked.valid_until is not None and asked.valid_until < (asked.valid_from or now.date()):
            raise IncidentError(f"no day lies up to {asked.valid_until}: it would never be in force")
    else:
        assert asked.starts is not None
        if (ends is None) == (asked.minutes < 1):
            raise IncidentError("say how long it lasts: either minutes or its end, not both")
        ends = ends or asked.starts + timedelta(minutes=asked.minutes)
        if ends <= asked.starts:
            raise IncidentError(f"it would end at {ends:%Y-%m-%d %H:%M} UTC, before it starts")
        if ends - asked.starts > LONGEST:
            raise IncidentError(f"a window of more than {LONGEST.days} days hides what nobody will look for")
        if ends <= now:
            raise IncidentError(f"it ended at {ends:%Y-%m-%d %H:%M} UTC: what was told is told")
    return Window(
        id=0, scope=asked.scope, scope_id=scope_id, name=clean(asked.name, 100),
        starts_at=asked.starts, ends_at=ends if asked.starts is not None else None,
        weekdays=days or None, local_start=clock, minutes=asked.minutes if recurring else None,
        timezone=zone if recurring else None, valid_from=asked.valid_from if recurring else None,
        valid_until=asked.valid_until if recurring else None,
        comment=clean(asked.comment, 500) if asked.comment.strip() else None, created_by=by, created_at=now,
    )  # fmt: skip


def weekdays_of(text: str) -> list[int]:
    """Weekdays as people write them, 0 is Monday.

    >>> weekdays_of("sat, sun"), weekdays_of("mon-fri"), weekdays_of("fri-mon"), weekdays_of("")
    ([5, 6], [0, 1, 2, 3, 4], [0, 4, 5, 6], [])

    Raises:
        IncidentError: something in it is no weekday.
    """
    found: set[int] = set()
    for part in text.lower().replace(",", " ").split():
        if part in ("daily", "all"):
            found |= set(range(7))
            continue
        first, _, last = part.partition("-")
        names = [name[:3] for name in (first, last or first)]
        if any(name not in DAYS for name in names):
            raise IncidentError(f"{clean(part, 40)!r} is no weekday: write for example sat,sun or mon-fri")
        begin, end = (DAYS.index(name) for name in names)
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return sorted(found)


def words(window: Window) -> str:
    """When a window is, in words."""
    if window.starts_at is not None and window.ends_at is not None:
        same = window.starts_at.date() == window.ends_at.date()
        end = f"{window.ends_at:{'%H:%M' if same else '%Y-%m-%d %H:%M'}}"
        return f"{window.starts_at:%Y-%m-%d %H:%M} to {end} UTC"
    days = ", ".join(DAYS[day] for day in window.weekdays or ())
    days = "every day" if len(window.weekdays or ()) == 7 else days
    said = f"{days} from {window.local_start:%H:%M} for {_length(window.minutes or 0)} ({window.timezone})"
    if window.valid_from is not None:
        said += f", from {window.valid_from}"
    return said if window.valid_until is None else f"{said}, until {window.valid_until}"


def next_begin(window: Window, now: datetime) -> datetime | None:
    """When a window begins next; None: never again, or it covers the present."""
    if window.starts_at is not None:
        return window.starts_at if window.starts_at > now else None
    if window.timezone is None:
        return None
    today = now.astimezone(ZoneInfo(window.timezone)).date()
    for n in range(8):
        found = occurrence(window, today + timedelta(days=n))
        if found is not None and found[0] > now:
            return found[0]
    return None


def _length(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text.strip()).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise IncidentError(f"{clean(text, 40)!r} is no time of the clock: write for example 22:00") from None


def _scope(conn: Connection, settings: Settings, asked: Asked) -> tuple[int | None, str, str]:
    """Whom it is about: number, name and zone."""
    if asked.timezone.strip():
        try:
            ZoneInfo(asked.timezone.strip())
        except (KeyError, ValueError, OSError) as error:
            raise IncidentError(
                f"{clean(asked.timezone, 60)!r} is no IANA time zone: write for example Europe/Berlin"
            ) from error
    zone = asked.timezone.strip()
    if asked.scope == "fleet":
        if asked.of.strip():
            raise IncidentError(
                f"a window of the fleet is not of {clean(asked.of, 60)!r}: scope=site, or device"
            )
        return None, "the whole fleet", zone or settings.reports.timezone
    if not asked.of.strip():
        raise IncidentError(f"say which {asked.scope}: its name, public id or number")
    if asked.scope == "site":
        site = fleet.resolve_site(conn, settings, asked.of)
        return site.id, clean(site.name), zone or site.timezone
    device = fleet.resolve_device(conn, asked.of)
    sites = {site.id: site.timezone for site in fleet.list_sites(conn, settings)}
    return device.id, clean(device.name), zone or sites.get(device.site_id, settings.reports.timezone)
