"""Constructed key figures for pictures and tests of pages: a week of 120 devices and 8 simulated ones."""

from __future__ import annotations

from homepot_ai.reporting.facts import Count, Provenance
from homepot_ai.reporting.facts.kpis import (
    ClassKpis,
    DayCounts,
    FailureKpis,
    Freshness,
    KpisFacts,
    Promise,
    Ratio,
    TypeKpis,
    TypesFacts,
)

_MINUTES = 7 * 1440


def _ratio(part: float, whole: int, **left: int) -> Ratio:
    counts = tuple(Count(name=name, count=count) for name, count in left.items())
    return Ratio(numerator=round(part * whole), denominator=whole, left_out=counts)


def _failures(began: int, ended: int, running: int, *, still: int = 0) -> FailureKpis:
    return FailureKpis(
        began=began, ended=ended, open_at_end=still, without_end=0, repair_minutes=ended * 96,
        running_minutes=running,
    )  # fmt: skip


def _class(provenance: Provenance, devices: int, worse: float) -> ClassKpis:
    judged = devices * (_MINUTES - 90)
    left = {"in_maintenance": devices * 60, "unjudged": devices * 20, "not_scored": devices * 10}
    within = tuple(round(judged * share) for share in (0.61, 0.9, 0.941, 0.978, 0.991, 0.997))
    return ClassKpis(
        provenance=provenance,
        devices=devices,
        devices_without_hours=devices // 10,
        availability=_ratio(0.9934 - worse, judged, **left),
        availability_open=_ratio(0.9971 - worse, judged // 2, not_judged=devices * 12),
        uptime=_ratio(0.9887 - worse, judged, **left),
        uptime_open=_ratio(0.9952 - worse, judged // 2, not_judged=devices * 12),
        failures=_failures(devices // 20, devices // 24, round(judged * 0.9887), still=devices // 100),
        completeness=_ratio(0.968 - worse, devices * _MINUTES * 2, devices_without_interval=devices // 40),
        connectivity=_ratio(0.9991, devices * _MINUTES, devices_without_probe=devices // 12),
        continuity=_ratio(0.972, devices * 168),
        freshness=Freshness(within=within, minutes=judged, p50_seconds=30, p95_seconds=300),
        compliance=_ratio(0.9714, round(judged * 0.99), without_score=devices * 110),
        precision=_ratio(0.8182, 11, unmarked=7),
        recall=_ratio(0.75, 4, found_by_ourselves=2),
    )


def kpis() -> KpisFacts:
    """Key figures with promises that are kept, missed, and not measured.

    >>> [one.key for one in kpis().promises if one.kept is False]
    ['own_availability']
    """
    days = DayCounts(alarmed_bad=12, alarmed_fine=3, silent_bad=2, silent_fine=816, unjudged=7)
    fine = days.alarmed_fine + days.silent_fine
    return KpisFacts(
        classes=(_class("real", 120, 0.0), _class("simulated", 8, 0.01)),
        days=days,
        own=_ratio(0.9938, _MINUTES),
        valid_rows=_ratio(0.9996, 2_419_200, duplicate=840, absurd=128),
        promises=(
            Promise(key="anomaly_accuracy", target=0.85, at_least=True, value=828, of=days.known,
                    trivial=round(fine / days.known, 6)),
            Promise(key="anomaly_precision", target=0.8, at_least=True, value=9, of=11, trivial=0.0168),
            Promise(key="false_positives", target=0.15, at_least=False, value=3, of=fine, trivial=0.0),
            Promise(key="failure_prediction", target=0.75, at_least=True, value=782, of=840, trivial=0.9714),
            Promise(key="pattern_matching", target=0.85, at_least=True, why="not_recorded"),
            Promise(key="own_availability", target=0.995, at_least=True, value=10_017, of=_MINUTES),
            Promise(key="question_seconds", target=2, at_least=False, why="not_built"),
            Promise(key="api_milliseconds", target=200, at_least=False, why="not_built"),
            Promise(key="embedding_milliseconds", target=100, at_least=False, why="not_recorded"),
            Promise(key="memory_gigabytes", target=8, at_least=False, why="not_built"),
            Promise(key="rows_an_hour", target=10_000, at_least=True, value=2_419_200, of=1.4),
        ),
        lost_minutes=0,
    )  # fmt: skip


def types() -> TypesFacts:
    """Five device types, least available first."""
    found = []
    for name, devices, share, began in (
        ("gateway", 6, 0.9811, 2), ("industrial_controller", 14, 0.9889, 1), ("pos_terminal", 52, 0.9942, 3),
        ("tablet", 21, 0.9968, 0), ("iot_sensor", 27, 0.9991, 0),
    ):  # fmt: skip
        judged = devices * (_MINUTES - 90)
        found.append(
            TypeKpis(
                device_type=name,
                provenance="real",
                devices=devices,
                availability=_ratio(share, judged),
                availability_open=_ratio((1 + share) / 2, judged // 2),
                failures=_failures(began, min(began, 2), round(judged * share)),
            )
        )
    return TypesFacts(types=tuple(found))
