"""Which device or site is meant: public id, integer id or exact name, of the sites that the asker may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homepot_ai.errors import NotFound
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.text import clean

_SQL = named_sql.load("answers/sql/naming.sql")
LARGEST_ID = 2**31 - 1
NEAREST, ALIKE = 3, 60.0


@dataclass(frozen=True)
class NamedDevice:
    """A device that was asked about. Names are cleaned."""

    id: int
    public_id: str
    name: str
    device_type: str
    site_id: int
    site: str
    timezone: str | None


@dataclass(frozen=True)
class NamedSite:
    """A site that was asked about."""

    id: int
    public_id: str
    name: str
    timezone: str | None


def device(conn: Connection, text: str, sites: frozenset[int] | None) -> NamedDevice:
    """Find a device.

    Raises:
        NotFound: with the nearest names that the asker may see, also when a name belongs to several devices.
    """
    *row, _ = _one(conn, "device", text, sites)
    id_, public, name, kind, site_id, site, zone = row
    return NamedDevice(id_, public, clean(name or public), kind, site_id, clean(site), zone)


def site(conn: Connection, text: str, sites: frozenset[int] | None) -> NamedSite:
    """Find a site.

    Raises:
        NotFound: as for a device.
    """
    *row, _ = _one(conn, "site", text, sites)
    id_, public, name, zone = row
    return NamedSite(id_, public, clean(name), zone)


def _one(conn: Connection, kind: str, text: str, sites: frozenset[int] | None) -> Sequence[Any]:
    wanted = text.strip()
    allowed = None if sites is None else sorted(sites)
    if not wanted or "\0" in wanted:  # PostgreSQL has no text with it
        raise NotFound(kind, clean(wanted, 80))
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 11 else -1
    asked = {"text": wanted, "number": number if number <= LARGEST_ID else -1, "sites": allowed}
    rows: list[tuple[Any, ...]] = conn.execute(_SQL[kind], asked).fetchall()
    best = [row for row in rows if row[-1] == rows[0][-1]]
    if len(best) == 1:
        return best[0]
    if best:  # a name that several share: let the asker choose by id
        raise NotFound(kind, clean(wanted, 80), [row[1] for row in best])
    raise NotFound(kind, clean(wanted, 80), _nearest(conn, kind, wanted, allowed))


def _nearest(conn: Connection, kind: str, wanted: str, sites: list[int] | None) -> list[str]:
    """Names that are like it."""
    from rapidfuzz import fuzz, process, utils

    rows = conn.execute(_SQL[f"{kind}_names"], {"sites": sites}).fetchall()
    # Both spellings are looked at; what is offered is the name.
    names = {text: clean(name or public) for name, public in rows for text in (name, public) if text}
    found = process.extract(
        wanted, list(names), scorer=fuzz.WRatio, processor=utils.default_process, limit=10,
        score_cutoff=ALIKE,
    )  # fmt: skip
    return list(dict.fromkeys(names[text] for text, _, _ in found))[:NEAREST]
