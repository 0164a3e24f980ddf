"""Who wrote a telemetry row, and what that writer means by its columns.

HOMEPOT's agents, simulators and seeds fill the same columns with different
meanings: `error_rate` is a ratio for one and a percentage for another,
`transaction_count` runs up over the day for one and starts afresh with every
row for another. The row does not say who wrote it, but the keys of its
`extra_metrics` do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Writer:
    """One writer's conventions.

    Attributes:
        error_rate: how the column is to be read; "guess": a percentage as soon as this writer shows
            a value above 1, which no ratio can reach.
        transactions: "day" runs up over the day, "sample" counts since the row before.
    """

    name: str
    error_rate: Literal["ratio", "percent", "guess"]
    transactions: Literal["day", "sample"]


# The emulator of a whole device; `transaction_count` is its transactions_today.
EMULATOR = Writer("emulator", "ratio", "day")
# HOMEPOT's seed script: hourly rows with a temperature, error_rate drawn from 0 to 2 per cent.
SEED = Writer("seed", "percent", "sample")
# The agent leaves the columns in question NULL. Whoever fills them has not introduced himself.
UNKNOWN = Writer("unknown", "guess", "sample")

WRITERS = (EMULATOR, SEED, UNKNOWN)


def identify(keys: Iterable[str]) -> int:
    """Index into WRITERS of the writer that leaves these keys in `extra_metrics`.

    >>> WRITERS[identify(["uptime_seconds", "services", "device_info"])].name
    'emulator'
    """
    found = frozenset(keys)
    if {"services", "device_info"} <= found:
        return 0
    if found == {"temperature_celsius"}:
        return 1
    return 2
