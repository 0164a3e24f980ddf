"""Faults that every run of the suite has time for; the others wait for `./scripts/test --faults`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from homepot_ai.errors import StateMoved
from homepot_ai.health import learning, planning, scoring
from homepot_ai.health.planning import MINUTE
from homepot_ai.health.summary import ScoreSummary
from homepot_ai.language import ollama, probe
from homepot_ai.language.model import Outcome
from homepot_ai.reporting import periods
from homepot_ai.reporting.smtp import MailServer, deliver_due
from homepot_ai.settings import OllamaSettings, Settings
from homepot_ai.store.database import Database
from homepot_ai.testing.chaos import MODES
from homepot_ai.testing.mail_sink import MailSink
from homepot_ai.testing.ollama_server import BEHAVIOURS, OllamaServer
from tests import mail_helpers
from tests.faults.record import Case
from tests.support import START, small_fleet, telemetry, wave

pytestmark = [pytest.mark.faults, pytest.mark.quick]

DEVICES = range(1, 7)
LEARNED = 60
NOW = START + LEARNED * MINUTE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var_dir=tmp_path, scoring={"warmup_scored_days": 0})


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Database:
    """Six devices with a calm hour learned, and ten minutes to be scored."""
    small_fleet(database)
    telemetry(database, START, LEARNED + 10, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW)
    return database


def score(db: Database, settings: Settings, now: datetime) -> ScoreSummary | None:
    """One run of scoring, as the flow does it; None when nothing is due."""
    plan = planning.plan(db, settings, now=now)
    if plan.mode == "nothing":
        return None
    batch = scoring.read(db, settings, plan)
    return scoring.store(db, settings, plan, scoring.score(settings, plan, batch), now)


def missing_and_double(db: Database, until: datetime) -> tuple[int, int]:
    """Device-minutes from NOW to `until` without a score, and scores that are there more than once."""
    with db.admin() as conn:
        found = conn.execute(
            "SELECT count(*), count(DISTINCT (device_id, at)) FROM ai_health_scores "
            "WHERE at >= %s AND at <= %s AND score IS NOT NULL",
            [NOW, until],
        ).fetchone()
    assert found is not None
    due = len(DEVICES) * (round((until - NOW) / MINUTE) + 1)
    return due - found[1], found[0] - found[1]


@contextmanager
def locked(db: Database, table: str) -> Iterator[None]:
    """Nobody gets at a table inside this block."""
    with psycopg.connect(db.url, application_name="observer") as conn:
        conn.execute(f"LOCK TABLE {db.schema}.{table} IN ACCESS EXCLUSIVE MODE")
        yield
        conn.rollback()


def waiting(db: Database) -> list[int]:
    """Sessions of ours that wait for a lock."""
    with psycopg.connect(db.url, application_name="observer") as conn:
        found = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'homepot-ai' AND wait_event_type = 'Lock'"
        ).fetchall()
    return [pid for (pid,) in found]


def until_true(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "the point was not reached"
        time.sleep(0.02)


def in_the_middle(db: Database, settings: Settings, then: Callable[[int], None]) -> BaseException | None:
    """Score in a thread, stop it in the middle of its storing, do something; how the run ended."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            score(db, settings, NOW)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    with locked(db, "ai_health_scores"):
        thread.start()
        until_true(lambda: waiting(db))
        then(waiting(db)[0])
    thread.join(60)
    assert not thread.is_alive()
    return ended[0] if ended else None


def test_a_database_session_is_cut_while_a_minute_is_stored(
    fleet: Database, settings: Settings, case: Case
) -> None:
    case.inject("database", "the session is ended in the middle of storing a minute")

    def cut(pid: int) -> None:
        with psycopg.connect(fleet.url, autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(%s)", [pid])

    assert isinstance(in_the_middle(fleet, settings, cut), psycopg.OperationalError)
    with fleet.admin() as conn:
        assert conn.execute("SELECT count(*) FROM ai_health_scores").fetchone() == (0,), "half a minute"
    with case.healing():
        score(fleet, settings, NOW)
    lost, twice = missing_and_double(fleet, NOW)
    case.judge(lost=lost, twice=twice, of="6 device-minutes", told="the run is tried again; score-health")


def test_the_database_stands_still_while_a_minute_is_stored(
    fleet: Database, settings: Settings, case: Case
) -> None:
    case.inject("database", "a table is locked by somebody else while a minute is stored")
    assert in_the_middle(fleet, settings, lambda _: None) is None
    with case.healing():
        score(fleet, settings, NOW + MINUTE)
    lost, twice = missing_and_double(fleet, NOW + MINUTE)
    case.judge(lost=lost, twice=twice, of="12 device-minutes", told="the run took longer")


def test_the_database_is_read_only(fleet: Database, settings: Settings, case: Case) -> None:
    case.inject("database", "it takes no writes (failed over, disk full) for two minutes")
    with psycopg.connect(fleet.url, autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    for minute in range(2):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            score(fleet, settings, NOW + minute * MINUTE)
    with psycopg.connect(fleet.url, autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    with case.healing():
        score(fleet, settings, NOW + 2 * MINUTE)
    lost, twice = missing_and_double(fleet, NOW + 2 * MINUTE)
    case.judge(
        lost=lost, twice=twice, of="18 device-minutes", told="score-health Failed: read-only transaction"
    )


def test_two_schedulers_score_the_same_minute(fleet: Database, settings: Settings, case: Case) -> None:
    case.inject("scheduler", "two runs read the same minute, and both store it")
    plan = planning.plan(fleet, settings, now=NOW)
    scored = scoring.score(settings, plan, scoring.read(fleet, settings, plan))
    scoring.store(fleet, settings, plan, scored, NOW)
    with pytest.raises(StateMoved):
        scoring.store(fleet, settings, plan, scored, NOW)
    with case.healing():
        score(fleet, settings, NOW + MINUTE)
    lost, twice = missing_and_double(fleet, NOW + MINUTE)
    case.judge(lost=lost, twice=twice, of="12 device-minutes", told="run Skipped: another run was ahead")


def test_the_clock_is_set_back(fleet: Database, settings: Settings, case: Case) -> None:
    case.inject("clock", "stepped back by eight minutes between two runs")
    score(fleet, settings, NOW + 5 * MINUTE)
    told = planning.plan(fleet, settings, now=NOW - 3 * MINUTE)
    assert told.mode == "nothing"
    assert "the clock was set back" in (told.reason or "")
    with case.healing():
        score(fleet, settings, NOW + 6 * MINUTE)
    lost, twice = missing_and_double(fleet, NOW + 6 * MINUTE)
    case.judge(lost=lost, twice=twice, of="42 device-minutes", told="run Skipped: the clock was set back")


def test_summer_time_begins_and_ends(case: Case) -> None:
    case.inject("clock", "both changes of the year in five zones, one of which has no midnight on that day")
    lost = twice = days = 0
    for zone in (
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Cairo",
    ):
        end = periods.day(date(2025, 12, 31), zone).end
        for number in range(365):
            period = periods.day(date(2026, 1, 1) + timedelta(days=number), zone)
            lost += max(0, round((period.start - end) / MINUTE))
            twice += max(0, round((end - period.start) / MINUTE))
            assert period.minutes == round((period.end - period.start) / MINUTE)
            end, days = period.end, days + period.minutes
    case.judge(
        lost=lost,
        twice=twice,
        of=f"{days:,} minutes in 1,825 daily reports",
        told="the report says 23 or 25 hours",
    )


def test_telemetry_is_mad(
    fleet: Database, clone: Callable[[str], Database], empty_template: str, settings: Settings, case: Case
) -> None:
    case.inject(
        "telemetry",
        "NaN, infinite, negative, absurd, twice, from the future, of an unknown device, other units, late",
    )
    stamp = NOW.replace(tzinfo=None) - timedelta(seconds=20)
    mad: list[tuple[datetime, int, float]] = [
        (stamp, 1, float("nan")), (stamp, 1, float("inf")), (stamp, 1, -7.0), (stamp, 1, 1e30),
        (stamp, 1, 41.0), (stamp, 1, 41.0), (stamp + timedelta(days=2), 1, 41.0), (stamp, 99, 41.0),
        (stamp - timedelta(hours=3), 1, 41.0), (stamp + timedelta(seconds=1), 1, 0.41),
    ]  # fmt: skip
    with fleet.admin() as conn:
        conn.execute("ALTER TABLE device_metrics DROP CONSTRAINT device_metrics_device_id_fkey")
        for at, device, cpu in mad:
            conn.execute(
                "INSERT INTO device_metrics (timestamp, device_id, cpu_percent) VALUES (%s, %s, %s)",
                [at, device, cpu],
            )
    calm = clone(empty_template)
    small_fleet(calm)
    telemetry(calm, START, LEARNED + 10, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    learning.warm_up(calm, settings, until=NOW - MINUTE, now=NOW)
    summary = score(fleet, settings, NOW)
    assert summary is not None
    score(calm, settings, NOW)
    others = "SELECT device_id, at, score, status FROM ai_health_scores WHERE device_id > 1 ORDER BY 1, 2"
    with fleet.admin() as one, calm.admin() as other:
        assert one.execute(others).fetchall() == other.execute(others).fetchall()
    lost, twice = missing_and_double(fleet, NOW)
    rejected = sum(dict(summary.rejected).values())
    case.judge(
        lost=lost, twice=twice, of="6 device-minutes; the five others exactly as without it",
        told=f"{rejected} values refused, counted by reason in the artifact and the report",
    )  # fmt: skip


#: What the mail server does, in this order; then it is well.
MAD = ("refuse", "4xx", "4xx-data", "drop-before-data", "drop-in-body", "slow")


def test_the_mail_server_is_mad(database: Database, tmp_path: Path, case: Case) -> None:
    case.inject("mail", f"{', '.join(MAD)}, down: each while twelve mails wait")
    names = [f"m{number:02}" for number in range(12)]
    mail_helpers.queue(database, *(mail_helpers.mail(name) for name in names))
    now = mail_helpers.NOW
    with MailSink(tmp_path / "mails") as sink:
        for mode in MAD:
            sink.chaos[:] = [replace(MODES[mode], struck=0)]
            # Slow is slower than one waits; the others answer, however slow this machine is.
            patience = 0.5 if mode == "slow" else 30.0
            server = MailServer("127.0.0.1", sink.port, timeout=patience, answer_timeout=30.0)
            deliver_due(database, server, now=now, worker=mode)
            now += timedelta(hours=2)
        deliver_due(database, MailServer("127.0.0.1", 9), now=now, worker="down")
        assert mail_helpers.received(sink.directory) == {}
        sink.chaos.clear()
        server = mail_helpers.server(sink, timeout=30.0, answer_timeout=30.0)
        with case.healing():
            # Beyond every back-off, which has a random part.
            deliver_due(database, server, now=now + timedelta(days=1), worker="heir")
        deliver_due(database, server, now=now + timedelta(days=2), worker="heir")
        arrived = mail_helpers.received(sink.directory)
    # A body cut in its last packet was handed over as a whole: the one window again, on a slow machine.
    held = {name for name, state in mail_helpers.states(database).items() if state == "unknown"}
    lost = sum(arrived[f"<{name}@homepot.example>"] == 0 for name in set(names) - held)
    twice = sum(count > 1 for count in arrived.values())
    case.judge(
        lost=lost, twice=twice, held=len(held), of="12 mails",
        told="deliver: to retry, with the server's answer; outbox",
    )  # fmt: skip


def test_the_line_is_cut_after_data(database: Database, tmp_path: Path, case: Case) -> None:
    case.inject("mail", "connection lost after the whole mail was handed over: six reports, six alerts")
    reports, alerts = [f"r{n}" for n in range(6)], [f"a{n}" for n in range(6)]
    mail_helpers.queue(database, *(mail_helpers.mail(name) for name in reports))
    mail_helpers.queue(database, *(mail_helpers.mail(name, "alert") for name in alerts))
    now = mail_helpers.NOW
    with MailSink(tmp_path / "mails", chaos=[replace(MODES["drop-after-data"], struck=0)]) as sink:
        server = mail_helpers.server(sink, timeout=30.0, answer_timeout=30.0)
        for _ in range(12):  # after a cut the rest waits for the next run
            deliver_due(database, server, now=now, worker="victim")
            now += timedelta(minutes=30)
        sink.chaos.clear()
        with case.healing():
            deliver_due(database, server, now=now + timedelta(hours=4), worker="heir")
        arrived = mail_helpers.received(sink.directory)
    states = mail_helpers.states(database)
    lost = sum(arrived[f"<{name}@homepot.example>"] == 0 for name in (*reports, *alerts))
    again = sum(arrived[f"<{name}@homepot.example>"] > 1 for name in alerts)
    twice = sum(arrived[f"<{name}@homepot.example>"] > 1 for name in reports)
    held = sum(states[name] == "unknown" for name in reports)
    case.judge(
        lost=lost, twice=twice, of="12 mails", held=held + again,
        told="outbox: unknown, held until an operator decides; alerts again with the same Message-ID",
    )  # fmt: skip


def test_the_model_is_mad(settings: Settings, tmp_path: Path, case: Case) -> None:
    mad = sorted(
        set(BEHAVIOURS) - {"well", "invented", "injected", "prompt_cut", "no_think", "schema_needs_think"}
    )
    case.inject("model", f"Ollama {', '.join(mad)}, away")
    raised = 0
    outcomes = {}
    for how in mad:
        with OllamaServer(how) as server:
            model = ollama.Ollama(OllamaSettings(url=server.url), None, tmp_path / f"{how}.json")
            outcomes[how] = model.ask(probe.QUESTION, probe.Colour, deadline_s=0.6, wait_s=0).outcome
    away = ollama.Ollama(OllamaSettings(url="http://127.0.0.1:9"), None, tmp_path / "away.json")
    assert away.ask(probe.QUESTION, probe.Colour, deadline_s=0.6, wait_s=0).outcome is Outcome.UNREACHABLE
    assert {how for how, outcome in outcomes.items() if outcome is Outcome.OK} <= {"only_text"}
    with case.healing(), OllamaServer("well") as server:
        model = ollama.Ollama(OllamaSettings(url=server.url), None, tmp_path / "well.json")
        assert model.ask(probe.QUESTION, probe.Colour, deadline_s=30, wait_s=0).outcome is Outcome.OK
    case.judge(
        lost=raised, twice=0, of=f"{len(mad) + 1} answers: none raised, each had its name in time",
        told="the template's words; check-services, `homepot-ai models`",
    )  # fmt: skip


def test_an_empty_fleet_and_a_fleet_of_one(database: Database, settings: Settings, case: Case) -> None:
    case.inject("telemetry", "no device at all, then one, then none again")
    learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW)
    empty = score(database, settings, NOW)
    assert empty is not None
    assert empty.devices == 0
    small_fleet(database, devices=1)
    telemetry(database, NOW + MINUTE, 3, [1], cpu_percent=wave(40), memory_percent=wave(55))
    for minute in (1, 2, 3):
        score(database, settings, NOW + minute * MINUTE)
    with database.admin() as conn:
        conn.execute("UPDATE devices SET is_active = false, lifecycle_state = 'retired'")
    gone = score(database, settings, NOW + 4 * MINUTE)
    assert gone is not None
    assert gone.devices == 0
    with database.admin() as conn:
        found = conn.execute(
            "SELECT count(*), count(DISTINCT (device_id, at)) FROM ai_health_scores WHERE device_id = 1"
        ).fetchone()
        minutes = conn.execute("SELECT count(*) FROM ai_scoring_minutes WHERE at >= %s", [NOW]).fetchone()
    assert found is not None
    assert minutes == (5,)
    case.judge(
        lost=3 - found[1], twice=found[0] - found[1], of="3 device-minutes, 5 minutes", told="artifact"
    )
