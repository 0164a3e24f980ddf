"""Everything the health engine can be told, with its defaults.

One configuration serves every device; what may differ by device type is listed in
:attr:`HealthConfig.device_types`.  Nothing here is tuned per device or per metric: time
constants are minutes, evidence is in decades (``-log10 p``) and ``u = 1.0`` is the edge of
what is expected (see docs/health-scoring.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
# False alarms per device and week at which `above_routine` holds as it is written.
STANDARD_RATE = 5.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Frozen):
    """An absolute upper limit of one metric, graded by how far and how long it is exceeded.

    At ``value`` the evidence is 1.0 once ``minutes`` have passed; at ``severe`` it is
    ``severe_u``.  Both are in the metric's own unit.
    """

    value: float
    severe: float
    minutes: float = Field(default=5.0, ge=0, description="full weight after so long over it")
    severe_u: float = Field(default=3.5, gt=1, description="evidence at `severe`")

    @model_validator(mode="after")
    def _ordered(self) -> Limit:
        if not self.severe > self.value:
            raise ValueError(
                f"a limit's severe value ({self.severe}) must lie above its value "
                f"({self.value}); raise `severe`"
            )
        return self


class Thresholds(_Frozen):
    """Where a score becomes a status: above ``healthy`` healthy, below ``critical`` critical."""

    healthy: Share = 0.8
    critical: Share = 0.4

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if not self.critical < self.healthy:
            raise ValueError(f"critical ({self.critical}) must be below healthy ({self.healthy})")
        return self


def _default_limits() -> dict[str, Limit]:
    return {
        "cpu_percent": Limit(value=90.0, severe=99.0, minutes=10.0),
        "memory_percent": Limit(value=90.0, severe=99.5, minutes=10.0),
        "disk_percent": Limit(value=90.0, severe=98.0, minutes=10.0),
        "network_latency_ms": Limit(value=200.0, severe=1000.0, minutes=5.0),
        "error_ratio": Limit(value=0.05, severe=0.5, minutes=5.0),
    }


def _default_signals() -> dict[str, Limit]:
    # Signals are counted per device, not sampled per metric, so they weigh in at once.
    return {
        "failed_checks_in_row": Limit(value=3.0, severe=15.0, minutes=0.0),
        "state_changes_per_hour": Limit(value=6.0, severe=30.0, minutes=0.0),
        "errors_per_15min": Limit(value=10.0, severe=100.0, minutes=0.0),
        "failed_jobs_per_hour": Limit(value=2.0, severe=12.0, minutes=0.0),
    }


class DeviceTypeRules(_Frozen):
    """What one device type has otherwise; what is left out is as for every device."""

    thresholds: Thresholds | None = None
    limits: Mapping[str, Limit] = Field(default_factory=dict)
    signals: Mapping[str, Limit] = Field(default_factory=dict)


class BaselineConfig(_Frozen):
    """How a series' own expectation is learned and turned into evidence."""

    fast_minutes: Positive = Field(default=30.0, description="EWMA that onsets stand out from")
    level_days: Positive = Field(default=2.0, description="level that states stand out from")
    level_weight: float = Field(default=2.0, ge=0, description="of the level beside onset and shape")
    together_weight: float = Field(default=1.0, ge=0, description="of what other metrics do not explain")
    together_days: Positive = Field(default=0.5, description="memory of how metrics move together")
    slow_minutes: Positive = Field(default=180.0, description="EWMA on top of the profile")
    slot_minutes: int = Field(default=15, ge=5, le=240, description="slot of the daily profile")
    profile_days: Positive = Field(default=10.0, description="days that a profile slot averages")
    level_clip: Positive = Field(default=2.0, description="slopes beyond q a level may move by")
    tail_quantile: Share = Field(default=0.98, description="where the exponential tail begins")
    tail_days: Positive = Field(default=60.0, description="memory of the tails, in days")
    tail_clip: Positive = Field(default=30.0, description="slopes one sample may teach at most")
    tail_growth: Positive = Field(default=0.2, description="by which one sample may steepen a tail")
    mature_days: float = Field(default=14.0, ge=0, description="then the health table is careful")
    mature_clip: Positive = Field(default=5.0, description="slopes it may then be taught")
    warm_samples: int = Field(default=30, ge=1, description="whose largest stands for the 98 %")
    careful_at: Positive = Field(default=0.7, description="share of the edge from which it is careful")
    careful_gain: float = Field(default=0.02, ge=0, le=1, description="how little it learns then")
    accept_days: Positive = Field(default=1.0, description="then a lasting new state is learned")
    accept_from_days: Positive = Field(default=7.0, description="of a series' life that may happen")
    evidence_cap: Positive = Field(default=8.0, description="decades one residual can weigh")
    alarm_cap: Positive = Field(default=6.0, description="the same for the alarm")
    alarm_weights: tuple[float, float, float] = Field(
        default=(0.45, 0.45, 0.10), description="of onset, shape of the day and jump, for the alarm"
    )
    note_at: Positive = Field(default=1.5, description="decades from which value and band are kept")
    top_metrics: int = Field(default=4, ge=1, description="metrics whose mean is the health")
    hold_minutes: Positive = Field(default=60.0, description="decay of evidence once seen")
    edge: Positive = Field(default=2.0, description="decades that are u = 1.0, at the least")
    edge_quantile: Share = Field(default=0.995, description="of the device's own evidence")
    edge_days: Positive = Field(default=120.0, description="memory of that")
    edge_share: Share = Field(default=0.02, description="of the minutes may raise a mature edge")
    edge_step: Positive = Field(default=1.5, description="decades beyond the edge that add 1 to u")
    min_samples: int = Field(default=20, ge=2, description="per series before it can deviate")
    min_minutes: float = Field(default=30.0, ge=0, description="of history before a first score")
    lent_samples: Positive = Field(default=120.0, description="weight of the type's tails")
    lent_from: int = Field(default=2, ge=1, description="series of a type that can lend")
    forget_days: Positive = Field(default=30.0, description="an unseen series is dropped")
    max_metrics: int = Field(default=1000, ge=1, description="per device, further names are left out")


class AlarmConfig(_Frozen):
    """When an episode opens and when it closes."""

    false_alarms_per_week: float = Field(
        default=STANDARD_RATE, ge=0.01, le=50, description="at most, per device on which nothing happens"
    )
    above_routine: Positive = Field(default=0.74, description="decades above routine, at the standard rate")
    spread: Positive = Field(default=0.28, description="decades that e times fewer false alarms cost")
    wide_metrics: int = Field(default=5, ge=1, description="whose mean is half of the level")
    few_metrics: float = Field(default=4.0, ge=0, description="how much more it takes of few metrics")
    sustained_minutes: Positive = Field(default=10.0, description="EWMA of the level")
    sustained_share: Share = Field(default=0.8, description="of the threshold suffices for that")
    sustained_few: float = Field(default=0.3, ge=0, lt=1, description="less of it, divided by the metrics")
    routine_share: Share = Field(default=0.6, description="of its recent peaks that are routine")
    routine_most: Positive = Field(default=1.5, description="decades; higher peaks are never routine")
    peak_quantile: Share = Field(default=0.995, description="of its level that are its peaks")
    peak_days: Positive = Field(default=0.5, description="memory of the quick level's peaks")
    sustained_peak_days: Positive = Field(default=1.0, description="of those of the sustained one")
    noise_days: Positive = Field(default=30.0, description="memory of median and 90 % point")
    quiet_spread: Positive = Field(default=0.1, description="decades per factor e; less is quiet")
    quiet_share: Share = Field(default=0.6, description="of the threshold that a quiet one needs at least")
    lesson_minutes: Positive = Field(default=120.0, description="what lasts longer teaches nothing for a day")
    ring_samples: int = Field(default=2, ge=1, description="for which an alarm rings")
    ring_minutes: float = Field(default=60.0, ge=0, description="before a device's alarm may ring again")
    close_fraction: Share = Field(default=0.5, description="of the opening level")
    close_minutes: float = Field(default=30.0, ge=0, description="quiet for so long closes it")
    limit_u: Positive = Field(default=1.0, description="limit or signal evidence that opens one")
    critical_minutes: float = Field(default=15.0, ge=0, description="critical when worse so long")
    precision_target: Share = Field(default=0.8, description="share of true ones that marks move towards")
    marks_days: Positive = Field(default=90.0, description="marked anomalies that began since then count")
    marks_lost: float = Field(default=0.1, ge=0, lt=1, description="of the true ones, at most, by marks")
    marks_prior: Positive = Field(default=10.0, description="marks that the design itself weighs as many as")

    @property
    def opens_at(self) -> float:
        """Decades above routine that open an episode, at the rate that is set.

        >>> round(AlarmConfig(false_alarms_per_week=STANDARD_RATE / math.e).opens_at, 2)
        1.02
        """
        fewer = math.log(STANDARD_RATE / self.false_alarms_per_week)
        return max(self.above_routine + self.spread * fewer, 0.1)


class LivenessConfig(_Frozen):
    """When missing samples mean `no_data` or `stale`; ages are in collection intervals."""

    intervals: Positive = Field(default=3.0, description="old after so many intervals")
    min_minutes: Positive = Field(default=3.0, description="never old before")
    default_interval_s: Positive = Field(default=60.0, description="until it is known or learned")


class HealthConfig(_Frozen):
    """The whole configuration of the engine; `health:` in homepot-ai.yaml."""

    thresholds: Thresholds = Thresholds()
    limits: Mapping[str, Limit] = Field(default_factory=_default_limits)
    signals: Mapping[str, Limit] = Field(default_factory=_default_signals)
    device_types: Mapping[str, DeviceTypeRules] = Field(default_factory=dict)
    baseline: BaselineConfig = BaselineConfig()
    alarm: AlarmConfig = AlarmConfig()
    liveness: LivenessConfig = LivenessConfig()
    trend_hours: Positive = Field(default=24.0, description="a limit that will be reached so soon counts")
    factors_shown: int = Field(default=5, ge=1, description="per device, the rest is folded")
    explain_below: float = Field(default=0.9, gt=0, le=1, description="scores with factors")

    def thresholds_for(self, device_type: str) -> Thresholds:
        """The thresholds in force for a device type."""
        rules = self.device_types.get(device_type)
        return rules.thresholds if rules and rules.thresholds else self.thresholds

    def limits_for(self, device_type: str) -> dict[str, Limit]:
        """The limits in force for a device type, by metric name."""
        rules = self.device_types.get(device_type)
        return {**self.limits, **(rules.limits if rules else {})}

    def signals_for(self, device_type: str) -> dict[str, Limit]:
        """The signal limits in force for a device type, by signal name."""
        rules = self.device_types.get(device_type)
        return {**self.signals, **(rules.signals if rules else {})}
