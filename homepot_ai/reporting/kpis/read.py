"""Reading what the key figures are counted from, and putting them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homepot_ai.fleet.received import Received
from homepot_ai.fleet.schedules import operating_hours
from homepot_ai.prediction import track_record
from homepot_ai.reporting import own
from homepot_ai.reporting.compute import RosterDevice
from homepot_ai.reporting.facts import PROVENANCE_ORDER, Provenance, ScoringFacts
from homepot_ai.reporting.facts.kpis import (
    ClassKpis,
    DayCounts,
    KpisFacts,
    Promise,
    Ratio,
    TypeKpis,
    TypesFacts,
)
from homepot_ai.reporting.kpis import count
from homepot_ai.reporting.kpis.count import Failure
from homepot_ai.reporting.source import Source
from homepot_ai.store.named_sql import load

_SQL = load("reporting/sql/kpis.sql")
HORIZON = "7-30d"


def kpis(source: Source) -> KpisFacts:
    """The key figures of a report's scope and period."""
    known = failures(source)
    groups = by_class(source)
    with_hours = frozenset(operating_hours(source.conn, [d.site_id for d in source.roster.devices]))
    received: Mapping[int, Received] | None = source.received
    if any(problem.section == "completeness" for problem in source.problems):
        received = None
    classes = tuple(
        count.class_kpis(kind, devices, source.today, received, known, with_hours)
        for kind, devices in groups.items()
    )
    days = count.device_days(groups.get(source.headline, ()), known, source.today)
    scoring = own.scoring(source.conn, source.settings, source.period)
    rejected = sum(one.count for one in scoring.rejected)
    return KpisFacts(
        classes=classes,
        days=days,
        own=Ratio(numerator=scoring.minutes_scored, denominator=scoring.minutes_due),
        valid_rows=Ratio(
            numerator=max(0, scoring.rows_read - rejected),
            denominator=scoring.rows_read,
            left_out=scoring.rejected,
        ),
        claims=_claims(source),
        promises=_promises(source, classes, days, scoring),
        lost_minutes=source.today.lost_minutes,
    )


def _claims(source: Source) -> Ratio | None:
    """Sentences of a model that were refused, of all that were looked at; None: none were."""
    bounds = {"start": source.period.start, "end": source.period.end}
    refused, judged = source.conn.execute(_SQL["claims"], bounds).fetchone() or (0, 0)
    return Ratio(numerator=refused, denominator=judged) if judged else None


def types(source: Source) -> TypesFacts | None:
    """Availability, MTTR and MTBF by device type; None where the scope has no devices."""
    known = failures(source)
    found: list[TypeKpis] = []
    for kind, devices in by_class(source).items():
        mine = [
            count.type_kpis(name, kind, [d for d in devices if d.type == name], source.today, known)
            for name in sorted({d.type for d in devices})
        ]
        found += sorted(mine, key=_least_available_first)
    return TypesFacts(types=tuple(found)) if found else None


def _least_available_first(one: TypeKpis) -> tuple[float, str]:
    share = one.availability.share
    return 2.0 if share is None else share, one.device_type


def by_class(source: Source) -> dict[Provenance, Sequence[RosterDevice]]:
    """The scope's devices by class, the headline's first."""
    found: dict[Provenance, Sequence[RosterDevice]] = {}
    for kind in PROVENANCE_ORDER:
        group = [d for d in source.roster.devices if source.refs[d.id].provenance == kind]
        if group:
            found[kind] = group
    return found


def failures(source: Source) -> list[Failure]:
    """Failures of the scope's devices around the period, several sources' words of one made one."""
    parameters = {
        "ids": source.ids, "start": source.period.start, "end": source.period.end, "now": source.now,
    }  # fmt: skip
    return count.merged(Failure(*row) for row in source.conn.execute(_SQL["failures"], parameters))


def _promises(
    source: Source, classes: Sequence[ClassKpis], days: DayCounts, scoring: ScoringFacts
) -> tuple[Promise, ...]:
    """What the plan promises, in its order, beside what was measured and what a trivial answer reaches."""
    parameters = {
        "ids": list(source.main), "start": source.period.start, "end": source.period.end, "now": source.now,
        "leader": track_record.current(source.conn, source.now).leader(HORIZON),
    }  # fmt: skip
    settled, right, happened = source.conn.execute(_SQL["forecasts"], parameters).fetchone() or (0, 0, 0)
    rows, hours = source.conn.execute(_SQL["throughput"], parameters).fetchone() or (0, 0.0)
    precision = classes[0].precision if classes else Ratio(numerator=0, denominator=0)
    fine = days.alarmed_fine + days.silent_fine
    bad = days.alarmed_bad + days.silent_bad
    bounds = {"start": source.period.start, "end": source.period.end}
    asked_ms, door_ms = source.conn.execute(_SQL["speeds"], bounds).fetchone() or (None, None)
    return (
        # Always-healthy: right on every fine day.
        _promise("anomaly_accuracy", 0.85, True, days.alarmed_bad + days.silent_fine, days.known,
                 fine / days.known if days.known else None),
        # Always-alarm: right on every bad day.
        _promise("anomaly_precision", 0.80, True, precision.numerator, precision.denominator,
                 bad / days.known if days.known else None),
        # Always-healthy alarms nobody.
        _promise("false_positives", 0.15, False, days.alarmed_fine, fine, 0.0),
        # Always-no: right on every device that did not fail.
        _promise("failure_prediction", 0.75, True, right, settled,
                 (settled - happened) / settled if settled else None),
        Promise(key="pattern_matching", target=0.85, at_least=True, why="not_recorded"),
        _promise("own_availability", 0.995, True, scoring.minutes_scored, scoring.minutes_due),
        _promise("question_seconds", 2, False, (asked_ms or 0) / 1000, int(asked_ms is not None)),
        _promise("api_milliseconds", 200, False, door_ms or 0, int(door_ms is not None)),
        Promise(key="embedding_milliseconds", target=100, at_least=False, why="not_recorded"),
        Promise(key="memory_gigabytes", target=8, at_least=False, why="not_built"),
        _promise("rows_an_hour", 10_000, True, rows, round(hours, 6)),
    )  # fmt: skip


def _promise(
    key: str, target: float, at_least: bool, value: float, of: float, trivial: float | None = None
) -> Promise:
    return Promise.model_validate(
        {
            "key": key, "target": target, "at_least": at_least, "value": value, "of": of,
            "trivial": None if trivial is None else round(trivial, 6), "why": "" if of else "nothing_yet",
        }
    )  # fmt: skip
