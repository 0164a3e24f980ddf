"""A configuration to try: what differs from the one in force, as an operator says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homepot_ai.errors import BacktestError
from homepot_ai.fleet import metrics
from homepot_ai.health.config import HealthConfig, Limit

Share = Annotated[float, Field(gt=0, lt=1)]


class _Tried(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LimitTrial(_Tried):
    """One limit. What is left empty of a limit that exists stays as it is."""

    metric: str = Field(min_length=1, description="metric or signal, e.g. cpu_percent, failed_checks_in_row")
    value: float | None = Field(default=None, description="in the metric's unit; all three empty: no limit")
    severe: float | None = Field(default=None, description="where it is critical by itself")
    minutes: float | None = Field(default=None, ge=0, description="full weight after so long over it")


class TypeTrial(_Tried):
    """What one device type has otherwise than the rest of the fleet."""

    device_type: str = Field(min_length=1, description="as HOMEPOT names it, e.g. pos_terminal")
    healthy: Share | None = Field(default=None, description="score above which it is healthy")
    critical: Share | None = Field(default=None, description="score below which it is critical")
    limits: tuple[LimitTrial, ...] = Field(default=(), description="limits of this type")


class Trial(_Tried):
    """What to try; whatever is left empty is as in force.

    >>> Trial(false_alarms_per_week=0.2).apply(HealthConfig()).alarm.false_alarms_per_week
    0.2
    """

    false_alarms_per_week: Annotated[float, Field(gt=0, le=50)] | None = Field(
        default=None, description="expected false alarms per device and week: less is quieter and later"
    )
    healthy: Share | None = Field(default=None, description="score above which a device is healthy (0.8)")
    critical: Share | None = Field(default=None, description="score below which it is critical (0.4)")
    limits: tuple[LimitTrial, ...] = Field(default=(), description="limits of every device")
    device_types: tuple[TypeTrial, ...] = Field(default=(), description="what a device type has otherwise")
    moved_by_marks: bool = Field(default=True, description="with the alarm thresholds that marks have moved")

    def apply(self, config: HealthConfig) -> HealthConfig:
        """The whole configuration with these changes.

        Raises:
            BacktestError: the changes contradict each other or what is in force.
        """
        tree = config.model_dump()
        if self.false_alarms_per_week is not None:
            tree["alarm"]["false_alarms_per_week"] = self.false_alarms_per_week
        tree["thresholds"] |= _thresholds(self)
        for limit in self.limits:
            place = tree["signals"] if limit.metric in metrics.COUNTED else tree["limits"]
            if limit.value is None and limit.severe is None and limit.minutes is None:
                place.pop(limit.metric, None)
            else:
                place[limit.metric] = _limit(limit, place.get(limit.metric))
        for trial in self.device_types:
            _apply_type(trial, tree, config)
        try:
            return HealthConfig.model_validate(tree)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}"
                for item in error.errors()
            )
            raise BacktestError(f"this configuration cannot be tried: {wrong}") from error


def _thresholds(trial: Trial | TypeTrial) -> dict[str, float]:
    given = {"healthy": trial.healthy, "critical": trial.critical}
    return {name: value for name, value in given.items() if value is not None}


def _limit(trial: LimitTrial, known: Mapping[str, Any] | None) -> dict[str, Any]:
    merged: dict[str, Any] = dict(known or {})
    given = {"value": trial.value, "severe": trial.severe, "minutes": trial.minutes}
    merged |= {name: value for name, value in given.items() if value is not None}
    if "value" not in merged or "severe" not in merged:
        raise BacktestError(f"the limit of {trial.metric} is new: give both its value and its severe value")
    return merged


def _apply_type(trial: TypeTrial, tree: dict[str, Any], config: HealthConfig) -> None:
    rules = tree["device_types"].setdefault(
        trial.device_type, {"thresholds": None, "limits": {}, "signals": {}}
    )
    if changed := _thresholds(trial):
        rules["thresholds"] = {**(rules["thresholds"] or tree["thresholds"]), **changed}
    for limit in trial.limits:
        if limit.value is None and limit.severe is None and limit.minutes is None:
            raise BacktestError(
                f"the limit of {limit.metric} cannot be taken away from {trial.device_type} alone: give it a "
                "value that is never reached"
            )
        counted = limit.metric in metrics.COUNTED
        known: Mapping[str, Limit] = (
            config.signals_for(trial.device_type) if counted else config.limits_for(trial.device_type)
        )
        before = known[limit.metric].model_dump() if limit.metric in known else None
        rules["signals" if counted else "limits"][limit.metric] = _limit(limit, before)


def changes(tried: HealthConfig, in_force: HealthConfig) -> tuple[str, ...]:
    """What differs, one clause each; empty when nothing does.

    >>> changes(Trial(false_alarms_per_week=0.2).apply(HealthConfig()), HealthConfig())
    ('0.2 false alarms per device and week instead of 0.5',)
    """
    return tuple(_differences(tried, in_force))


def _differences(tried: HealthConfig, in_force: HealthConfig) -> Iterator[str]:
    new, old = tried.alarm.false_alarms_per_week, in_force.alarm.false_alarms_per_week
    if new != old:
        yield f"{new:g} false alarms per device and week instead of {old:g}"
    for name in ("healthy", "critical"):
        here, there = getattr(tried.thresholds, name), getattr(in_force.thresholds, name)
        if here != there:
            yield f"{name} {'above' if name == 'healthy' else 'below'} {here:g} instead of {there:g}"
    yield from _limit_differences(
        {**tried.limits, **tried.signals}, {**in_force.limits, **in_force.signals}, ""
    )
    for kind in sorted({*tried.device_types, *in_force.device_types}):
        of = f"{kind}: "
        mine, theirs = tried.thresholds_for(kind), in_force.thresholds_for(kind)
        if mine != theirs and kind in tried.device_types and tried.device_types[kind].thresholds:
            yield f"{of}healthy above {mine.healthy:g}, critical below {mine.critical:g}"
        rules, before = tried.device_types.get(kind), in_force.device_types.get(kind)
        yield from _limit_differences(
            {**rules.limits, **rules.signals} if rules else {},
            {**before.limits, **before.signals} if before else {},
            of,
        )


def _limit_differences(new: Mapping[str, Limit], old: Mapping[str, Limit], of: str) -> Iterator[str]:
    for metric in sorted({*new, *old}):
        here, there = new.get(metric), old.get(metric)
        if here == there:
            continue
        name = metrics.label(metric)
        if here is None:
            yield f"{of}no limit for {name}"
        else:
            was = f" instead of {_say(metric, there)}" if there is not None else ""
            yield f"{of}{name} limit at {_say(metric, here)}{was}"


def _say(metric: str, limit: Limit) -> str:
    value, severe = (metrics.format_value(metric, number) for number in (limit.value, limit.severe))
    return f"{value} (severe {severe}, {limit.minutes:g} min)"


def unknown_types(trials: Sequence[Trial], known: Sequence[str]) -> list[str]:
    """Device types that a trial names and that no device has."""
    named = {item.device_type for trial in trials for item in trial.device_types}
    return sorted(named - set(known))
