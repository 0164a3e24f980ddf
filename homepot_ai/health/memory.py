"""What the engine knows between minutes, and who takes part in one.

Series and devices are entered when they first appear; types, names and limits are looked up
once per change of the layout, not once per minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ScoringError
from homepot_ai.health import accepting, baseline, liveness, rollup, state, together
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.keyed import KeyedRows
from homepot_ai.health.layout import METRIC_MASK, Segments, find, series_keys
from homepot_ai.health.limits import LimitIndex
from homepot_ai.health.peers import Peers
from homepot_ai.health.records import DeviceFrame, Flags, Floats, HourRollup, Ints, Observations
from homepot_ai.health.table import (
    DeviceField,
    DeviceStamp,
    DeviceTable,
    Field,
    SeriesTable,
    device_of,
    segments_of,
)

Index = npt.NDArray[np.intp]
#: What the last axis of each array of a dump goes over: shards are split and merged by it (reshard.py).
AXES = {
    "key": "series", "rows": "series", "origin": "series", "first_at": "series", "last_at": "series",
    "note_kind": "series",
    "watch_key": "watch", "watch_rows": "watch",
    "device": "device", "device_rows": "device", "device_stamps": "device", "device_type": "device",
    "peer": "peer", "peer_start": "peer", "peer_excess": "peer",
}  # fmt: skip
# From so many names on, those that are not used any more make room for new ones.
MANY_NAMES = 10_000


class Memory:
    """The tables of series and devices, and the names that stand for their codes."""

    def __init__(self, config: HealthConfig) -> None:
        self.config = config
        self.names: list[str] = []
        self.types: list[str] = []
        self.series = SeriesTable()
        self.devices = DeviceTable()
        self.type_of_device = np.zeros(0, np.int32)
        self.peers = Peers()
        self.watermark: float | None = None
        self.hour: float | None = None
        self._code: dict[str, int] = {}
        self._free: list[int] = []
        self._segments: Segments | None = None
        self._limits: LimitIndex | None = None
        self._framed_types: object = None
        #: Levels that may become the new normal.
        self.watched = KeyedRows(accepting.WATCHES)

    def intern(self, name: str) -> int:
        """The code of a metric name; a new one is entered."""
        if name not in self._code and self._free:
            self._code[name] = self._free.pop()
            self.names[self._code[name]] = name
        elif name not in self._code:
            if len(self.names) > METRIC_MASK:
                raise ScoringError(
                    f"More than {METRIC_MASK + 1} metric names; the last one is {name!r}. "
                    "Leave metrics with changing names out of extra_metrics."
                )
            self._code[name] = len(self.names)
            self.names.append(name)
        return self._code[name]

    def codes(self, names: Sequence[str]) -> npt.NDArray[np.int32]:
        """Codes of metric names, -1 for one that no sample ever had; nothing is entered."""
        return np.array([self._code.get(name, -1) for name in names], np.int32)

    def dump(self) -> bytes:
        """Everything as bytes; equal memory gives equal bytes."""
        return b"".join(self.views())

    def views(self) -> list[memoryview]:
        """What :meth:`dump` joins, without a copy: good until the next step."""
        meta = {
            "watermark": self.watermark,
            "hour": self.hour,
            "names": self.names,
            "types": self.types,
        }
        return state.views(
            meta,
            {
                "key": state.squeeze(self.series.key),
                "rows": self.series.rows,
                "origin": self.series.origin,
                "first_at": self.series.first_at,
                "last_at": self.series.last_at,
                "note_kind": self.series.note_kind,
                "watch_key": self.watched.key,
                "watch_rows": self.watched.rows,
                "device": self.devices.id,
                "device_rows": self.devices.rows,
                "device_stamps": self.devices.stamps,
                "device_type": self.type_of_device,
                "peer": self.peers.key,
                "peer_start": self.peers.start,
                "peer_excess": self.peers.excess,
            },
        )

    def load(self, payload: bytes | bytearray) -> None:
        """The inverse of :meth:`dump`."""
        meta, a = state.unpack(payload)
        self.watermark, self.hour = meta["watermark"], meta["hour"]
        # Names interned before loading keep no codes: nothing was stepped with them.
        self.names, self.types = list(meta["names"]), list(meta["types"])
        self._code, self._free = {name: i for i, name in enumerate(self.names)}, []
        self.series = SeriesTable(
            state.unsqueeze(a["key"]), a["rows"], a["origin"], a["first_at"], a["last_at"], a["note_kind"]
        )
        self.devices = DeviceTable(a["device"], a["device_rows"], a["device_stamps"])
        self.type_of_device = a["device_type"]
        self.watched = KeyedRows(accepting.WATCHES, a["watch_key"], a["watch_rows"])
        self.peers = Peers(a["peer"], a["peer_start"], a["peer_excess"])
        if len(self.names) > MANY_NAMES:
            self._free_names()
        self._forget_layout()

    def finish_hour(self, hour: float) -> HourRollup:
        """Close the running hour, refresh what types lend and drop what is long gone."""
        closed = rollup.close(self.series, hour)
        owner = self.layout().owner
        settings = self.config.baseline
        self.peers = Peers.learn(self.series, self.type_of_device[owner], settings.lent_from)
        oldest = hour - settings.forget_days * baseline.DAY_S
        kept = self.series.last_at > max(oldest, 0)
        if not kept.all():
            self.series.keep(kept)
            self._forget_layout()
        return closed

    # Who takes part

    def admit_devices(self, frame: DeviceFrame) -> Index:
        """The frame's devices' places in the device table; new ones are entered."""
        pos, known = find(self.devices.id, frame.device_id)
        if not known.all():
            new = frame.device_id[~known]
            where = np.searchsorted(self.devices.id, new)
            self.devices.insert(new)
            self.type_of_device = np.insert(self.type_of_device, where, 0)
            self._framed_types = None
            self._forget_layout()
            pos, _ = find(self.devices.id, frame.device_id)
        out = np.arange(len(frame.device_id)) if pos is None else pos
        self._admit_types(frame, out)
        return out

    def check_devices(self, obs: Observations) -> None:
        """Refuse samples of devices that no frame ever had."""
        first = np.flatnonzero(np.diff(obs.device_id, prepend=-1))
        _, known = find(self.devices.id, obs.device_id[first])
        if not known.all():
            stranger = int(obs.device_id[first][~known][0])
            raise ScoringError(
                f"Samples of device {stranger} came without the device being in the frame. "
                "Give every device that has samples a row in it."
            )

    def _admit_types(self, frame: DeviceFrame, framed: Index) -> None:
        # Types hardly ever change, and comparing objects is cheaper than looking them up.
        if self._framed_types is frame.device_type:
            return
        names, code = np.unique(np.asarray(frame.device_type, dtype=str), return_inverse=True)
        for name in names.tolist():
            if name not in self.types:
                self.types.append(name)
        codes = np.array([self.types.index(name) for name in names.tolist()], np.int32)[code]
        if not np.array_equal(self.type_of_device[framed], codes):
            self.type_of_device[framed] = codes
            self._limits = None
        self._framed_types = frame.device_type

    def within_limit(self, obs: Observations) -> tuple[Observations, int]:
        """The observations less those that would give a device too many series, and how many these are.

        Names that change all the time (a process, a session) would otherwise grow without end, and
        take the memory and the time of every other device.
        """
        keys = series_keys(obs.device_id, obs.metric)
        pos, known = find(self.series.key, keys)
        if pos is None or known.all():
            return obs, 0
        fresh = device_of(keys[~known])
        start = np.flatnonzero(np.diff(fresh, prepend=-1))
        rank = np.arange(len(fresh)) - np.repeat(start, np.diff(start, append=len(fresh)))
        of_devices = device_of(self.series.key)
        has = np.searchsorted(of_devices, fresh, "right") - np.searchsorted(of_devices, fresh, "left")
        fits = has + rank < self.config.baseline.max_metrics
        if fits.all():
            return obs, 0
        known[~known] = fits
        kept = replace(obs, device_id=obs.device_id[known], metric=obs.metric[known], value=obs.value[known])
        return kept, int((~fits).sum())

    def _free_names(self) -> None:
        """Let new names take the codes of those that no series has any more.

        Slots of the daily profile may know such a code for up to a day; a device that gets it back for
        another metric begins there with a wrong level, and learns.
        """
        told = self.devices.stamps[DeviceStamp.METRIC]
        used = np.zeros(len(self.names), bool)
        for codes in (self.series.key, self.peers.key, told[~np.isnan(told)].astype(np.int64)):
            used[codes & METRIC_MASK] = True
        self._free = np.flatnonzero(~used)[::-1].tolist()
        for code in self._free:
            self._code.pop(self.names[code], None)
            self.names[code] = ""

    def admit_series(self, obs: Observations) -> Index | None:
        """The observations' places in the series table, None when they are all of it in order."""
        keys = series_keys(obs.device_id, obs.metric)
        pos, known = find(self.series.key, keys)
        if known.all():
            return pos
        new = ~known
        fresh = keys[new]
        where = self.series.insert(fresh, obs.value[new].astype(np.float64), obs.at)
        self._forget_layout()
        owner = np.searchsorted(self.devices.id, device_of(fresh))
        start, excess, lent = self.peers.of(fresh, self.type_of_device[owner])
        rows = self.series.rows[:, where]
        baseline.lend(rows, start, excess, lent, self.config.baseline.lent_samples)
        pattern = slice(Field.PATTERN, Field.PATTERN + together.DIRECTIONS)
        rows[pattern] = together.first_pattern(fresh & METRIC_MASK)
        self.series.rows[:, where] = rows
        return find(self.series.key, keys)[0]

    def layout(self) -> Segments:
        """The devices' runs of series."""
        if self._segments is None:
            self._segments = segments_of(self.series, self.devices)
        return self._segments

    def limit_index(self) -> LimitIndex:
        """Which series and signals have limits."""
        if self._limits is None:
            self._limits = LimitIndex(
                self.config,
                self.types,
                self.type_of_device,
                self.series.key & METRIC_MASK,
                self.layout().owner,
                self.names,
            )
        return self._limits

    def is_watched(self) -> Flags | None:
        """Which series' levels may become the new normal; None where none may."""
        if not len(self.watched.key):
            return None
        pos, known = find(self.series.key, self.watched.key)
        out = np.zeros(len(self.series), bool)
        out[slice(None) if pos is None else pos[known]] = True
        return out

    def _forget_layout(self) -> None:
        self._segments = None
        self._limits = None

    def note_arrivals(
        self, frame: DeviceFrame, framed: Index, at: float, device_id: Ints
    ) -> tuple[Flags, Floats]:
        """Which framed devices have samples now, and every framed device's interval in seconds."""
        rows, stamps = self.devices.rows, self.devices.stamps
        fresh = np.zeros(len(self.devices), bool)
        if len(device_id):
            starts = np.flatnonzero(np.diff(device_id, prepend=device_id[0] - 1))
            here = np.searchsorted(self.devices.id, device_id[starts])
            fresh[here] = True
            apart = at - stamps[DeviceStamp.LAST_SAMPLE, here]
            known = rows[DeviceField.INTERVAL, here]
            # The usual distance, not moved by an outage: longer ones count as a little longer.
            apart = np.where(np.isnan(known), apart, np.minimum(apart, known * 1.5))
            learned = np.where(np.isnan(known), apart, known + 0.1 * (apart - known))
            rows[DeviceField.INTERVAL, here] = np.where(np.isnan(apart), known, learned)
            first = stamps[DeviceStamp.FIRST_SAMPLE, here]
            stamps[DeviceStamp.FIRST_SAMPLE, here] = np.where(np.isnan(first), at, first)
            stamps[DeviceStamp.LAST_SAMPLE, here] = at
        learned = rows[DeviceField.INTERVAL, framed]
        return fresh[framed], liveness.expected_interval(frame, learned, self.config.liveness)
