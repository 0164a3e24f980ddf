"""Slots' words to rows of the database: devices, sites, types, metrics, incidents, people.

Reads through the asker's connection only: whatever is looked up, offered or called near is of its sites.
Times are not resolved here: they need no database (`questions/times.py`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.errors import NotFound, QuestionError
from homepot_ai.fleet import metrics
from homepot_ai.questions.catalogue import intent as named
from homepot_ai.questions.names import Entry, Index, fold, meaning, number, synonyms
from homepot_ai.questions.types import Ambiguous, SlotName, Slots
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.text import clean

_SQL = named_sql.load("store/sql/asking.sql")
#: Names are read again after so many seconds; so many askers' names are kept.
KEPT_S, KEPT = 60.0, 32
OFFERED, MOST = 10, 50


@dataclass(frozen=True)
class Known:
    """A device in as much as resolving it needs."""

    site_id: int
    device_type: str
    in_use: bool


@dataclass(frozen=True)
class Directory:
    """Every name that an asker may know."""

    devices: Index
    of: Mapping[int, Known]
    sites: Index
    types: Mapping[str, int]
    metrics: tuple[str, ...]


_kept: OrderedDict[tuple[object, ...], tuple[float, str, Directory]] = OrderedDict()
_lock = threading.Lock()


def directory(conn: Connection, now: datetime) -> Directory:
    """The names that this connection's asker may know, at most a minute old.

    For 50 000 names it takes two to three seconds the first time, a tenth of one once a minute to see that
    they are the same, and nothing in between.
    """
    # Whose names these are is asked of the connection itself: what is kept cannot get to somebody else.
    whose = conn.execute(_SQL["whose"]).fetchone() or ()
    key = (conn.info.host, conn.info.port, conn.info.dbname, *whose)
    with _lock:
        held = _kept.get(key)
        if held is not None and time.monotonic() - held[0] < KEPT_S:
            _kept.move_to_end(key)
            return held[2]
    # Folding many names takes a while, and they hardly ever change.
    (fingerprint,) = conn.execute(_SQL["fingerprint"]).fetchone() or ("",)
    same = held is not None and held[1] == fingerprint
    read = held[2] if held is not None and same else _read(conn, now)
    with _lock:
        _kept[key] = (time.monotonic(), fingerprint, read)
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return read


def forget() -> None:
    """Read every name anew the next time."""
    with _lock:
        _kept.clear()


def resolve(conn: Connection, key: str, words: Mapping[SlotName, str], now: datetime) -> Slots | Ambiguous:
    """What the words of an intent's slots are in the database.

    Args:
        conn: the asker's: :meth:`homepot_ai.store.database.Database.asker`.
        key: the intent's; words that it does not take are ignored, those it lacks are its defaults.
        words: by slot. `period`, `since` and `horizon` are not looked at.

    Returns:
        Slots without times, or the candidates of a name that fits several.

    Raises:
        NotFound: nothing bears that name; with the nearest that the asker may know.
        QuestionError: words of which nothing can be made.
    """
    wanted = named(key)
    said = {**wanted.defaults, **{slot: text for slot, text in words.items() if text.strip()}}
    said = {slot: text for slot, text in said.items() if slot in wanted.slots}
    known = directory(conn, now)
    sites: dict[str, int | None] = {"site": None, "other_site": None}
    for slot in ("site", "other_site"):
        if slot not in said:
            continue
        found = _site(known, slot, said[slot])
        if isinstance(found, Ambiguous):
            return found
        sites[slot] = found
    device: int | None = None
    if "device" in said:
        found = _device(known, said["device"], sites["site"])
        if isinstance(found, Ambiguous):
            return found
        device = found
    return Slots(
        device=device,
        site=sites["site"],
        other_site=sites["other_site"],
        device_type=_type(known, said["type"]) if "type" in said else None,
        metric=_metric(known, said["metric"]) if "metric" in said else None,
        incident=_incident(conn, said["incident"]) if "incident" in said else None,
        n=_n(said["n"]) if "n" in said else None,
        severity=_word("severity", said["severity"], synonyms().severity) if "severity" in said else None,
        category=_word("category", said["category"], synonyms().category) if "category" in said else None,
        person=_person(conn, said["person"]) if "person" in said else None,
    )


def _read(conn: Connection, now: datetime) -> Directory:
    sites = conn.execute(_SQL["sites"]).fetchall()
    places = {row[0]: clean(str(row[2])) for row in sites}
    devices = conn.execute(_SQL["names"]).fetchall()
    of = {row[0]: Known(row[3], str(row[4]), row[5]) for row in devices}
    types: dict[str, int] = {}
    for one in of.values():
        types[one.device_type] = types.get(one.device_type, 0) + one.in_use
    measured = conn.execute(_SQL["metric_names"], {"since": now - timedelta(hours=3)}).fetchall()
    return Directory(
        devices=Index([Entry(r[0], str(r[1]), clean(str(r[2])), places.get(r[3], "")) for r in devices]),
        of=of,
        sites=Index([Entry(r[0], str(r[1]), places[r[0]], clean(r[3]) if r[3] else "") for r in sites]),
        types=types,
        metrics=tuple(sorted({str(row[0]) for row in measured} | set(metrics.KNOWN))),
    )


def _site(known: Directory, slot: str, said: str) -> int | Ambiguous:
    found = known.sites.find(said) or known.sites.spelled(said)
    if len(found) == 1:
        return found[0].id
    if found:
        return Ambiguous(slot, clean(said), tuple(f"{e.name} ({e.public})" for e in found[:OFFERED]))
    raise NotFound("site", clean(said), [entry.name for entry in known.sites.near(said)])


def _device(known: Directory, said: str, site: int | None) -> int | Ambiguous:
    def here(entry: Entry) -> bool:
        return site is None or known.of[entry.id].site_id == site

    found = known.devices.find(said, here)
    # One in use goes before others of its name that were retired.
    found = [entry for entry in found if known.of[entry.id].in_use] or found
    if len(found) == 1:
        return found[0].id
    if found:
        return Ambiguous("device", clean(said), tuple(_offer(found)))
    near = known.devices.near(said, here) or known.devices.near(said)
    raise NotFound("device", clean(said), [f"{entry.name} ({entry.place})" for entry in near])


def _offer(found: list[Entry]) -> list[str]:
    """Names that tell the candidates apart: by place, and by the public id where that is the same too."""
    told = [f"{entry.name} ({entry.place})" for entry in found]
    return [
        name if told.count(name) == 1 else f"{entry.name} ({entry.place}, {entry.public})"
        for name, entry in zip(told, found, strict=True)
    ][:OFFERED]


def _type(known: Directory, said: str) -> str:
    words = synonyms().types
    table = {name: (name.replace("_", " "), *words.get(name, ())) for name in known.types}
    found = meaning(said, table)
    if found is None:
        raise NotFound("type of device", clean(said), sorted(known.types))
    return found


def _metric(known: Directory, said: str) -> str:
    words = synonyms().metrics
    table = {
        name: (name.replace("_", " "), metrics.label(name), *words.get(name, ())) for name in known.metrics
    }
    found = meaning(said, table)
    if found is None:
        raise NotFound("metric", clean(said), [metrics.label(name) for name in known.metrics][:OFFERED])
    return found


def _incident(conn: Connection, said: str) -> int:
    wanted = number(said)
    if wanted is None:
        raise QuestionError(f"which incident is {clean(said)!r}? Say its number, as in 'incident 12'")
    if conn.execute(_SQL["incident_there"], {"id": wanted}).fetchone() is None:
        near = conn.execute(_SQL["incidents_near"], {"id": wanted}).fetchall()
        raise NotFound("incident", str(wanted), [f"{row[0]} ({clean(row[1], 60)})" for row in near])
    return wanted


def _n(said: str) -> int:
    wanted = number(said)
    if wanted is None or wanted < 1:
        raise QuestionError(f"how many is {clean(said)!r}? Say a number from 1 to {MOST}")
    return min(wanted, MOST)


def _word(kind: str, said: str, table: Mapping[str, tuple[str, ...]]) -> str:
    found = meaning(said, table)
    if found is None:
        raise NotFound(kind, clean(said), list(table))
    return found


def _person(conn: Connection, said: str) -> str:
    people = [str(row[0]) for row in conn.execute(_SQL["people"]).fetchall()]
    wanted = said.strip().casefold()
    exact = [email for email in people if email.casefold() == wanted]
    part = [email for email in people if fold(said) and set(fold(said)) <= set(fold(email.split("@")[0]))]
    found = exact or part
    # Addresses are not offered: whoever asks must know whom they mean.
    if len(found) != 1:
        raise NotFound("subscriber", clean(said))
    return found[0]
