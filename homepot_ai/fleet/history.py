"""Weeks of what HOMEPOT's logs say about devices: when something of which kind was written, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.fleet.samples import naive
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("fleet/sql/history.sql")
#: Kinds of lines, in the order of `Lines.kind`.
KINDS = ("warning log", "error log", "critical log", "failed job", "state change", "configuration change")
_SEVERITY = {"warning": 0, "error": 1, "critical": 2}
TABLES = {
    "errors": "error_logs", "job_outcomes": "job_outcomes", "state_changes": "device_state_history",
    "configuration_changes": "configuration_history",
}  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """Lines of logs: device int64 [N], position in the list of devices; t float64 [N], seconds since 1970;
    kind int64 [N], index of KINDS."""

    device: npt.NDArray[np.int64]
    t: npt.NDArray[np.float64]
    kind: npt.NDArray[np.int64]


def read_lines(
    conn: Connection,
    since: datetime,
    until: datetime,
    *,
    device_ids: npt.NDArray[np.int64],
    public_ids: Sequence[str],
    missing_tables: frozenset[str] = frozenset(),
) -> Lines:
    """The lines in [since, until) that name one of these devices; of tables that are missing none.

    Args:
        device_ids: int64 [D], HOMEPOT's keys; public_ids: [D], the same devices.
    """
    by_public: Mapping[Any, int] = {public: i for i, public in enumerate(public_ids)}
    by_id: Mapping[Any, int] = {int(id_): i for i, id_ in enumerate(device_ids)}
    found: list[tuple[int, float, int]] = []
    parameters = {"after": naive(since), "until": naive(until)}
    for name, table in TABLES.items():
        if table in missing_tables:
            continue
        for who, t, *more in conn.execute(_SQL[name], parameters).fetchall():
            if name == "errors":
                position, kind = by_public.get(_named(who)), _SEVERITY[more[0]]
            else:
                known = by_id if name == "state_changes" else by_public
                position, kind = known.get(who), 2 + list(TABLES).index(name)
            if position is not None:
                found.append((position, t, kind))
    columns = np.array(found, np.float64).reshape(-1, 3)
    order = np.lexsort((columns[:, 1], columns[:, 0]))
    device, t, kind = columns[order].T
    return Lines(device.astype(np.int64), t, kind.astype(np.int64))


def _named(context: str) -> str | None:
    """The device that an error's context names. Not in SQL: PostgreSQL refuses escapes that it has stored."""
    try:
        found = orjson.loads(context)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    device = found.get("original_device_id") or found.get("device_id")
    return None if device is None else str(device)
