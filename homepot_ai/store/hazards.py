"""Failure models: the one in force, and the record of every fit.

A model, its row and the switch are one transaction: a killed fit leaves nothing. Rows are kept for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/hazards.sql")

#: Adopted models whose payload is kept: the one in force and three before it.
KEEP = 4


@dataclass(frozen=True)
class HazardRow:
    """One row of ai_hazard_models; payload_bytes: None where the model itself is not kept."""

    version: int
    fitted_at: datetime
    data_from: datetime
    data_until: datetime
    devices: int
    device_days: int
    failures: int
    kind: str
    payload_bytes: int | None
    scores: Mapping[str, Any]
    adopted: bool
    in_force: bool
    reason: str


def in_force(conn: Connection) -> tuple[int, bytes] | None:
    """Version and payload of the model in force; None before the first fit.

    Raises:
        PredictionError: it is damaged.
    """
    return _checked(conn.execute(_SQL["in_force"], binary=True).fetchone())


def of_version(conn: Connection, version: int) -> tuple[int, bytes] | None:
    """Version and payload of any kept model.

    Raises:
        PredictionError: it is damaged.
    """
    return _checked(conn.execute(_SQL["of_version"], {"version": version}, binary=True).fetchone())


def _checked(row: tuple[Any, ...] | None) -> tuple[int, bytes] | None:
    if row is None or row[1] is None:
        return None
    version, payload, checksum = row
    if _checksum(payload) != checksum:
        raise PredictionError(
            f"failure model {version} is damaged (checksum differs): "
            "homepot-ai run learn-hazards -p use_version=N puts another in force"
        )
    return int(version), bytes(payload)


def recent(conn: Connection, limit: int = 10) -> list[HazardRow]:
    """The last fits, newest first."""
    return [HazardRow(*row) for row in conn.execute(_SQL["recent"], {"limit": limit}).fetchall()]


def of_data(conn: Connection, data_until: datetime) -> int | None:
    """The version that was fitted on data up to exactly this moment, whether adopted or not."""
    row = conn.execute(_SQL["of_data"], {"data_until": data_until}).fetchone()
    return None if row is None else int(row[0])


def store(conn: Connection, row: Mapping[str, Any], payload: bytes) -> int:
    """Record a fit and, where `row["adopted"]`, put it in force.

    Nothing is done when the same data were fitted before: that fit's version is returned.

    Args:
        row: the columns of ai_hazard_models but version, payload, checksum and in_force.
    """
    conn.execute(_SQL["lock"])
    known = of_data(conn, row["data_until"])
    if known is not None:
        return known
    if row["adopted"]:
        conn.execute(_SQL["leave_force"])
    kept = payload if row["adopted"] else None
    told = {
        **row,
        "scores": orjson.dumps(dict(row["scores"])).decode(),
        "payload": kept,
        "checksum": _checksum(kept) if kept is not None else None,
    }
    version = int(_only(conn.execute(_SQL["record"], told).fetchone()))
    conn.execute(_SQL["forget"], {"keep": KEEP})
    return version


def put_back(conn: Connection, version: int, *, reason: str, now: datetime) -> int:
    """Put an earlier model in force again, as a new version.

    Raises:
        NotFound: it is not kept.
    """
    conn.execute(_SQL["lock"])
    kept = [str(row.version) for row in recent(conn, 10_000) if row.payload_bytes is not None]
    if str(version) not in kept:
        raise NotFound("kept failure model", str(version), kept)
    conn.execute(_SQL["leave_force"])
    parameters = {"version": version, "reason": reason, "now": now}
    new = int(_only(conn.execute(_SQL["put_back"], parameters).fetchone()))
    conn.execute(_SQL["forget"], {"keep": KEEP})
    return new


def _only(row: tuple[Any, ...] | None) -> Any:
    assert row is not None, "INSERT ... RETURNING gives one row"
    return row[0]


def _checksum(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()
