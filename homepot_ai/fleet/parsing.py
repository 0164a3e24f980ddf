"""From fetched rows of `device_metrics` to Samples: cleaned, de-duplicated, each loss counted. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.fleet import metrics, writers
from homepot_ai.fleet.records import PROVENANCES, Codes, Counters, Floats, Rows, Samples, Seen
from homepot_ai.text import clean

# Columns of the query that are metrics as they stand, in its order from index 3 on.
_COLUMNS = (
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "network_latency_ms",
    "transaction_volume",
    "active_connections",
    "queue_depth",
)
_ERROR_RATE, _TRANSACTIONS, _EXTRA, _PROVENANCE, _INTERVAL = 10, 11, 12, 13, 14

# Which column says the same as a metric of this name in `extra_metrics`: where it is filled, it wins.
_TOLD_BY = MappingProxyType(
    {
        **{name: 3 + i for i, name in enumerate(_COLUMNS)},
        "error_ratio": _ERROR_RATE,
        "transactions_per_minute": _TRANSACTIONS,
    }
)
_NAME_CAP = 80


def build(
    fetched: Sequence[tuple[Any, ...]], counters: Counters | None = None, seen: Seen | None = None
) -> Samples:
    """Turn rows of `telemetry_window` into Samples (pure; the reader's whole understanding)."""
    return build_blocks([fetched], counters, seen)


def build_blocks(
    blocks: Iterable[Sequence[tuple[Any, ...]]], counters: Counters | None = None, seen: Seen | None = None
) -> Samples:
    """The same of rows that come in blocks of whole devices, one after the other.

    A row as Python objects takes thirty times the room of its numbers: only one block of them is held.
    """
    assumed: Counter[str] = Counter()
    built = [_build(block, counters, seen, assumed) for block in blocks if block]
    # Devices are in one block each, so their numbers add up.
    sentences = tuple(
        f"error_rate of {assumed[name]} device(s) whose writer is not known was read as a {name}"
        for name in ("ratio", "percentage")
        if assumed[name]
    )
    return replace(_joined(built), assumed=sentences)


def _joined(built: Sequence[Samples]) -> Samples:
    """Samples of several blocks as one; each has names of its own."""
    if len(built) <= 1:
        return built[0] if built else _nothing()
    names: dict[str, int] = {}
    codes = [
        np.array([names.setdefault(name, len(names)) for name in part.names], dtype=np.int32)
        for part in built
    ]
    first = np.cumsum([0] + [len(part.rows) for part in built[:-1]])
    rejected: Counter[str] = Counter()
    for part in built:
        rejected.update(part.rejected)
    return Samples(
        rows=Rows(
            **{
                column.name: np.concatenate([getattr(part.rows, column.name) for part in built])
                for column in fields(Rows)
            }
        ),
        row=np.concatenate([p.row + np.int32(at) for p, at in zip(built, first, strict=True)]),
        metric=np.concatenate([code[p.metric] for p, code in zip(built, codes, strict=True)]),
        value=np.concatenate([part.value for part in built]),
        names=tuple(names),
        rejected=dict(sorted(rejected.items())),
        assumed=(),
    )


def _build(
    fetched: Sequence[tuple[Any, ...]],
    counters: Counters | None,
    seen: Seen | None,
    assumed: Counter[str],
) -> Samples:
    rejected: Counter[str] = Counter()
    columns: list[Sequence[Any]] = list(zip(*fetched, strict=True))
    device_id = np.array(columns[2], dtype=np.int64)
    t = np.array(columns[1], dtype=np.float64)
    fresh = np.ones(len(t), dtype=bool)
    if seen is not None:
        fresh = ~seen.covers(np.array(columns[0], dtype=np.int64), device_id, t)
    # Agents retry: the same device and time twice is one sample. The later row wins.
    keep = fresh.copy()
    keep[:-1] &= (device_id[1:] != device_id[:-1]) | (t[1:] != t[:-1]) | ~fresh[1:]
    rejected["duplicate"] = int(fresh.sum() - keep.sum())
    if not keep.all():
        kept = np.flatnonzero(keep).tolist()
        if not kept:
            return _nothing()
        columns = [[column[i] for i in kept] for column in columns]
        device_id, t = device_id[kept], t[kept]
    parts = _Parts(rejected)
    for name, column in zip(_COLUMNS, columns[3 : 3 + len(_COLUMNS)], strict=True):
        parts.add_column(name, column)
    writer = _read_extra(columns, parts, rejected)
    rows = Rows(
        id=np.array(columns[0], dtype=np.int64),
        device_id=device_id,
        t=t,
        provenance=_provenance(columns[_PROVENANCE]),
        interval_s=np.array(columns[_INTERVAL], dtype=np.float32),
        count=np.array(columns[_TRANSACTIONS], dtype=np.float64),
        writer=writer,
        percent=_shows_percent(columns[_ERROR_RATE], device_id, writer, counters),
    )
    assumed.update(_error_ratio(columns[_ERROR_RATE], rows, parts))
    _transactions(rows, counters, parts)
    row, metric, value, names = parts.finish()
    return Samples(
        rows, row, metric, value, names, {k: v for k, v in sorted(rejected.items()) if v}, assumed=()
    )


class _Parts:
    """Collects values column by column and drops the impossible ones."""

    def __init__(self, rejected: Counter[str]) -> None:
        self._rejected = rejected
        self._names: dict[str, int] = {}
        self._row: list[Codes] = []
        self._metric: list[Codes] = []
        self._value: list[Floats] = []

    def code(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def add_column(self, name: str, column: Sequence[float | None]) -> None:
        """A column of SQL values, None where it is NULL."""
        value = np.array(column, dtype=np.float64)
        there = ~np.isnan(value)
        # A stored NaN is garbage, a NULL is merely absent: the array cannot tell them apart.
        absent = len(column) - int(there.sum()) - column.count(None)
        self._rejected["not_a_number"] += absent
        row = np.flatnonzero(there).astype(np.int32)
        self.add(row, np.full(len(row), self.code(name), dtype=np.int32), value[row])

    def add(self, row: Codes, metric: Codes, value: Floats) -> None:
        if len(row):
            self._row.append(row)
            self._metric.append(metric)
            self._value.append(value)

    def finish(self) -> tuple[Codes, Codes, Floats, tuple[str, ...]]:
        names = tuple(self._names)
        if not self._row:
            empty = np.empty(0, dtype=np.int32)
            return empty, empty, np.empty(0), names
        row, metric = np.concatenate(self._row), np.concatenate(self._metric)
        value = np.concatenate(self._value)
        finite = np.isfinite(value)
        low, high = metrics.valid_ranges(names)
        possible = finite & (value >= low[metric]) & (value <= high[metric])
        self._rejected["not_a_number"] += int(len(finite) - finite.sum())
        self._rejected["out_of_range"] += int(finite.sum() - possible.sum())
        return row[possible], metric[possible], value[possible], names


def _provenance(column: Sequence[str | None]) -> npt.NDArray[np.int8]:
    known = {name: code for code, name in enumerate(PROVENANCES)}
    return np.array([known.get(name or "real", 0) for name in column], dtype=np.int8)


@lru_cache(maxsize=65_536)
def _metric_name(key: str) -> str:
    """A key as a metric's name: any device may write any text there, and names go everywhere.

    >>> _metric_name("queue\\x00 wait\\n")
    'queue wait'
    """
    return key if key.isascii() and key.isidentifier() and len(key) <= _NAME_CAP else clean(key, _NAME_CAP)


def _read_extra(
    columns: Sequence[Sequence[Any]], parts: _Parts, rejected: Counter[str]
) -> npt.NDArray[np.int8]:
    """Take the numbers out of `extra_metrics`; returns each row's writer, int8 [R].

    Rows with the same keys are handled as one block, so that the cost is a parse and a copy.
    """
    texts: Sequence[str | None] = columns[_EXTRA]
    writer = np.full(len(texts), writers.identify(()), dtype=np.int8)
    documents = _parse([text or "null" for text in texts], rejected)
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, document in enumerate(documents):
        if type(document) is dict:
            groups.setdefault(tuple(document), []).append(index)
        elif document is not None:
            rejected["broken_json"] += 1
    for keys, indices in groups.items():
        where = np.array(indices, dtype=np.int32)
        writer[where] = writers.identify(keys)
        values = [list(documents[i].values()) for i in indices]
        if set(map(type, chain.from_iterable(values))) <= {float, int}:
            block = np.array(values, dtype=np.float64)
        else:
            block = _numbers_only(values, rejected)
        names = [_metric_name(key) for key in keys]
        for i, name in enumerate(names):
            if name in _TOLD_BY:
                column = columns[_TOLD_BY[name]]
                block[[column[index] is not None for index in indices], i] = np.nan
        use = [i for i, name in enumerate(names) if name not in metrics.IGNORED]
        codes = np.array([parts.code(names[i]) for i in use], dtype=np.int32)
        flat = block[:, use].ravel() if use else np.empty(0)
        there = ~np.isnan(flat)
        parts.add(np.repeat(where, len(use))[there], np.tile(codes, len(where))[there], flat[there])
    return writer


def _parse(texts: Sequence[str], rejected: Counter[str]) -> list[Any]:
    try:
        return list(orjson.loads("[" + ",".join(texts) + "]"))
    except orjson.JSONDecodeError:
        documents: list[Any] = []
        for text in texts:
            try:
                documents.append(orjson.loads(text))
            except orjson.JSONDecodeError:  # PostgreSQL takes 1e999, arithmetic does not
                documents.append(None)
                rejected["broken_json"] += 1
        return documents


def _numbers_only(values: list[list[Any]], rejected: Counter[str]) -> Floats:
    """A block with NaN where a value is no number. Structures are no garbage, strings are."""
    block = np.full((len(values), len(values[0])), np.nan)
    for column in range(block.shape[1]):
        cells = [line[column] for line in values]
        good = np.array([type(cell) in (float, int) for cell in cells])
        block[good, column] = np.array([c for c, g in zip(cells, good, strict=True) if g], dtype=np.float64)
        rejected["not_a_number"] += sum(isinstance(cell, str) for cell in cells)
    return block


def _error_ratio(column: Sequence[float | None], rows: Rows, parts: _Parts) -> dict[str, int]:
    """Bring `error_rate` to a ratio, writer by writer; returns of how many devices what was assumed."""
    value = np.array(column, dtype=np.float64)
    reading = np.array([w.error_rate for w in writers.WRITERS])[rows.writer]
    guessed = (reading == "guess") & np.isfinite(value)
    percent = (reading == "percent") | (guessed & rows.percent)
    value[percent] /= 100.0
    ratio = [None if raw is None else v for raw, v in zip(column, value.tolist(), strict=True)]
    parts.add_column("error_ratio", ratio)
    return {
        name: len(np.unique(rows.device_id[mine]))
        for name, mine in (("ratio", guessed & ~percent), ("percentage", guessed & percent))
    }


def _shows_percent(
    column: Sequence[float | None],
    device_id: npt.NDArray[np.int64],
    writer: npt.NDArray[np.int8],
    before: Counters | None,
) -> npt.NDArray[np.bool_]:
    """Bool [R]: has the row's device, up to this row, shown an error_rate that no ratio can reach?

    It looks at a device's past only, so that a minute reads the same alone and in a long stretch.
    """
    guess = np.array([w.error_rate == "guess" for w in writers.WRITERS])[writer]
    value = np.nan_to_num(np.array(column, dtype=np.float64), nan=0.0)
    index = np.arange(len(value))
    starts = np.flatnonzero(np.r_[True, device_id[1:] != device_id[:-1]])
    first = np.minimum.reduceat(np.where(guess & (value > 1.0), index, len(value)), starts)
    shown = index >= np.repeat(first, np.diff(np.r_[starts, len(value)]))
    if before is not None:
        shown |= np.isin(device_id, before.device_id[before.percent])
    return np.asarray(shown, dtype=np.bool_)


def _transactions(rows: Rows, before: Counters | None, parts: _Parts) -> None:
    """Transactions per minute from counters that run up, reset at midnight, or start afresh."""
    at = np.flatnonzero(np.isfinite(rows.count) & (rows.count >= 0))
    device, t, count, who = rows.device_id[at], rows.t[at], rows.count[at], rows.writer[at]
    if before is not None:
        known = np.flatnonzero(np.isfinite(before.count) & np.isin(before.device_id, device))
        at = np.concatenate([np.full(len(known), -1), at])
        device = np.concatenate([before.device_id[known], device])
        t = np.concatenate([before.t[known], t])
        count = np.concatenate([before.count[known], count])
        who = np.concatenate([before.writer[known], who])
        order = np.lexsort((t, device))
        at, device, t, count, who = at[order], device[order], t[order], count[order], who[order]
    if len(at) < 2:
        return
    follows = (device[1:] == device[:-1]) & (who[1:] == who[:-1]) & (at[1:] >= 0) & (t[1:] > t[:-1])
    grown = count[1:] - count[:-1]
    runs_up = np.array([w.transactions == "day" for w in writers.WRITERS])[who[1:]]
    # A counter that fell was reset: what it shows now has happened since.
    increment = np.where(runs_up & (grown >= 0), grown, count[1:])
    # Two rows a moment apart would make any rate: nobody samples on purpose faster than this.
    minutes = np.maximum((t[1:] - t[:-1]) / 60.0, 1.0 / 6.0)
    row = at[1:][follows].astype(np.int32)
    code = parts.code("transactions_per_minute")
    parts.add(row, np.full(len(row), code, dtype=np.int32), (increment / minutes)[follows])


def _nothing() -> Samples:
    none = np.empty(0, dtype=np.int64)
    codes8, floats = none.astype(np.int8), np.empty(0)
    rows = Rows(none, none, floats, codes8, none.astype(np.float32), floats, codes8, none.astype(bool))
    codes = none.astype(np.int32)
    return Samples(rows, codes, codes, np.empty(0), (), {}, ())
