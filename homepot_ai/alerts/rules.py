"""Routes and subscriptions as rules; adding, showing and ending routes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from homepot_ai.alerts import compose
from homepot_ai.alerts.hours import ALL_DAYS, WEEKDAYS, Hours
from homepot_ai.alerts.records import KINDS, MAIL, SEVERITIES, Recipient, Rule
from homepot_ai.errors import MailError, NotFound, SettingsError
from homepot_ai.fleet.devices import resolve_site
from homepot_ai.reporting.mail import bare_address
from homepot_ai.store import alerts as store
from homepot_ai.store import audit, outbox
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.alerts import AlertSubscription, Route
    from homepot_ai.store.database import Connection

PURPOSE = "alert routing"
#: What somebody hears who subscribed to alerts; `incident` hears everything.
ALERT_KINDS = frozenset(
    {"opened", "released", "worsened", "escalated", "still_open", "flapping", "recovered"}
)
_RANGE = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True)
class NewRoute:
    """What an operator asks for, as typed.

    Attributes:
        to: a mail address, or the name of a channel in the settings.
        site: name, public id or number; empty: every site.
        device_types, kinds: separated by commas; empty: all.
        days: `daily`, `mon-fri`, or days separated by commas; hours: `08:00-18:00`; both empty: always.
        timezone: of the hours; empty: the site's, or the fleet's.
        outside: what becomes of a message outside the hours.
        after_minutes: more than 0 makes it an escalation.
        renotify_minutes: 0: never again.
    """

    name: str
    to: str
    site: str = ""
    device_types: str = ""
    severity: str = "warning"
    kinds: str = ""
    days: str = ""
    hours: str = ""
    timezone: str = ""
    outside: Literal["wait", "skip"] = "wait"
    after_minutes: int = 0
    renotify_minutes: int = 0


def rules_of(conn: Connection, settings: Settings) -> list[Rule]:
    """Every active route and subscription as a rule."""
    routes = [rule_of_route(route, settings) for route in store.routes(conn)]
    known = store.subscriptions(conn)
    # `own` is what HOMEPOT lets somebody see: of somebody it does not know (any more) that is nothing.
    people = store.visible_sites(conn, {s.email for s in known if s.scope == "own"})
    mine = [s for s in known if s.scope != "own" or s.email.lower() in people]
    return [*routes, *(rule_of_subscription(s, settings) for s in mine)]


def rule_of_route(route: Route, settings: Settings) -> Rule:
    """A route as a rule."""
    hours = None
    if route.weekdays is not None or route.local_from is not None:
        days = frozenset(route.weekdays) if route.weekdays else ALL_DAYS
        zone = route.timezone or settings.reports.timezone
        hours = Hours(days, route.local_from or time(0), route.local_to or time(0), zone)
    return Rule(
        name=route.name,
        recipient=Recipient(route.channel, route.address.lower()),
        site_id=route.site_id,
        device_types=frozenset(route.device_types) if route.device_types else None,
        min_severity=route.min_severity,
        kinds=frozenset(route.kinds) if route.kinds else None,
        hours=hours,
        outside="skip" if route.outside == "skip" else "wait",
        after_minutes=route.after_minutes,
        renotify_minutes=route.renotify_minutes,
    )


def rule_of_subscription(subscription: AlertSubscription, settings: Settings) -> Rule:
    """A subscription to alerts or incidents as a rule."""
    of_site = subscription.scope_id if subscription.scope == "site" else None
    return Rule(
        name=f"subscription {subscription.id}",
        recipient=Recipient(MAIL, subscription.email.lower()),
        site_id=of_site,
        device_id=subscription.scope_id if subscription.scope == "device" else None,
        kinds=ALERT_KINDS if subscription.kind == "alert" else None,
        renotify_minutes=settings.alerts.renotify_minutes or None,
    )


def add(conn: Connection, settings: Settings, wanted: NewRoute, *, actor: str, now: datetime) -> int:
    """Write a route; returns its number.

    Raises:
        SettingsError: a part cannot be understood; the message says what to write instead.
        NotFound: no such site or channel.
    """
    name = clean(wanted.name, 80) if wanted.name.strip() else ""
    if not name:
        raise SettingsError("a route needs a name; write for example 'Berlin at night'")
    recipient = recipient_of(wanted.to, settings)
    site = resolve_site(conn, settings, wanted.site) if wanted.site.strip() else None
    if wanted.severity not in SEVERITIES:
        raise SettingsError(f"{wanted.severity!r} is no severity; write one of {', '.join(SEVERITIES)}")
    kinds = _list(wanted.kinds)
    if unknown := [kind for kind in kinds or [] if kind not in KINDS]:
        raise SettingsError(f"{unknown[0]!r} is no kind of message; write some of {', '.join(KINDS)}")
    begin, end = _range(wanted.hours)
    days = _days(wanted.days)
    zone = wanted.timezone.strip() or (site.timezone if site else settings.reports.timezone)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(f"{zone[:60]!r} is no IANA time zone; write for example Europe/Berlin") from error
    if not 0 <= wanted.after_minutes <= 10080:
        raise SettingsError("a route escalates after 0 (at once) to 10080 minutes (a week)")
    if wanted.renotify_minutes and not 5 <= wanted.renotify_minutes <= 10080:
        raise SettingsError("a route reminds every 5 to 10080 minutes, or 0: never")
    number = store.add_route(
        conn,
        {
            "name": name, "channel": recipient.channel, "address": recipient.address,
            "site_id": site.id if site else None, "device_types": _list(wanted.device_types),
            "min_severity": wanted.severity, "kinds": kinds, "weekdays": days, "local_from": begin,
            "local_to": end, "timezone": zone if days or begin else None, "outside": wanted.outside,
            "after_minutes": wanted.after_minutes, "renotify_minutes": wanted.renotify_minutes or None,
            "actor": actor, "now": now,
        },
    )  # fmt: skip
    if number is None:
        raise SettingsError(f"there is a route {name!r} already: remove it first, or take another name")
    details = {"route": name, "site": site.id if site else None, "severity": wanted.severity}
    audit.record(
        conn, at=now, actor=actor, action="alert route added", subject=f"route {number}", purpose=PURPOSE,
        details=details,
    )  # fmt: skip
    return number


def find(conn: Connection, asked: str) -> Route:
    """An active route by number or name.

    Raises:
        NotFound: with the names that there are.
    """
    known = store.routes(conn)
    for route in known:
        if asked.strip() in (str(route.id), route.name):
            return route
    raise NotFound("alert route", asked, [f"{r.id} ({clean(r.name, 40)})" for r in known[:5]])


def remove(conn: Connection, asked: str, *, actor: str, now: datetime) -> Route:
    """End a route. What was queued for it still goes; what waits is not told.

    Raises:
        NotFound: there is no such route.
    """
    route = find(conn, asked)
    store.remove_route(conn, route.id)
    audit.record(
        conn, at=now, actor=actor, action="alert route removed", subject=f"route {route.id}",
        purpose=PURPOSE, details={"route": route.name},
    )  # fmt: skip
    return route


def test(conn: Connection, settings: Settings, asked: str, *, now: datetime) -> Recipient:
    """Queue a harmless message to a route's recipient, whatever its hours.

    Raises:
        NotFound: there is no such route.
    """
    rule = rule_of_route(find(conn, asked), settings)
    message = compose.test_message(rule.recipient, rule.name, settings, now)
    box = outbox.MAILS if rule.recipient.channel == MAIL else outbox.CHANNELS
    outbox.enqueue(conn, message, now=now, box=box)
    return rule.recipient


def recipient_of(text: str, settings: Settings) -> Recipient:
    """A mail address, or a channel that the settings name.

    Raises:
        SettingsError: neither.
    """
    to = text.strip()
    if "@" in to:
        try:
            bare_address(to)
        except MailError as error:
            raise SettingsError(str(error)) from error
        return Recipient(MAIL, to.lower())
    if to not in settings.alerts.channels:
        known = ", ".join(sorted(settings.alerts.channels)) or "none yet"
        raise SettingsError(
            f"{clean(to, 60)!r} is neither a mail address nor a channel of the settings (alerts.channels: "
            f"{known}); docs/alerts.md shows how to add one"
        )
    return Recipient(to)


def listing(conn: Connection, settings: Settings) -> list[tuple[str, ...]]:
    """Number, name, to, of, from severity, when, and the rest, as strings; escalations last."""
    rows: list[tuple[str, ...]] = []
    for route in store.routes(conn):
        rule = rule_of_route(route, settings)
        of = (
            clean(route.site, 40)
            if route.site
            else "every site"
            if route.site_id is None
            else "a site that is gone"
        )
        if route.device_types:
            of += ", " + clean(", ".join(route.device_types), 60)
        rows.append(
            (
                str(route.id), clean(route.name, 40), clean(str(rule.recipient), 60), of, route.min_severity,
                _when(rule), _rest(rule),
            )
        )  # fmt: skip
    for subscription in store.subscriptions(conn):
        rule = rule_of_subscription(subscription, settings)
        of = {"fleet": "every site", "own": "own sites"}.get(
            subscription.scope, f"{subscription.scope} {subscription.scope_id}"
        )
        rows.append(("-", rule.name, clean(subscription.email, 60), of, "warning", "always", _rest(rule)))
    return rows


def _when(rule: Rule) -> str:
    if rule.hours is None:
        return "always"
    return f"{rule.hours}, else {'waits' if rule.outside == 'wait' else 'not told'}"


def _rest(rule: Rule) -> str:
    parts = []
    if rule.after_minutes:
        parts.append(f"escalation after {rule.after_minutes} min")
    if rule.renotify_minutes:
        parts.append(f"again every {rule.renotify_minutes} min")
    if rule.kinds is not None:
        parts.append("only " + ", ".join(kind for kind in KINDS if kind in rule.kinds))
    return "; ".join(parts)


def _list(text: str) -> list[str] | None:
    items = [item.strip() for item in text.split(",") if item.strip()]
    return items or None


def _range(text: str) -> tuple[time | None, time | None]:
    if not text.strip():
        return None, None
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"{clean(text, 40)!r} are no hours; write for example 08:00-18:00 or 22:00-06:00")
    try:
        return time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))
    except ValueError as error:
        raise SettingsError(f"{clean(text, 40)!r} are no hours; write for example 08:00-18:00") from error


def _days(text: str) -> list[int] | None:
    wanted = text.strip().lower()
    if wanted in ("", "daily"):
        return None
    days: list[int] = []
    for part in wanted.split(","):
        first, dash, last = part.strip().partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            raise SettingsError(f"{clean(text, 40)!r} are no days; write for example mon-fri, or sat,sun")
        begin = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last) - begin) % 7 + 1 if dash else 1
        days += [(begin + step) % 7 + 1 for step in range(length)]
    return sorted(set(days))
