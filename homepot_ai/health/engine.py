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

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ScoringError
from homepot_ai.health import accepting, baseline, episodes, evidence, liveness, rollup, score
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.memory import Memory
from homepot_ai.health.profile import Profile
from homepot_ai.health.records import (
    REASONS,
    STATUSES,
    Accepted,
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
from homepot_ai.health.table import (
    DeviceField,
    DeviceStamp,
)
from homepot_ai.health.week import Weeks, hours_needed

FAST = -1
# Series per block: the tables of a block stay in the processor's cache.
BLOCK = 16_384

__all__ = [
    "FAST",
    "REASONS",
    "STATUSES",
    "Accepted",
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
    minute needs :meth:`slots_needed`.  What the week adds (:mod:`homepot_ai.health.week`) is put in beside
    it and is no part of that memory.
    """

    def __init__(self, config: HealthConfig) -> None:
        self.config = config
        self._memory = Memory(config)
        self._profile = Profile(config.baseline.slot_minutes)
        self._weeks = Weeks()
        self._closed_hour: HourRollup | None = None
        self._expected: Floats = np.zeros(0, np.float32)
        self._fast_dirty = False
        self._accepted: list[Accepted] = []
        #: Values that the last step left out, of devices with too many metrics.
        self.refused = 0

    # Names and parts

    def metric_code(self, names: Sequence[str]) -> npt.NDArray[np.int32]:
        """Codes of metric names; new names are interned in the order given."""
        return np.array([self._memory.intern(name) for name in names], np.int32)

    @property
    def metric_names(self) -> list[str]:
        """Names by code."""
        return list(self._memory.names)

    @property
    def watermark(self) -> float | None:
        """End of the last minute stepped, epoch seconds; None before the first."""
        return self._memory.watermark

    def slots_needed(self, at: float) -> list[int]:
        """The profile parts that the minute ending at ``at`` touches."""
        return [self._profile.slot_of(at)]

    def week_hours_needed(self, at: float) -> list[int]:
        """The hours of the week that the minute ending at ``at`` touches."""
        return hours_needed(at)

    def load_week(self, part: int, payload: bytes, since: float = -np.inf) -> None:
        """Take a part of a fitted week: an hour needed, or ``week.INDEX`` (needed by every minute).

        ``since`` is when that version begins to count, in epoch seconds; the version before is then
        needed as well, for a day.
        """
        self._weeks.load(part, payload, since)

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
        return self._memory.dump()

    def view_part(self, part: int) -> list[memoryview]:
        """What :meth:`dump_part` joins; the fast part is not copied, and good until the next step."""
        return self._memory.views() if part == FAST else [memoryview(self._profile.dump(part))]

    def load_part(self, part: int, payload: bytes | bytearray) -> None:
        """Put a part back; in any order, before the next step.

        Raises:
            ScoringError: the bytes are not a state of this version.
        """
        if part != FAST:
            self._profile.load(part, payload)
            return
        self._memory.load(payload)
        self._closed_hour = None
        self._fast_dirty = False

    # One minute

    def step(self, obs: Observations, devices: DeviceFrame, emit: bool = True) -> MinuteResult:
        """Take in one minute and judge it.

        Minutes must come in order; minutes in between may be missing.  With ``emit`` false
        nothing is explained (history is being read); the rest is the same.

        Raises:
            ScoringError: the minute is not after the watermark.
        """
        if self._memory.watermark is not None and obs.at <= self._memory.watermark:
            raise ScoringError(
                f"The minute ending at {obs.at:.0f} is not after the last one scored "
                f"({self._memory.watermark:.0f}). Load an older snapshot to score it again."
            )
        with np.errstate(over="ignore"):
            return self._step(obs, devices, emit)

    def _step(self, obs: Observations, frame: DeviceFrame, emit: bool) -> MinuteResult:
        at = obs.at
        hour = rollup.hour_of(at)
        self._closed_hour = None
        self._accepted = []
        if self._memory.hour is not None and self._memory.hour != hour:
            self._finish_hour(self._memory.hour, at)
        obs, self.refused = self._memory.within_limit(obs)
        framed = self._memory.admit_devices(frame)
        self._memory.check_devices(obs)
        pos = self._memory.admit_series(obs)
        before = self._memory.devices.stamps[DeviceStamp.LAST_SAMPLE, framed]
        fresh, interval = self._memory.note_arrivals(frame, framed, at, obs.device_id)
        self._observe(obs, pos, framed, interval)
        result = self._judge(obs, pos, frame, framed, fresh, before, interval, emit)
        self._memory.watermark, self._memory.hour = at, hour
        self._fast_dirty = True
        if at % rollup.HOUR_S == 0 and self._closed_hour is None:
            self._finish_hour(hour, at)
            self._memory.hour = None
        return replace(result, accepted=tuple(self._accepted))

    def _finish_hour(self, hour: float, at: float) -> None:
        """What is done once an hour: levels that stayed are accepted, the hour is rolled up."""
        memory, series = self._memory, self._memory.series
        expected = self._profile.levels(self._profile.slot_of(at), series.key)
        weekly = self._weeks.offsets(at, series.key, memory.codes)
        self._accepted += accepting.close_hour(
            memory.watched, series, rollup.means(series), expected if weekly is None else expected + weekly,
            at, memory.names, self.config.baseline,
        )  # fmt: skip
        self._closed_hour = memory.finish_hour(hour)

    # Evidence

    def _observe(self, obs: Observations, pos: Index | None, framed: Index, interval: Floats) -> None:
        settings, series = self.config.baseline, self._memory.series
        slot = self._profile.slot_of(obs.at)
        levels = self._profile.levels(slot, series.key)
        weekly = self._weeks.offsets(obs.at, series.key, self._memory.codes)
        self._expected = levels if weekly is None else levels + weekly
        owner = self._memory.layout().owner
        learning, alarm_learning = self._learning(obs.at)
        interval_of = np.full(len(self._memory.devices), self.config.liveness.default_interval_s, np.float32)
        interval_of[framed] = interval
        watched = self._memory.is_watched()
        for part in _blocks(obs.device_id):
            where: slice | Index = part if pos is None else pos[part]
            rows = series.rows[:, where]  # a view for a slice, a copy for positions
            level, kind = levels[where], series.note_kind[where]
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
                    alarm_learning=alarm_learning[owner[where]],
                    interval_s=interval_of[owner[where]],
                    owner=owner[where],
                    kind=kind,
                    offset=None if weekly is None else weekly[where],
                    watched=None if watched is None else watched[where],
                ),
                settings,
            )
            if pos is not None:
                series.rows[:, where] = rows
                levels[where], series.note_kind[where] = level, kind
        series.last_at[slice(None) if pos is None else pos] = np.uint32(obs.at)

    def _learning(self, at: float) -> tuple[Floats, Floats]:
        """How much each device's tables may learn, health and alarm: little of what is reported, for a day.

        To the health, reported is who has an episode or is beyond the edge; once mature, near it.  To the
        alarm a short event is a lesson, or the hundredth of its kind would still ring; one that lasts is not.
        """
        settings, stamps = self.config.baseline, self._memory.devices.stamps
        day = settings.accept_days * baseline.DAY_S
        with np.errstate(invalid="ignore"):
            age = at - stamps[DeviceStamp.FIRST_SAMPLE]
            lasting = at - stamps[DeviceStamp.OPENED]
            reported = (at - stamps[DeviceStamp.FLAGGED] < day) & (age > evidence.YOUNG_S)
            # What is held open through a quiet half hour is calm.
            loud = np.isnan(stamps[DeviceStamp.QUIET])
            reported |= (lasting < day) & (age > evidence.YOUNG_S / 2) & loud
            alarming = (lasting < day) & (lasting > self.config.alarm.lesson_minutes * 60)
            alarming &= loud
        careful, fully = np.float32(settings.careful_gain), np.float32(1)
        return np.where(reported, careful, fully), np.where(alarming, careful, fully)

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
        at, config, devices = obs.at, self.config, self._memory.devices
        interval_of = np.full(len(devices), config.liveness.default_interval_s, np.float32)
        interval_of[framed] = interval
        health, level, count = evidence.of_devices(self._memory, at, interval_of)
        limited = evidence.of_limits(self._memory, obs, pos, interval_of, self._expected)
        index = self._memory.limit_index()
        signals = index.signals(frame.signals, framed)
        owner = self._memory.layout().owner[index.series]
        per_device = np.bincount(owner, limited.limit.astype(np.float64) ** 2, len(devices))
        from_trends = np.bincount(owner, limited.trend.astype(np.float64) ** 2, len(devices))[framed]
        from_limits: Doubles = per_device[framed].astype(np.float64)
        from_signals = np.zeros(len(framed))
        for _, _, u, _ in signals:
            from_signals = from_signals + u.astype(np.float64) ** 2
        limits_only, from_limits = from_limits, from_limits + from_signals
        since = np.where(np.isnan(before), 1.0, (at - before) / 60).astype(np.float32)
        since = np.minimum(since, np.float32(60))
        edge = evidence.edge(self._memory, at, framed, health[framed], count[framed], fresh, since, interval)
        from_baseline = score.baseline_evidence(health[framed], edge, config.baseline.edge_step)
        points = score.from_evidence((from_baseline**2 + from_limits + from_trends).astype(np.float32))
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
            signal=from_signals > limits_only,
            offset=np.zeros(len(framed), np.float32) if frame.alarm_offset is None else frame.alarm_offset,
            score=points,
            scored=scored,
        )
        turn = episodes.advance(devices, framed, now, healthy, critical, config.alarm)
        weighed = score.Evidence(
            from_baseline, limited.limit, index, limited.value, limited.trend, limited.hours, signals
        )
        deviating = scored & (points < config.explain_below) if emit else np.zeros(len(points), bool)
        deviating[turn.opened] = True
        factors = score.explain(
            np.flatnonzero(deviating), points, weighed, self._memory.series, self._memory.layout(), framed,
            self._memory.names, config,
        )  # fmt: skip
        opened = episodes.remember(
            devices, framed, turn.opened, factors, self._memory.intern, self._memory.names
        )
        closed = [
            self._describe(framed, p, ended, points)
            for p, ended in zip(turn.closed.tolist(), turn.ended.tolist(), strict=True)
        ]
        closed += self._close_gone(framed, at)
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
            alarm_level=turn.level,
            factors=factors,
            opened=opened,
            closed=closed,
            updated=updated,
        )

    def _describe(self, framed: Index, p: int, ended_at: float | None, points: Floats) -> Episode:
        return episodes.describe(
            self._memory.devices, int(framed[p]), self._memory.names, ended_at, float(points[p])
        )

    def _close_gone(self, framed: Index, at: float) -> list[Episode]:
        """End what is open of devices that are no longer there: nobody would ever tell."""
        is_open = ~np.isnan(self._memory.devices.stamps[DeviceStamp.OPENED])
        is_open[framed] = False
        gone = np.flatnonzero(is_open)
        closed = [
            episodes.describe(self._memory.devices, row, self._memory.names, at, float("nan"))
            for row in gone.tolist()
        ]
        episodes.forget(self._memory.devices, gone, at)
        return closed

    def forget_episodes(self, at: float) -> None:
        """End what is open and was told to nobody: where it goes on, the next minute opens it anew."""
        is_open = ~np.isnan(self._memory.devices.stamps[DeviceStamp.OPENED])
        episodes.forget(self._memory.devices, np.flatnonzero(is_open), at)

    def _flag(self, framed: Index, health: Floats, at: float) -> None:
        """Since when each device deviates without a break."""
        flagged = self._memory.devices.stamps[DeviceStamp.FLAGGED, framed]
        edge = self._memory.devices.rows[DeviceField.EDGE, framed]
        settings = self.config.baseline
        since = self._memory.devices.stamps[DeviceStamp.FIRST_SAMPLE, framed]
        with np.errstate(invalid="ignore"):
            mature = at - since > settings.mature_days * baseline.DAY_S
        known = np.where(np.isnan(edge), np.inf, edge)
        off = health > np.where(mature, settings.careful_at * known, np.maximum(known, settings.edge))
        self._memory.devices.stamps[DeviceStamp.FLAGGED, framed] = np.where(
            off, np.where(np.isnan(flagged), at, flagged), np.nan
        )

    def _thresholds(self, framed: Index) -> tuple[Floats, Floats]:
        per_type = [self.config.thresholds_for(name) for name in self._memory.types]
        types = self._memory.type_of_device[framed]
        healthy = np.array([t.healthy for t in per_type], np.float32)[types]
        critical = np.array([t.critical for t in per_type], np.float32)[types]
        return healthy, critical


def _blocks(device_id: Ints) -> Iterator[slice]:
    """Runs of about BLOCK series that leave no device in two of them."""
    first, end = 0, len(device_id)
    while first < end:
        stop = min(first + BLOCK, end)
        if stop < end:
            stop = int(np.searchsorted(device_id, device_id[stop], "left"))
            if stop == first:  # one device with more series than a block
                stop = int(np.searchsorted(device_id, device_id[first], "right"))
        yield slice(first, stop)
        first = stop
