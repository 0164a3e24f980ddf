"""The states of some shards as those of another number of shards: every series goes where its device goes.

Pure: bytes in, bytes out. Nothing is lost or averaged but what a device type lends to newcomers, which
each shard pools over its own devices: where shards disagree, their geometric mean begins, and is
replaced at the next full hour. One state split and put together again has the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ScoringError
from homepot_ai.fleet.shards import shard_of
from homepot_ai.health import state
from homepot_ai.health.cursor import PER_DEVICE, Cursor
from homepot_ai.health.layout import METRIC_BITS, METRIC_MASK
from homepot_ai.health.memory import AXES
from homepot_ai.health.records import Ints
from homepot_ai.health.table import DeviceStamp

Arrays = dict[str, npt.NDArray[Any]]
Stored = bytes | bytearray
_KEYS = {"series": "key", "watch": "watch_key", "device": "device", "peer": "peer"}


@dataclass(frozen=True)
class Codes:
    """What each shard's codes of metric names and device types become.

    Attributes:
        names, types: the common lists.
        metric, kind: per shard, int64: new code by old code, -1 for a name that nobody uses.
    """

    names: list[str]
    types: list[str]
    metric: list[Ints]
    kind: list[Ints]


class Fast:
    """The fast parts of all shards of one layout."""

    def __init__(self, payloads: Sequence[Stored]) -> None:
        unpacked = [state.unpack(payload) for payload in payloads]
        self.meta = [meta for meta, _ in unpacked]
        self.arrays = [arrays for _, arrays in unpacked]
        if strange := sorted(set().union(*self.arrays) - set(AXES)):
            raise ScoringError(f"nobody said what {', '.join(strange)} of a state goes over: see memory.AXES")
        moments = {(meta["watermark"], meta["hour"]) for meta in self.meta}
        if len(moments) > 1:
            raise ScoringError("shards at different minutes cannot be put together")
        self.codes = _common([meta["names"] for meta in self.meta], [meta["types"] for meta in self.meta])
        for number, arrays in enumerate(self.arrays):
            arrays["key"] = state.unsqueeze(arrays["key"])
            self._recode(number, arrays)

    def _recode(self, number: int, arrays: Arrays) -> None:
        metric, kind = self.codes.metric[number], self.codes.kind[number]
        arrays["key"] = _recoded(arrays["key"], metric)
        arrays["watch_key"] = _recoded(arrays["watch_key"], metric)
        arrays["peer"] = _recoded(arrays["peer"], metric, kind)
        arrays["device_type"] = kind[arrays["device_type"]].astype(arrays["device_type"].dtype)
        # The one value among the devices' that is a code: the metric that an open episode began with.
        told = arrays["device_stamps"][DeviceStamp.METRIC]
        there = ~np.isnan(told)
        told[there] = metric[told[there].astype(np.int64)]

    def shard(self, number: int, shards: int) -> list[memoryview]:
        """The fast part of one shard of the new layout."""
        out: Arrays = {name: np.empty(0) for name in self.arrays[0]}
        for axis, key in _KEYS.items():
            names = [name for name in out if AXES[name] == axis]
            chosen = []
            for arrays in self.arrays:
                mine = arrays[key] >= 0  # a name that nobody uses has no series
                if axis != "peer":
                    device = arrays[key] >> METRIC_BITS if axis in ("series", "watch") else arrays[key]
                    mine &= shard_of(device, shards) == number
                chosen.append(np.flatnonzero(mine))
            picked = {
                name: np.concatenate(
                    [a[name][..., at] for a, at in zip(self.arrays, chosen, strict=True)], axis=-1
                )
                for name in names
            }
            out.update(_pooled(picked) if axis == "peer" else _ordered(picked, key))
        out["key"] = state.squeeze(out["key"])
        meta = {**self.meta[0], "names": self.codes.names, "types": self.codes.types}
        return state.views(meta, out)


def slot(payloads: Mapping[int, Stored], codes: Codes, shards: int) -> Iterator[bytes]:
    """One profile slot of each shard of the new layout.

    Args:
        payloads: by number of the old shard; a shard that never reached this slot has none.
    """
    parts: list[Arrays] = []
    meta: dict[str, Any] = {}
    for number, payload in payloads.items():
        meta, arrays = state.unpack(payload)
        arrays["keys"] = _recoded(state.unsqueeze(arrays["keys"]), codes.metric[number])
        parts.append(arrays)
    merged = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    owner = shard_of(merged["keys"] >> METRIC_BITS, shards)
    known = merged["keys"] >= 0
    for number in range(shards):
        mine = np.flatnonzero(known & (owner == number))
        out = _ordered({name: array[..., mine] for name, array in merged.items()}, "keys")
        yield state.pack(meta, {**out, "keys": state.squeeze(out["keys"])})


def cursors(payloads: Sequence[Stored], shards: int) -> list[bytes]:
    """What the readers remember, for each shard of the new layout."""
    old = [Cursor.load(payload) for payload in payloads]
    every = {name: np.concatenate([getattr(c, name) for c in old]) for name in ("device_id", *PER_DEVICE)}
    every = _ordered(every, "device_id")
    whole = replace(
        old[0],
        **every,
        future_ids=np.unique(np.concatenate([c.future_ids for c in old])),
        # What one shard has not seen is looked at again by all: rows that were used are known by their time.
        last_id=min(c.last_id for c in old),
        checks_id=min(c.checks_id for c in old),
    )
    owner = shard_of(whole.device_id, shards)
    return [whole.for_devices(whole.device_id[owner == number]).dump() for number in range(shards)]


def week_index(payloads: Sequence[Stored], shards: int) -> tuple[list[bytes], list[Ints]]:
    """The index of a fitted week for each shard of the new layout, and which of the old series are in it.

    Args:
        payloads: of the old shards that have one; their series are counted on from one to the next.
    """
    unpacked = [state.unpack(payload) for payload in payloads]
    codes = _common([meta["names"] for meta, _ in unpacked], [[]] * len(unpacked))
    parts = [
        {**arrays, "key": _recoded(state.unsqueeze(arrays["key"]), metric)}
        for (_, arrays), metric in zip(unpacked, codes.metric, strict=True)
    ]
    merged = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    order = np.argsort(merged["key"], kind="stable")
    owner = shard_of(merged["key"][order] >> METRIC_BITS, shards)
    chosen = [order[owner == number] for number in range(shards)]
    meta = {**unpacked[0][0], "names": codes.names}
    indices = []
    for mine in chosen:
        out = {name: array[..., mine] for name, array in merged.items()}
        indices.append(state.pack(meta, {**out, "key": state.squeeze(out["key"])}))
    return indices, chosen


def week_hour(payloads: Sequence[Stored], chosen: Sequence[Ints]) -> list[bytes]:
    """One hour of a fitted week for each shard of the new layout."""
    unpacked = [state.unpack(payload) for payload in payloads]
    merged = {
        name: np.concatenate([arrays[name] for _, arrays in unpacked], axis=-1) for name in unpacked[0][1]
    }
    return [
        state.pack(unpacked[0][0], {name: array[..., mine] for name, array in merged.items()})
        for mine in chosen
    ]


def _common(names: Sequence[list[str]], types: Sequence[list[str]]) -> Codes:
    """One list of names and of types for all shards. Equal lists stay as they are, gaps included."""
    shared = names[0] if all(n == names[0] for n in names) else _union(names)
    kinds = types[0] if all(t == types[0] for t in types) else _union(types)
    code = {name: i for i, name in enumerate(shared) if name}
    kind = {name: i for i, name in enumerate(kinds)}
    return Codes(
        names=shared,
        types=kinds,
        metric=[np.array([code.get(name, -1) for name in own], np.int64) for own in names],
        kind=[np.array([kind[name] for name in own], np.int64) for own in types],
    )


def _union(lists: Sequence[list[str]]) -> list[str]:
    return list(dict.fromkeys(name for own in lists for name in own if name))


def _recoded(keys: Ints, metric: Ints, kind: Ints | None = None) -> Ints:
    """Keys (device or type, metric) with the new codes; -1 where the metric's name is used no more."""
    if not len(keys):
        return keys
    first, code = keys >> METRIC_BITS, metric[keys & METRIC_MASK]
    owner = first if kind is None else kind[first]
    out: Ints = np.where(code < 0, -1, (owner << METRIC_BITS) | code)
    return out


def _ordered(arrays: Arrays, key: str) -> Arrays:
    """Arrays in the order of their keys."""
    if (np.diff(arrays[key]) > 0).all():
        return arrays
    _, order = np.unique(arrays[key], return_index=True)
    return {name: np.ascontiguousarray(array[..., order]) for name, array in arrays.items()}


def _pooled(arrays: Arrays) -> Arrays:
    """What types lend: where shards say the same, that, else the geometric mean."""
    keys, first, count = np.unique(arrays["peer"], return_index=True, return_counts=True)
    order = np.argsort(arrays["peer"], kind="stable")
    out: Arrays = {"peer": keys}
    for name, array in arrays.items():
        if name == "peer":
            continue
        taken = array[..., first]
        if len(keys):
            starts = np.cumsum(count) - count
            sorted_ = array[..., order]
            low = np.minimum.reduceat(sorted_, starts, axis=-1)
            high = np.maximum.reduceat(sorted_, starts, axis=-1)
            logs = np.log(np.maximum(sorted_.astype(np.float64), 1e-30))
            mean = np.exp(np.add.reduceat(logs, starts, axis=-1) / count)
            taken = np.where(low == high, taken, mean).astype(array.dtype)
        out[name] = np.ascontiguousarray(taken)
    return out
