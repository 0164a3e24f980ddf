"""Key figures against a slow, obvious calculation: one row, one minute, one device after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from homepot_ai.reporting.facts import ReportFacts, Scope, canonical_json, facts_hash, restore
from homepot_ai.reporting.facts.kpis import ClassKpis, KpisFacts, Ratio
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.periods import custom, day
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import kpis, types
from homepot_ai.reporting.voice import Voice
from homepot_ai.settings import Settings
from homepot_ai.store import health_hours
from homepot_ai.store.database import Database
from tests.report_world import World

ZONE = "Europe/Berlin"
# Two days, of which the second has 25 hours.
PERIOD = custom(date(2026, 10, 24), date(2026, 10, 25), ZONE)
NOW = datetime(2026, 10, 26, 5, 0, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCORED = {"healthy", "warning", "critical"}
# device: (site, type); 4 is simulated, site 2 has no schedule.
DEVICES = {1: (1, "pos_terminal"), 2: (1, "pos_terminal"), 3: (2, "gateway"), 4: (1, "pos_terminal")}
MAIN = (1, 2, 3)
# device, from, until (hours of the period), who says so; None: nobody said when it ended.
FAILURES: list[tuple[int, float, float | None, str]] = [
    (1, -3, 2, "incident"),  # ended in the period
    (1, 10, 12, "incident"),
    (1, 12.5, 14, "person"),  # of the same: within the hour
    (2, 20, None, "person"),  # without an end
    (2, 30, 31, "person"),  # nothing told of it
    (3, 40, None, "incident"),  # goes on
    (3, -40, -30, "incident"),  # before
    (3, 49, 60, "incident"),  # in the last minute; over after the period and before now
    (4, 5, 6, "person"),
]
# device, from, until, severity, mark.
ANOMALIES: list[tuple[int, float, float | None, str, bool | None]] = [
    (1, 10, 12, "critical", True),
    (1, 3, 4, "warning", False),
    (2, 20.5, 21, "warning", None),
    (2, -1, 1, "warning", False),
    (3, 41, None, "critical", None),
    (3, 2, 3, "info", None),
    (4, 1, 2, "critical", False),
]


def at(hours: float) -> datetime:
    return PERIOD.start + timedelta(minutes=round(hours * 60))


def fill(world: World) -> None:
    world.site(1, "Berlin Mitte", ZONE)
    world.site(2, "Hamburg", ZONE)
    for number, (site, type_) in DEVICES.items():
        world.device(number, site, simulated=number == 4, type_=type_)
    for n in range(PERIOD.minutes):
        minute = PERIOD.start + timedelta(minutes=n + 1)
        if n % 10:
            world.minutes.append(minute)
        for number in DEVICES:
            kind = (n + number * 101) % 97
            if n % 10 == 0 and number == 3:
                continue
            if kind < 5:
                row = (0.3, "critical", None)
            elif kind < 12:
                row = (0.7, "warning", None)
            elif kind < 17 and n % 600 > 300:
                row = (None, "no_data", None)
            elif kind < 19:
                row = (None, "in_maintenance", None)
            elif kind < 23:
                row = (None, "not_scored", ("too_few_samples", "excluded", "engine_error", "stale")[n % 4])
            else:
                row = (0.95, "healthy", None)
            world.scores.append((number, minute, *row))
        for number in DEVICES:
            if (n + number) % (number + 1) == 0:
                continue  # lost on the way
            provenance = "simulated" if number == 4 else "real"
            world.metrics.append(
                (number, minute - timedelta(seconds=50), provenance, 60 if number != 2 else None)
            )
    world.metrics += world.metrics[:30]  # retried
    for number, opens, closes, severity, _ in ANOMALIES:
        world.anomaly(number, at(opens), None if closes is None else at(closes), severity=severity)
    world.write()
    with world.db.admin() as conn:
        for number, opens, _, _, mark in ANOMALIES:
            conn.execute(
                "UPDATE ai_anomaly_logs SET mark = %s WHERE device_id = %s AND started_at = %s",
                [mark, number, at(opens)],
            )
        for n, (number, opens, closes, source) in enumerate(FAILURES):
            conn.execute(
                "INSERT INTO ai_device_outcomes (device_id, at, ended_at, kind, source, reference, "
                "recorded_by, recorded_at, changed_at) "
                "VALUES (%s, %s, %s, 'failure', %s, %s, 'test', %s, %s)",
                [number, at(opens), None if closes is None else at(closes), source, str(n), at(0), at(0)],
            )
        # Neither withdrawn ones nor what was recorded after the report are failures.
        conn.execute(
            "INSERT INTO ai_device_outcomes (device_id, at, kind, source, reference, recorded_by, "
            "recorded_at, changed_at, withdrawn_at) "
            "VALUES (1, %s, 'failure', 'person', 'w', 'test', %s, %s, %s), "
            "(1, %s, 'failure', 'person', 'l', 'test', %s, %s, NULL)",
            [at(25), at(25), at(26), at(26), at(25), NOW + HOUR, NOW + HOUR],
        )
        for weekday in range(7):
            conn.execute(
                "INSERT INTO site_operating_schedules (site_id, day_of_week, open_time, close_time, "
                "is_closed) VALUES (1, %s, %s, %s, false)",
                [weekday, time(9), time(18)],
            )
        # Device 1 probes the network; every fourth probe is not answered. Device 3 answered once.
        conn.execute(
            "UPDATE device_metrics SET network_latency_ms = 20 WHERE device_id = 1 "
            "AND extract(minute FROM timestamp)::int %% 4 <> 0", []
        )  # fmt: skip
        conn.execute("UPDATE ai_health_scores SET data_age_seconds = extract(minute FROM at)::int * 12 + 5 "
                     "WHERE device_id IN (1, 2) AND status <> 'no_data'")  # fmt: skip


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    fill(world)
    return world


def facts_of(world: World, settings: Settings, scope: Scope, period: object = PERIOD) -> ReportFacts:
    with world.db.reader() as conn:
        return gather(conn, settings, scope, period, NOW)  # type: ignore[arg-type]


def rows(
    world: World, devices: tuple[int, ...]
) -> Iterator[tuple[int, datetime, float | None, str, str | None]]:
    for row in world.scores:
        if row[0] in devices and PERIOD.start < row[1] <= PERIOD.end:
            yield row


def is_open(device: int, minute: datetime) -> bool:
    there = (minute - timedelta(minutes=1)).astimezone(ZoneInfo(ZONE))
    return DEVICES[device][0] == 1 and 9 <= there.hour < 18


def pair(ratio: Ratio | None) -> tuple[int, int]:
    assert ratio is not None
    return ratio.numerator, ratio.denominator


def left(ratio: Ratio | None) -> dict[str, int]:
    assert ratio is not None
    return {one.name: one.count for one in ratio.left_out}


@pytest.mark.parametrize("rolled", [False, True])
def test_each_figure_of_a_class_equals_a_slow_count(world: World, settings: Settings, rolled: bool) -> None:
    if rolled:
        health_hours.roll_up(world.db, settings, PERIOD.start, PERIOD.end, now=NOW)
    found = facts_of(world, settings, Scope(kind="fleet")).kpis
    assert found is not None
    assert [(c.provenance, c.devices) for c in found.classes] == [("real", 3), ("simulated", 1)]
    for one, devices in zip(found.classes, (MAIN, (4,)), strict=True):
        availability(one, world, devices)
        telemetry(one, world, devices)
        failures(one, devices)
        detection(one, devices)
    assert found.lost_minutes == 0


def availability(one: ClassKpis, world: World, devices: tuple[int, ...]) -> None:
    judged = up = fresh = open_judged = open_fresh = open_up = healthy = scored = total = 0
    for device, minute, score, status, reason in rows(world, devices):
        total += 1
        scored += score is not None
        healthy += status == "healthy"
        if status == "in_maintenance" or reason in {"excluded", "engine_error"}:
            continue
        judged += 1
        has = score is not None or reason == "too_few_samples"
        fresh += has
        up += has and status != "critical"
        if is_open(device, minute):
            open_judged += 1
            open_fresh += has
            open_up += has and status != "critical"
    assert pair(one.availability) == (fresh, judged)
    assert pair(one.uptime) == (up, judged)
    assert pair(one.availability_open) == (open_fresh, open_judged)
    assert pair(one.uptime_open) == (open_up, open_judged)
    assert pair(one.compliance) == (healthy, scored)
    assert sum(left(one.availability).values()) == PERIOD.minutes * len(devices) - judged
    assert left(one.compliance) == {"without_score": total - scored}
    assert one.devices_without_hours == sum(DEVICES[d][0] == 2 for d in devices)
    hours: dict[tuple[int, datetime], bool] = {}
    for device, minute, _, status, reason in rows(world, devices):
        if status != "in_maintenance" and reason not in {"excluded", "engine_error"}:
            hour = (minute - timedelta(minutes=1)).replace(minute=0)
            hours[device, hour] = hours.get((device, hour), True) and status != "no_data"
    assert pair(one.continuity) == (sum(hours.values()), len(hours))


def telemetry(one: ClassKpis, world: World, devices: tuple[int, ...]) -> None:
    got = expected = 0
    for device in devices:
        if device == 2:
            continue  # nobody states its interval
        moments = {m[1] for m in world.metrics if m[0] == device and PERIOD.start <= m[1] < PERIOD.end}
        expected += PERIOD.minutes
        got += min(len(moments), PERIOD.minutes)
    assert pair(one.completeness) == (got, expected)
    assert left(one.completeness) == ({"devices_without_interval": 1} if 2 in devices else {})
    mine = [m[1] for m in world.metrics if m[0] == 1 and 1 in devices]
    assert pair(one.connectivity) == (sum(m.minute % 4 != 0 for m in mine), len(mine))
    ages = sorted(
        minute.minute * 12 + 5
        for device, minute, _, status, _ in rows(world, devices)
        if device in (1, 2) and status != "no_data"
    )
    assert one.freshness.minutes == len(ages)
    for edge, n in zip(health_hours.AGE_EDGES, one.freshness.within, strict=True):
        assert n == sum(age <= edge for age in ages), edge
    for share, seconds in ((0.5, one.freshness.p50_seconds), (0.95, one.freshness.p95_seconds)):
        if ages:
            exact = ages[int(len(ages) * share + 0.999999) - 1]
            assert seconds == min(edge for edge in health_hours.AGE_EDGES if edge >= exact)
        else:
            assert seconds is None


def episodes_of(devices: tuple[int, ...]) -> list[tuple[int, datetime, datetime | None, bool, bool]]:
    """Failures as (device, at, end, others say so, goes on), those that touch joined until none does."""
    found = [
        (d, at(a), None if b is None else at(b), who != "incident", b is None and who == "incident")
        for d, a, b, who in FAILURES
        if d in devices and (b is None or at(b) > PERIOD.start)
    ]
    for i in range(len(found)):
        for j in range(len(found)):
            if i != j and found[i] is not None and found[j] is not None and found[i][0] == found[j][0]:
                first, second = found[i], found[j]
                if first[1] <= second[1] <= (first[2] or first[1]) + HOUR or (
                    first[4] and second[1] >= first[1]
                ):
                    goes_on = first[4] or second[4]
                    end = None if goes_on else max(e for e in (first[2], second[2]) if e is not None)
                    found[i] = (first[0], first[1], end, first[3] or second[3], goes_on)
                    found[j] = None  # type: ignore[call-overload]
    return [f for f in found if f is not None]


def failures(one: ClassKpis, devices: tuple[int, ...]) -> None:
    known = episodes_of(devices)
    began = [f for f in known if PERIOD.start < f[1] <= PERIOD.end]
    ended = [f for f in known if f[2] is not None and PERIOD.start < f[2] <= PERIOD.end]
    repair = [(f[2] - f[1]).total_seconds() / 60 for f in ended if f[2] is not None]
    assert (one.failures.began, one.failures.ended) == (len(began), len(ended))
    assert one.failures.repair_minutes == sum(repair)
    assert one.failures.mttr == (sum(repair) / len(repair) if repair else None)
    assert one.failures.mtbf == (one.uptime.numerator / len(began) if began else None)
    assert one.failures.without_end == sum(f[2] is None and not f[4] for f in began)
    assert one.failures.open_at_end == sum(f[4] or (f[2] is not None and f[2] > PERIOD.end) for f in known)


def detection(one: ClassKpis, devices: tuple[int, ...]) -> None:
    opened = [a for a in ANOMALIES if a[0] in devices and 0 < a[1] <= 49]
    marked = [a for a in opened if a[4] is not None]
    assert pair(one.precision) == (sum(a[4] is True for a in marked), len(marked))
    assert left(one.precision) == (
        {"unmarked": len(opened) - len(marked)} if len(opened) > len(marked) else {}
    )
    told = known = 0
    for device, begin, end, others, _ in episodes_of(devices):
        if not others or not PERIOD.start < begin <= PERIOD.end:
            continue
        known += 1
        until = max(end or begin, begin + HOUR)
        told += any(
            a[0] == device and at(a[1]) <= until and (a[2] is None or at(a[2]) >= begin) for a in ANOMALIES
        )
    assert pair(one.recall) == (told, known)


def test_days_and_promises_stand_beside_the_trivial_answer(world: World, settings: Settings) -> None:
    found = facts_of(world, settings, Scope(kind="fleet")).kpis
    assert found is not None
    # By hand. Device 1: true on the first day (10-14 h), fine on the second. Device 2: an unmarked anomaly
    # and a failure on the first day (bad, alarmed), an unalarmed failure on the second (30 h). Device 3:
    # nothing but info on the first day, an anomaly and a failure on the second.
    assert found.days.model_dump() == {
        "alarmed_bad": 3, "alarmed_fine": 0, "silent_bad": 1, "silent_fine": 2, "unjudged": 0,
    }  # fmt: skip
    promises = {one.key: one for one in found.promises}
    accuracy = promises["anomaly_accuracy"]
    assert (accuracy.value, accuracy.of, accuracy.kept) == (5, 6, False)
    assert accuracy.trivial == pytest.approx(2 / 6)
    assert (promises["anomaly_precision"].value, promises["anomaly_precision"].of) == (1, 2)
    assert promises["false_positives"].measured == 0
    assert promises["false_positives"].kept is True
    nine_of_ten = sum(n % 10 > 0 for n in range(PERIOD.minutes))
    # Nothing was due before the first minute that was ever scored, the period's second.
    due = PERIOD.minutes - 1
    assert promises["own_availability"].measured == pytest.approx(nine_of_ten / due)
    assert promises["own_availability"].kept is False
    assert promises["failure_prediction"].why == "nothing_yet"
    assert promises["failure_prediction"].kept is None
    # Seven rows and half a second a minute.
    assert promises["rows_an_hour"].measured == pytest.approx(7 / 0.5 * 3600)
    assert {one.key for one in found.promises if one.why == "not_built"} == {"memory_gigabytes"}
    assert pair(found.own) == (nine_of_ten, due)
    assert pair(found.valid_rows) == (nine_of_ten * 5, nine_of_ten * 7)
    assert left(found.valid_rows) == {"duplicate": nine_of_ten * 2}
    assert found.claims is None


def test_a_models_sentences_and_the_time_of_answers_are_counted(world: World, settings: Settings) -> None:
    inside, after = PERIOD.start + timedelta(hours=3), PERIOD.end + timedelta(hours=1)
    with world.db.admin() as conn:
        for at, verified, refused in ((inside, 7, 2), (inside, 1, 0), (after, 50, 50)):
            conn.execute(
                "INSERT INTO ai_llm_calls (at, purpose, prompt_hash, model, digest, options, outcome, "
                "latency_ms, verdicts) VALUES (%s, 'x', 'x', 'm', 'd', '{}', 'ok', 1, "
                "jsonb_build_object('verified', %s::int, 'refused', %s::int))",
                [at, verified, refused],
            )
        for at, ms in ((inside, 300), (after, 90_000)):
            conn.execute(
                "INSERT INTO ai_questions (at, user_name, question, slots, how, outcome, response_ms) "
                "VALUES (%s, '', '?', '{}', 'rule', 'answered', %s)",
                [at, ms],
            )
    found = facts_of(world, settings, Scope(kind="fleet")).kpis
    assert found is not None
    assert pair(found.claims) == (2, 10)
    promises = {one.key: one for one in found.promises}
    assert (promises["question_seconds"].measured, promises["question_seconds"].kept) == (0.3, True)
    assert promises["api_milliseconds"].why == "nothing_yet"


def test_forecasts_count_when_they_are_due_and_settled(world: World, settings: Settings) -> None:
    cases = [
        (0.7, "happened", 5, True),
        (0.2, "did_not", 6, True),
        (0.6, "did_not", 7, True),
        (0.1, "happened", 8, True),
        (0.1, "did_not", 60, False),  # due after the period
        (0.9, "censored", 9, False),
    ]
    with world.db.admin() as conn:
        for n, (probability, outcome, due, _) in enumerate(cases):
            conn.execute(
                "INSERT INTO ai_predictions (made_at, device_id, kind, horizon, from_at, due_at, "
                "probability, forecaster, version, reason, settled_at, outcome) "
                "VALUES (%s, 1, 'failure', '7-30d', %s, %s, %s, 'hazard', '1', 'daily', %s, %s)",
                [at(due) - timedelta(days=30, minutes=n), at(due) - timedelta(days=23), at(due), probability,
                 at(due) + HOUR, outcome],
            )  # fmt: skip
    found = facts_of(world, settings, Scope(kind="device", id=1)).kpis
    assert found is not None
    promise = next(one for one in found.promises if one.key == "failure_prediction")
    counted = [c for c in cases if c[3]]
    right = sum((p >= 0.5) == (o == "happened") for p, o, *_ in counted)
    assert (promise.value, promise.of) == (right, len(counted)) == (2, 4)
    assert promise.trivial == 0.5


def test_types_stand_apart_and_add_up(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))
    assert facts.types is not None
    assert facts.kpis is not None
    assert {(t.provenance, t.device_type, t.devices) for t in facts.types.types} == {
        ("real", "pos_terminal", 2), ("real", "gateway", 1), ("simulated", "pos_terminal", 1),
    }  # fmt: skip
    real = [t for t in facts.types.types if t.provenance == "real"]
    whole = facts.kpis.classes[0]
    for name in ("availability", "availability_open"):
        parts = [pair(getattr(t, name)) for t in real]
        assert tuple(map(sum, zip(*parts, strict=True))) == pair(getattr(whole, name))
    assert sum(t.failures.began for t in real) == whole.failures.began
    gateway = next(t for t in real if t.device_type == "gateway")
    alone = facts_of(world, settings, Scope(kind="device_type", name="gateway"))
    assert alone.types is not None
    assert alone.types.types == (gateway,)
    assert (alone.name.name, [s.name for s in alone.sites]) == ("gateway", ["Hamburg"])


def test_every_scope_and_hours_of_nothing(world: World, settings: Settings) -> None:
    device = facts_of(world, settings, Scope(kind="device", id=2))
    assert (device.name.name, device.name.location) == ("Device 2", "Berlin Mitte")
    assert device.headline is not None
    assert device.headline.figures.devices == 1
    assert {a.device.id for a in device.anomalies} == {2}
    # Long before anything: no minute, no row, no failure; every figure says that there is nothing.
    empty = facts_of(world, settings, Scope(kind="site", id=1), day(date(2026, 9, 1), ZONE)).kpis
    assert empty is not None
    assert empty.classes[0].availability.share is None
    assert empty.classes[0].freshness.p95_seconds is None
    assert empty.days.known == 0
    assert all(p.kept is None for p in empty.promises)


def test_the_pages_say_how_much_was_counted(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))
    voice = Voice("en", ZONE, PERIOD.first_day, PERIOD.last_day, PERIOD.end)
    text = said(kpis.PLUGIN, facts, voice)
    found = facts.kpis
    assert found is not None
    ratio = found.classes[0].availability
    assert f"{ratio.numerator:,} of {ratio.denominator:,}" in text
    assert "Unsupported claims of model text: no model wrote a sentence in this period" in text
    assert "3 devices, real data" in text
    assert "1 device, simulated data" in text
    assert "1 device at a site without opening hours" in text
    assert "alarms marked true | 50.0" in text
    assert "not recorded in operation" in text
    german = Voice("de", ZONE, PERIOD.first_day, PERIOD.last_day, PERIOD.end)
    assert f"{ratio.numerator:,}".replace(",", ".") in said(kpis.PLUGIN, facts, german)
    assert "gateway" in said(types.PLUGIN, facts, voice)
    # Of a day, the short version; with telemetry that could not be counted, the reason.
    with world.db.admin() as conn:
        conn.execute("ALTER TABLE device_metrics DROP COLUMN collection_interval_seconds")
    one = facts_of(world, settings, Scope(kind="fleet"), day(PERIOD.last_day, ZONE))
    short = said(kpis.PLUGIN, one, voice)
    assert "telemetry could not be counted" in short
    assert "Mean time to repair" not in short
    assert "Trivial" not in short
    assert one.types is None


def said(plugin: Plugin, facts: ReportFacts, voice: Voice) -> str:
    section = plugin.section(facts, voice)
    assert section is not None
    return "\n".join(
        f"{block.caption} {block.more} " + " | ".join(cell.text for row in block.rows for cell in row)
        if hasattr(block, "rows")
        else str(getattr(block, "text", ""))
        for block in section.blocks
    )


def test_key_figures_survive_storage(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))
    assert isinstance(facts.kpis, KpisFacts)
    assert facts_hash(restore(facts.model_dump(mode="json"))) == facts_hash(facts)
    assert canonical_json(facts_of(world, settings, Scope(kind="fleet"))) == canonical_json(facts)
