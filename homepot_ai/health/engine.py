"""The health engine: one minute of samples in, one row per device out.

Online and causal: a minute's result depends on minutes up to it and on nothing else, in the
order they came.  Everything is vectorised over a flat order of series (see
:mod:`homepot_ai.health.layout`); the cost of a step grows with its samples and devices, not
with history.

    engine = Engine(HealthConfig())
    codes = engine.metric_code(["cpu_percent"])
    result = engine.step(observations, devices)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ScoringError
from homepot_ai.health import baseline, episodes, limits, liveness, rollup, score, state
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.layout import METRIC_MASK, Segments, find, series_keys
from homepot_ai.health.peers import Peers
from homepot_ai.health.profile import Profile
from homepot_ai.health.records import (
    REASONS,
    STATUSES,
    DeviceFrame,
    Doubles,
    Episode,
    Factor,
    Factors,
    Flags,
    Floats,
    HourRollup,
    Ints,
    MinuteResult,
    Observations,
)
from homepot_ai.health.routine import track
from homepot_ai.health.table import (
    DeviceField,
    DeviceStamp,
    DeviceTable,
    Field,
    SeriesTable,
    device_of,
    segments_of,
)

FAST = -1
# Series per block: the tables of a block stay in the processor's cache.
BLOCK = 16_384
# Held evidence hardly changes from minute to minute: many rows say what a few would.
EDGE_HEAD = 500.0

__all__ = [
    "FAST",
    "REASONS",
    "STATUSES",
    "DeviceFrame",
    "Engine",
    "Episode",
    "Factor",
    "Factors",
    "HourRollup",
    "MinuteResult",
    "Observations",
]

Index = npt.NDArray[np.intp]


class Engine:
    """Scores devices minute by minute and learns while it does.

    One engine serves one shard.  Its memory can be taken out and put back in parts: part -1
    holds everything but the daily profile, parts 0, 1, ... the profile's slots, of which a
    minute needs :meth:`slots_needed`.
    """

    def __init__(self, config: HealthConfig) -> None:
        self.config = config
        self._names: list[str] = []
        self._code: dict[str, int] = {}
        self._types: list[str] = []
        self._series = SeriesTable()
        self._devices = DeviceTable()
        self._type_of_device = np.zeros(0, np.int32)
        self._peers = Peers()
        self._profile = Profile(config.baseline.slot_minutes)
        self._watermark: float | None = None
        self._hour: float | None = None
        self._closed_hour: HourRollup | None = None
        self._fast_dirty = False
        self._segments: Segments | None = None
        self._limits: limits.LimitIndex | None = None
        self._framed_types: object = None

    # Names and parts

    def metric_code(self, names: Sequence[str]) -> npt.NDArray[np.int32]:
        """Codes of metric names; new names are interned in the order given."""
        return np.array([self._intern(name) for name in names], np.int32)

    def _intern(self, name: str) -> int:
        if name not in self._code:
            if len(self._names) > METRIC_MASK:
                raise ScoringError(
                    f"More than {METRIC_MASK + 1} metric names; the last one is {name!r}. "
                    "Leave metrics with changing names out of extra_metrics."
                )
            self._code[name] = len(self._names)
            self._names.append(name)
        return self._code[name]

    @property
    def metric_names(self) -> list[str]:
        """Names by code."""
        return list(self._names)

    @property
    def watermark(self) -> float | None:
        """End of the last minute stepped, epoch seconds; None before the first."""
        return self._watermark

    def slots_needed(self, at: float) -> list[int]:
        """The profile parts that the minute ending at ``at`` touches."""
        return [self._profile.slot_of(at)]

    def dirty_parts(self) -> list[int]:
        """Parts that changed since they were loaded, sorted."""
        return ([FAST] if self._fast_dirty else []) + sorted(self._profile.dirty)

    def hours_closed(self) -> HourRollup | None:
        """The hour that the last step finished, if it did."""
        return self._closed_hour

    def dump_part(self, part: int) -> bytes:
        """One part as bytes; equal state gives equal bytes.  A slot not in memory is empty."""
        if part != FAST:
            return self._profile.dump(part)
        meta = {
            "watermark": self._watermark,
            "hour": self._hour,
            "names": self._names,
            "types": self._types,
        }
        return state.pack(
            meta,
            {
                "key": state.squeeze(self._series.key),
                "rows": self._series.rows,
                "origin": self._series.origin,
                "first_at": self._series.first_at,
                "last_at": self._series.last_at,
                "device": self._devices.id,
                "device_rows": self._devices.rows,
                "device_stamps": self._devices.stamps,
                "device_type": self._type_of_device,
                "peer": self._peers.key,
                "peer_start": self._peers.start,
                "peer_excess": self._peers.excess,
            },
        )

    def load_part(self, part: int, payload: bytes) -> None:
        """Put a part back; in any order, before the next step.

        Raises:
            ScoringError: the bytes are not a state of this version.
        """
        if part != FAST:
            self._profile.load(part, payload)
            return
        meta, a = state.unpack(payload)
        self._watermark, self._hour = meta["watermark"], meta["hour"]
        # Names interned before loading keep no codes: nothing was stepped with them.
        self._names, self._types = list(meta["names"]), list(meta["types"])
        self._code = {name: i for i, name in enumerate(self._names)}
        self._series = SeriesTable(
            state.unsqueeze(a["key"]), a["rows"], a["origin"], a["first_at"], a["last_at"]
        )
        self._devices = DeviceTable(a["device"], a["device_rows"], a["device_stamps"])
        self._type_of_device = a["device_type"]
        self._peers = Peers(a["peer"], a["peer_start"], a["peer_excess"])
        self._closed_hour = None
        self._fast_dirty = False
        self._forget_layout()

    # One minute

    def step(self, obs: Observations, devices: DeviceFrame, emit: bool = True) -> MinuteResult:
        """Take in one minute and judge it.

        Minutes must come in order; minutes in between may be missing.  With ``emit`` false
        nothing is explained (history is being read); the rest is the same.

        Raises:
            ScoringError: the minute is not after the watermark.
        """
        if self._watermark is not None and obs.at <= self._watermark:
            raise ScoringError(
                f"The minute ending at {obs.at:.0f} is not after the last one scored "
                f"({self._watermark:.0f}). Load an older snapshot to score it again."
            )
        with np.errstate(over="ignore"):
            return self._step(obs, devices, emit)

    def _step(self, obs: Observations, frame: DeviceFrame, emit: bool) -> MinuteResult:
        at = obs.at
        hour = rollup.hour_of(at)
        self._closed_hour = None
        if self._hour is not None and self._hour != hour:
            self._finish_hour(self._hour)
        framed = self._admit_devices(frame)
        self._check_devices(obs)
        pos = self._admit_series(obs)
        before = self._devices.stamps[DeviceStamp.LAST_SAMPLE, framed]
        fresh, interval = self._note_arrivals(frame, framed, at, obs.device_id)
        self._observe(obs, pos, framed, interval)
        result = self._judge(obs, pos, frame, framed, fresh, before, interval, emit)
        self._watermark, self._hour = at, hour
        self._fast_dirty = True
        if at % rollup.HOUR_S == 0 and self._closed_hour is None:
            self._finish_hour(hour)
            self._hour = None
        return result

    def _finish_hour(self, hour: float) -> None:
        """Close the running hour, refresh what types lend and drop what is long gone."""
        self._closed_hour = rollup.close(self._series, hour)
        owner = self._layout().owner
        settings = self.config.baseline
        self._peers = Peers.learn(self._series, self._type_of_device[owner], settings.lent_from)
        oldest = hour - settings.forget_days * baseline.DAY_S
        kept = self._series.last_at > max(oldest, 0)
        if not kept.all():
            self._series.keep(kept)
            self._forget_layout()

    # Who takes part

    def _admit_devices(self, frame: DeviceFrame) -> Index:
        """The frame's devices' places in the device table; new ones are entered."""
        pos, known = find(self._devices.id, frame.device_id)
        if not known.all():
            new = frame.device_id[~known]
            where = np.searchsorted(self._devices.id, new)
            self._devices.insert(new)
            self._type_of_device = np.insert(self._type_of_device, where, 0)
            self._framed_types = None
            self._forget_layout()
            pos, _ = find(self._devices.id, frame.device_id)
        out = np.arange(len(frame.device_id)) if pos is None else pos
        self._admit_types(frame, out)
        return out

    def _check_devices(self, obs: Observations) -> None:
        first = np.flatnonzero(np.diff(obs.device_id, prepend=-1))
        _, known = find(self._devices.id, obs.device_id[first])
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
            if name not in self._types:
                self._types.append(name)
        codes = np.array([self._types.index(name) for name in names.tolist()], np.int32)[code]
        if not np.array_equal(self._type_of_device[framed], codes):
            self._type_of_device[framed] = codes
            self._limits = None
        self._framed_types = frame.device_type

    def _admit_series(self, obs: Observations) -> Index | None:
        """The observations' places in the series table, None when they are all of it in order."""
        keys = series_keys(obs.device_id, obs.metric)
        pos, known = find(self._series.key, keys)
        if known.all():
            return pos
        new = ~known
        fresh = keys[new]
        where = self._series.insert(fresh, obs.value[new].astype(np.float64), obs.at)
        self._forget_layout()
        owner = np.searchsorted(self._devices.id, device_of(fresh))
        start, excess, lent = self._peers.of(fresh, self._type_of_device[owner])
        rows = self._series.rows[:, where]
        baseline.lend(rows, start, excess, lent, self.config.baseline.lent_samples)
        self._series.rows[:, where] = rows
        return find(self._series.key, keys)[0]

    def _layout(self) -> Segments:
        if self._segments is None:
            self._segments = segments_of(self._series, self._devices)
        return self._segments

    def _limit_index(self) -> limits.LimitIndex:
        if self._limits is None:
            self._limits = limits.LimitIndex(
                self.config,
                self._types,
                self._type_of_device,
                self._series.key & METRIC_MASK,
                self._layout().owner,
                self._names,
            )
        return self._limits

    def _forget_layout(self) -> None:
        self._segments = None
        self._limits = None

    def _note_arrivals(
        self, frame: DeviceFrame, framed: Index, at: float, device_id: Ints
    ) -> tuple[Flags, Floats]:
        """Which framed devices have samples now, and every framed device's interval in seconds."""
        rows, stamps = self._devices.rows, self._devices.stamps
        fresh = np.zeros(len(self._devices), bool)
        if len(device_id):
            starts = np.flatnonzero(np.diff(device_id, prepend=device_id[0] - 1))
            here = np.searchsorted(self._devices.id, device_id[starts])
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

    # Evidence

    def _observe(self, obs: Observations, pos: Index | None, framed: Index, interval: Floats) -> None:
        settings, series = self.config.baseline, self._series
        slot = self._profile.slot_of(obs.at)
        levels = self._profile.levels(slot, series.key)
        owner = self._layout().owner
        learning = self._learning(obs.at)
        interval_of = np.full(len(self._devices), self.config.liveness.default_interval_s, np.float32)
        interval_of[framed] = interval
        for first in range(0, len(obs.value), BLOCK):
            part = slice(first, min(first + BLOCK, len(obs.value)))
            where: slice | Index = part if pos is None else pos[part]
            rows = series.rows[:, where]  # a view for a slice, a copy for positions
            level = levels[where]
            rollup.accumulate(rows, obs.value[part], series.origin[where])
            baseline.observe(
                baseline.Samples(
                    value=obs.value[part],
                    origin=series.origin[where],
                    at=obs.at,
                    first_at=series.first_at[where],
                    last_at=series.last_at[where],
                    rows=rows,
                    profile=level,
                    learning=learning[owner[where]],
                    interval_s=interval_of[owner[where]],
                ),
                settings,
            )
            if pos is not None:
                series.rows[:, where] = rows
                levels[where] = level
        series.last_at[slice(None) if pos is None else pos] = np.uint32(obs.at)

    def _learning(self, at: float) -> Floats:
        """How much each device's health table may learn: little while it is being reported."""
        settings, stamps = self.config.baseline, self._devices.stamps
        with np.errstate(invalid="ignore"):
            reported = at - stamps[DeviceStamp.FLAGGED] < settings.accept_days * baseline.DAY_S
            mature = at - stamps[DeviceStamp.FIRST_SAMPLE] > settings.mature_days * baseline.DAY_S
        return np.where(reported & mature, settings.careful_gain, 1.0).astype(np.float32)

    def _fade(self, at: float, interval_of_device: Floats) -> Floats | None:
        """Decay of the evidence of series that stopped coming; None when all are fresh."""
        last = self._series.last_at
        if not len(last) or at - last.min() <= 60:
            return None
        owner = self._layout().owner
        grace = self.config.liveness.intervals * interval_of_device[owner] / 60
        overdue = np.maximum((at - last.astype(np.float64)) / 60 - grace, 0).astype(np.float32)
        out: Floats = np.exp(-overdue / np.float32(self.config.baseline.hold_minutes))
        return out

    def _device_evidence(self, at: float, interval_of_device: Floats) -> tuple[Floats, Floats, Floats]:
        """Over the device table: health and alarm evidence in decades, and series that count."""
        rows, segments, settings = self._series.rows, self._layout(), self.config.baseline
        held, alarm = rows[Field.HELD], rows[Field.ALARM]
        fade = self._fade(at, interval_of_device)
        if fade is not None:
            held, alarm = held * fade, alarm * fade
        counted = segments.sum(baseline.eligible(rows, settings).astype(np.float32))
        health, level, count = np.zeros((3, len(self._devices)), np.float32)
        health[segments.device_pos] = segments.top_mean(held, settings.top_metrics)
        level[segments.device_pos] = np.sqrt(segments.sum(alarm * alarm) / np.maximum(counted, 1))
        count[segments.device_pos] = counted
        return health, level, count

    def _edge(
        self,
        at: float,
        framed: Index,
        health: Floats,
        count: Floats,
        fresh: Flags,
        minutes: Floats,
        interval: Floats,
    ) -> Floats:
        """The edge of each framed device's own evidence before this minute; learns from it after.

        At first it is where chance alone brings the mean of the largest, from so many metrics held
        for so many samples.
        """
        settings, devices = self.config.baseline, self._devices
        before = devices.rows[DeviceField.EDGE, framed]
        draws = np.maximum(count, 1) * (1 + settings.hold_minutes * 60 / interval)
        chance = np.log10(draws / np.clip(count, 1, settings.top_metrics)).astype(np.float32)
        before = np.where(np.isnan(before) | (count == 0), chance, before)
        seen = devices.rows[DeviceField.ROWS, framed]
        after = track(
            before, health, seen, minutes,
            quantile=settings.edge_quantile, days=settings.edge_days, head=EDGE_HEAD,
        )  # fmt: skip
        # What is being reported, and what is still held of it, is no routine.
        learn = fresh & (count > 0) & np.isnan(devices.stamps[DeviceStamp.OPENED, framed])
        learn &= ~(at - devices.stamps[DeviceStamp.CLOSED, framed] < settings.hold_minutes * 60)
        devices.rows[DeviceField.EDGE, framed] = np.where(learn, after, before)
        out: Floats = np.maximum(before, np.float32(settings.edge))
        return out

    def _limit_evidence(
        self, obs: Observations, pos: Index | None, interval_of_device: Floats
    ) -> tuple[Floats, Doubles]:
        """Evidence and value of every limited series, [L]; counts the minutes over the limit."""
        index, series = self._limit_index(), self._series
        limited = index.series
        value = series.rows[Field.LAST, limited] + series.origin[limited]
        over = series.rows[Field.OVER, limited]
        here = np.ones(len(limited), bool) if pos is None else np.zeros(len(limited), bool)
        if pos is not None:
            which = index.lookup[pos]
            here[which[which >= 0]] = True
        apart = np.minimum(interval_of_device[self._layout().owner[limited]] / 60, 60)
        over = np.where(here, np.where(value >= index.table[0], over + apart, 0), over)
        series.rows[Field.OVER, limited] = over
        return limits.graded(value, over, index.table), value

    # The judgement

    def _judge(
        self,
        obs: Observations,
        pos: Index | None,
        frame: DeviceFrame,
        framed: Index,
        fresh: Flags,
        before: Doubles,
        interval: Floats,
        emit: bool,
    ) -> MinuteResult:
        at, config, devices = obs.at, self.config, self._devices
        interval_of = np.full(len(devices), config.liveness.default_interval_s, np.float32)
        interval_of[framed] = interval
        health, level, count = self._device_evidence(at, interval_of)
        limit, limit_value = self._limit_evidence(obs, pos, interval_of)
        index = self._limit_index()
        signals = index.signals(frame.signals, framed)
        owner = self._layout().owner[index.series]
        per_device = np.bincount(owner, limit.astype(np.float64) ** 2, len(devices))
        from_limits: Doubles = per_device[framed].astype(np.float64)
        for _, _, u, _ in signals:
            from_limits = from_limits + u.astype(np.float64) ** 2
        since = np.where(np.isnan(before), 1.0, (at - before) / 60).astype(np.float32)
        since = np.minimum(since, np.float32(60))
        edge = self._edge(at, framed, health[framed], count[framed], fresh, since, interval)
        from_baseline = score.baseline_evidence(health[framed], edge, config.baseline.edge_step)
        points = score.from_evidence((from_baseline**2 + from_limits).astype(np.float32))
        # The frame knows the second, the engine only the minute.
        seen = devices.stamps[DeviceStamp.LAST_SAMPLE, framed]
        last_sample = np.where(np.isnan(frame.last_sample), seen, frame.last_sample)
        young = ~(at - devices.stamps[DeviceStamp.FIRST_SAMPLE, framed] >= config.baseline.min_minutes * 60)
        status, reason = liveness.judge(
            frame, at, last_sample, interval, (count[framed] > 0) & ~young, young, config.liveness
        )
        scored = status == liveness.SCORED
        healthy, critical = self._thresholds(framed)
        status = np.where(scored, score.status_of(points, healthy, critical), status).astype(np.int8)
        self._flag(framed, health[framed], at)

        now = episodes.Level(
            at=at,
            level=level[framed],
            metrics=np.maximum(count[framed], 1),
            fresh=fresh,
            minutes=since,
            limit=np.sqrt(from_limits).astype(np.float32),
            score=points,
            scored=scored,
        )
        turn = episodes.advance(devices, framed, now, healthy, critical, config.alarm)
        evidence = score.Evidence(from_baseline, limit, index, limit_value, signals)
        deviating = scored & (points < config.explain_below) if emit else np.zeros(len(points), bool)
        deviating[turn.opened] = True
        factors = score.explain(
            np.flatnonzero(deviating), points, evidence, self._series, self._layout(), framed,
            self._names, config,
        )  # fmt: skip
        opened = episodes.remember(devices, framed, turn.opened, factors, self._intern, self._names)
        closed = [self._describe(framed, p, at, points) for p in turn.closed.tolist()]
        updated = [self._describe(framed, p, None, points) for p in turn.updated.tolist()]
        episodes.forget(devices, framed[turn.closed], at)
        return MinuteResult(
            at=at,
            device_id=frame.device_id,
            score=np.where(scored, points, np.float32(np.nan)),
            status=status,
            reason=reason,
            data_age_s=(at - last_sample).astype(np.float32),
            alarm=turn.alarm,
            factors=factors,
            opened=opened,
            closed=closed,
            updated=updated,
        )

    def _describe(self, framed: Index, p: int, ended_at: float | None, points: Floats) -> Episode:
        return episodes.describe(self._devices, int(framed[p]), self._names, ended_at, float(points[p]))

    def _flag(self, framed: Index, health: Floats, at: float) -> None:
        """Since when each device deviates without a break."""
        flagged = self._devices.stamps[DeviceStamp.FLAGGED, framed]
        edge = self._devices.rows[DeviceField.EDGE, framed]
        off = health > self.config.baseline.careful_at * np.where(np.isnan(edge), np.inf, edge)
        self._devices.stamps[DeviceStamp.FLAGGED, framed] = np.where(
            off, np.where(np.isnan(flagged), at, flagged), np.nan
        )

    def _thresholds(self, framed: Index) -> tuple[Floats, Floats]:
        per_type = [self.config.thresholds_for(name) for name in self._types]
        types = self._type_of_device[framed]
        healthy = np.array([t.healthy for t in per_type], np.float32)[types]
        critical = np.array([t.critical for t in per_type], np.float32)[types]
        return healthy, critical
