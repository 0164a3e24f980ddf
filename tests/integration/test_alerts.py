"""From incident rows to mails in the outbox, in a real PostgreSQL; delivered to a real SMTP server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import psycopg
import pytest

from homepot_ai.alerts import rules, rules_page
from homepot_ai.alerts.queue import queue_alerts
from homepot_ai.alerts.review import review
from homepot_ai.alerts.rules import NewRoute
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.reporting.smtp import deliver_due
from homepot_ai.settings import Settings
from homepot_ai.store import people
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests import incident_rows_alert as world
from tests.incident_rows_alert import NOW
from tests.mail_helpers import server
from tests.support import small_fleet

MINUTE = timedelta(minutes=1)


@pytest.fixture
def fleet(database: Database) -> Database:
    """A site in Berlin with six devices, and a route to Ann."""
    small_fleet(database)
    world.route(database, "ann", "ann@example.org")
    return database


def queue(db: Database, settings: Settings, minutes: float = 0) -> int:
    return queue_alerts(db, settings, now=NOW + minutes * MINUTE).queued


def scalar(db: Database, query: str) -> object:
    with db.admin() as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_the_life_of_an_incident_is_one_thread(fleet: Database, settings: Settings) -> None:
    world.route(fleet, "boss", "boss@example.org", after_minutes=15)
    number = world.opened(fleet)
    assert queue(fleet, settings) == 1
    world.worsened(fleet, number, NOW + MINUTE)
    assert queue(fleet, settings, 1) == 1
    assert queue(fleet, settings, 20) == 1
    world.investigated(fleet, number, NOW + 21 * MINUTE)
    assert queue(fleet, settings, 21) == 2
    world.acknowledged(fleet, number, NOW + 22 * MINUTE)
    assert queue(fleet, settings, 22) == 2
    world.closed(fleet, number, NOW + 42 * MINUTE)
    assert queue(fleet, settings, 42) == 2
    what = "Checkout 3: CPU and network latency high (Berlin) - incident 1"
    assert world.subjects(fleet) == [
        ("ann@example.org", f"Warning: {what}"),
        ("ann@example.org", f"Worse, now critical: {what}"),
        ("boss@example.org", f"Nobody has acknowledged, critical: {what}"),
        ("ann@example.org", f"What helped before: {what}"),
        ("boss@example.org", f"What helped before: {what}"),
        ("ann@example.org", f"Acknowledged by Ann: {what}"),
        ("boss@example.org", f"Acknowledged by Ann: {what}"),
        ("ann@example.org", f"Recovered after 1 h: {what}"),
        ("boss@example.org", f"Recovered after 1 h: {what}"),
    ]
    mine = [mail for mail in world.mails(fleet) if mail["To"] == "ann@example.org"]
    root = mine[0]["Message-ID"]
    assert {str(mail["References"]).split()[0] for mail in mine[1:]} == {root}
    assert [mail["In-Reply-To"] for mail in mine[1:]] == [mail["Message-ID"] for mail in mine[:-1]]
    assert scalar(fleet, "SELECT count(*) FROM ai_incident_events WHERE alerted_at IS NULL") == 0


def test_the_same_moment_again_tells_nothing_twice(fleet: Database, settings: Settings) -> None:
    world.opened(fleet)
    assert [queue(fleet, settings) for _ in range(3)] == [1, 0, 0]
    # Even if the record of what was told were lost, the outbox's key holds.
    with fleet.admin() as conn:
        conn.execute("DELETE FROM ai_alert_messages")
        conn.execute("UPDATE ai_incident_events SET alerted_at = NULL")
    assert queue(fleet, settings) == 0
    assert len(world.mails(fleet)) == 1


def test_two_runs_at_once_tell_once(fleet: Database, settings: Settings) -> None:
    for _ in range(4):
        world.opened(fleet)
    sums: list[int] = []
    threads = [threading.Thread(target=lambda: sums.append(queue(fleet, settings))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sums) == [0, 0, 0, 4]


def test_it_is_all_or_nothing(fleet: Database, settings: Settings) -> None:
    world.opened(fleet)
    with fleet.admin() as conn:
        conn.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no room'; END $$; "
            "CREATE TRIGGER refuse BEFORE UPDATE ON ai_incident_events "
            "FOR EACH ROW EXECUTE FUNCTION refuse();"
        )
    with pytest.raises(psycopg.Error):
        queue(fleet, settings)
    assert (world.mails(fleet), world.told(fleet)) == ([], [])
    with fleet.admin() as conn:
        conn.execute("DROP TRIGGER refuse ON ai_incident_events")
    assert queue(fleet, settings) == 1


RUN = """
import sys
from datetime import datetime
from homepot_ai.alerts.queue import queue_alerts
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
queue_alerts(Database(sys.argv[1]), Settings(), now=datetime.fromisoformat(sys.argv[2]))
"""


@pytest.mark.slow
def test_killed_while_it_queues_nothing_is_lost_and_nothing_told_twice(
    fleet: Database, settings: Settings
) -> None:
    for _ in range(3):
        world.opened(fleet)
    # Whoever takes events out of the queue last of all waits for this lock, with everything else written.
    with psycopg.connect(fleet.url, application_name="observer") as conn:
        conn.execute(f"SELECT id FROM {fleet.schema}.ai_incident_events FOR UPDATE")
        process = subprocess.Popen([sys.executable, "-c", RUN, fleet.url, NOW.isoformat()])
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'homepot-ai' AND wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + 30
        while scalar(fleet, waiting) == 0:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.wait()
        with psycopg.connect(fleet.url, autocommit=True, application_name="observer") as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'homepot-ai' AND wait_event_type = 'Lock'"
            )
        conn.rollback()
    assert (world.mails(fleet), world.told(fleet)) == ([], [])
    assert [queue(fleet, settings), queue(fleet, settings)] == [3, 0]


def test_nothing_to_do_costs_next_to_nothing(fleet: Database, settings: Settings) -> None:
    queue(fleet, settings)
    begun = time.perf_counter()
    for _ in range(20):
        queue(fleet, settings)
    assert (time.perf_counter() - begun) / 20 < 0.05


def test_silence_release_and_a_close_that_gets_through(fleet: Database, settings: Settings) -> None:
    number = world.opened(fleet)
    world.suppress(fleet, number)
    assert queue(fleet, settings) == 0
    world.worsened(fleet, number, NOW + MINUTE)
    assert queue(fleet, settings, 1) == 0
    world.release(fleet, number, NOW + 60 * MINUTE)
    assert queue(fleet, settings, 60) == 1
    world.suppress(fleet, number, "snooze", NOW + 70 * MINUTE)
    world.closed(fleet, number, NOW + 80 * MINUTE)
    assert queue(fleet, settings, 80) == 1
    assert [subject.partition(":")[0] for _, subject in world.subjects(fleet)] == [
        "Critical, still there after its silence",
        "Recovered after 1 h 38 min",
    ]


def test_one_notice_of_flapping_for_all_its_returns(fleet: Database, settings: Settings) -> None:
    for n in range(3):
        number = world.opened(fleet, at=NOW + n * MINUTE)
        world.change(fleet, number, fingerprint="the same")
        world.event(fleet, number, "suppressed", details={"why": "flapping", "until": None})
        world.suppress(fleet, number, "flapping")
        world.event(fleet, number, "flapping", details={"flips": 4 + n, "hours": 24})
        assert queue(fleet, settings, n) == (1 if n == 0 else 0)
        world.release(fleet, number, NOW + n * MINUTE, "recovered")
        world.change(fleet, number, state="closed", closed_at=NOW + n * MINUTE, closed_by="rule")
        with fleet.admin() as conn:
            conn.execute("UPDATE ai_incident_events SET alerted_at = now()")
    assert [subject.partition(":")[0] for _, subject in world.subjects(fleet)] == ["Flapping"]


def test_people_hear_only_of_sites_that_homepot_lets_them_see(fleet: Database, settings: Settings) -> None:
    with fleet.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "VALUES (2, 'SITE-2', 'Bern', true, 'active')"
        )
    world.person(fleet, "Ann@Example.org", sites=[2])
    world.person(fleet, "ben@example.org", sites=[1])
    world.person(fleet, "root@example.org", admin=True)
    world.person(fleet, "gone@example.org", sites=[1], active=False)
    for name in ("ben", "root", "gone", "team"):
        world.route(fleet, name, f"{name}@example.org")
    world.opened(fleet)
    assert queue(fleet, settings) == 3
    assert [to for to, _ in world.subjects(fleet)] == [
        "ben@example.org",
        "root@example.org",
        "team@example.org",
    ]


def test_our_roles_cannot_read_anybody_s_password(fleet: Database) -> None:
    with fleet.reader() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT hashed_password FROM users")


def test_subscriptions_are_read_as_routes(database: Database, settings: Settings) -> None:
    small_fleet(database)
    with database.writer() as conn:
        for email, kind in (
            ("a@example.org", "alert"),
            ("i@example.org", "incident"),
            ("d@example.org", "daily"),
        ):
            people.subscribe(
                conn, email, people.Wanted(kind=kind, scope="site", scope_id=1), actor="test", now=NOW
            )
    number = world.opened(database)
    queue(database, settings)
    world.acknowledged(database, number, NOW + MINUTE)
    queue(database, settings, 1)
    assert [(to, subject.partition(":")[0]) for to, subject in world.subjects(database)] == [
        ("a@example.org", "Warning"),
        ("i@example.org", "Warning"),
        ("i@example.org", "Acknowledged by Ann"),
    ]


def test_what_waits_for_hours_comes_as_one_digest(database: Database, settings: Settings) -> None:
    small_fleet(database)
    # 12:00-18:00 in Berlin is 11:00-17:00 UTC; it is 09:30 UTC.
    world.route(
        database, "noon", "ann@example.org", local_from="12:00", local_to="18:00", timezone="Europe/Berlin"
    )
    first, _ = world.opened(database), world.opened(database, title="Checkout 4: memory high", device=4)
    assert queue(database, settings) == 0
    world.closed(database, first, NOW + 30 * MINUTE)
    assert [queue(database, settings, at) for at in (30, 89)] == [0, 0]
    assert [queue(database, settings, at) for at in (90, 91)] == [1, 0]
    assert world.subjects(database) == [("ann@example.org", "2 incidents, 1 still open (Berlin)")]
    assert {row[2] for row in world.told(database)} == {"told"}
    # What began in a digest goes on in its thread.
    world.closed(database, first + 1, NOW + 100 * MINUTE)
    assert queue(database, settings, 100) == 1
    digest, last = world.mails(database)
    assert last["In-Reply-To"] == digest["Message-ID"]


def test_over_budget_waits_for_the_next_digest_and_is_listed(fleet: Database) -> None:
    settings = Settings(alerts={"budget_per_day": 2})
    for n in range(4):
        world.opened(fleet, title=f"Checkout {n}: CPU high", at=NOW + n * MINUTE)
        queue(fleet, settings, n)
    world.opened(fleet, title="Checkout 9: down", severity="critical", at=NOW + 4 * MINUTE)
    assert queue(fleet, settings, 4) == 1
    suppressed = (
        "SELECT array_agg(incident_id ORDER BY 1) FROM ai_suppressed "
        "WHERE why = 'budget' AND ended_at IS NULL"
    )
    assert scalar(fleet, suppressed) == [3, 4]
    world.closed(fleet, 3, NOW + 20 * MINUTE)
    assert queue(fleet, settings, 20) == 0
    # The next digest at the site: 12:00 in Berlin, 11:00 UTC.
    assert [queue(fleet, settings, at) for at in (89, 90, 91)] == [0, 1, 0]
    assert world.subjects(fleet)[-1] == ("ann@example.org", "2 incidents, 1 still open (Berlin)")
    assert scalar(fleet, suppressed) is None
    assert scalar(fleet, "SELECT array_agg(outcome ORDER BY incident_id) FROM ai_suppressed") == [
        "recovered",
        "told_after",
    ]
    # A site may have its own budget.
    with fleet.admin() as conn:
        conn.execute("UPDATE ai_site_settings SET alert_budget_per_day = 50")
    world.opened(fleet, title="Checkout 5: CPU high", at=NOW + 95 * MINUTE)
    assert queue(fleet, settings, 95) == 1


def test_the_review_counts_pages_names_the_noise_and_lists_what_was_silenced(
    fleet: Database,
) -> None:
    settings = Settings(alerts={"budget_per_day": 3})
    for n in range(4):
        number = world.opened(fleet, title=f"Checkout {n} | CPU high", at=NOW + n * MINUTE)
        queue(fleet, settings, n)
        world.change(fleet, number, mark=n == 0)
        world.closed(fleet, number, NOW + (n + 0.5) * MINUTE)
        queue(fleet, settings, n + 0.5)
    silenced = world.opened(fleet, title="Sensor 1: silent", cause="silent", device_type="iot_sensor")
    world.suppress(fleet, silenced)
    elsewhere = world.opened(fleet, title="nobody hears", told=False, at=NOW + 5 * MINUTE)
    world.opened(fleet, title="for information", severity="info", at=NOW + 5 * MINUTE)
    queue(fleet, settings, 6)
    found = review(fleet, settings, now=NOW + 10 * MINUTE, days=7)
    [day] = found.site_days
    assert (day.site, day.pages, day.critical, day.incidents, day.held, day.budget) == (
        "Berlin",
        3,
        0,
        3,
        1,
        3.0,
    )
    [noise] = found.noisiest
    assert (noise.device_type, noise.cause, noise.pages, noise.passed) == (
        "pos_terminal",
        "cpu_percent.high",
        3,
        3,
    )
    page = found.markdown()
    assert "| pos_terminal | cpu_percent.high | 3 | 3 | 2 of 3 (67%) | 3 |" in page
    assert f"| {elsewhere} | nobody hears | warning |" in page
    assert "| maintenance window | 1 | 1 | 0 | 0 | 0 |" in page
    assert f"- incident {silenced}, Sensor 1: silent: maintenance window, until 2026-11-18 11:30 UTC" in page
    assert (
        found.headline == "3 pages in 7 days, 1 site days at or over budget; 1 incidents were told to nobody"
    )
    empty = review(fleet, settings, now=NOW - timedelta(days=30), days=7)
    assert empty.headline == "0 pages in 7 days, within budget"


class TestRoutes:
    def add(self, db: Database, settings: Settings, **wanted: str | int) -> str:
        return rules_page.act(db, settings, "add", NewRoute(**wanted), by="test", now=NOW)  # type: ignore[arg-type]

    def test_added_listed_tested_and_removed(self, database: Database) -> None:
        small_fleet(database)
        settings = Settings(alerts={"channels": {"ops": "json://127.0.0.1:9/secret-path"}})
        self.add(
            database, settings, name="Night", to="ops", site="Berlin", severity="critical", days="fri-mon",
            hours="22:00-06:00", outside="skip", after_minutes=20, device_types="gateway, pos_terminal",
        )  # fmt: skip
        assert self.add(database, settings, name="Day", to="Ann@Example.org", renotify_minutes=60) == (
            "route 2 (Day) is in force"
        )
        page = rules_page.page(database, settings, "listed")
        assert "| 2 | Day | ann@example.org | every site | warning | always | again every 60 min |" in page
        assert (
            "| 1 | Night | channel ops | Berlin, gateway, pos_terminal | critical | "
            "mon,fri,sat,sun 22:00-06:00 Europe/Berlin, else not told | escalation after 20 min |" in page
        )
        assert "secret" not in page
        for route in ("Night", "2"):
            rules_page.act(database, settings, "test", NewRoute(name=route, to=""), by="test", now=NOW)
        assert world.channel_titles(database) == [("ops", "Test of the alert route “Night”")]
        assert world.subjects(database) == [("ann@example.org", "Test of the alert route “Day”")]
        rules_page.act(database, settings, "remove", NewRoute(name="Night", to=""), by="test", now=NOW)
        assert "Night" not in rules_page.page(database, settings, "")
        # Its name is free again, and what was done is in the audit log.
        self.add(database, settings, name="Night", to="ops")
        assert scalar(database, "SELECT count(*) FROM ai_audit_log WHERE purpose = 'alert routing'") == 4

    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            ({"name": ""}, "which route"),
            ({"to": "nobody"}, "neither a mail address nor a channel"),
            ({"to": "a@b@c"}, "no mail address"),
            ({"to": "x@example.org\nBcc: y@example.org"}, "no mail address"),
            ({"site": "Berln"}, "Berlin"),
            ({"severity": "loud"}, "no severity"),
            ({"kinds": "opened,shouted"}, "'shouted' is no kind"),
            ({"days": "mon-fry"}, "no days"),
            ({"hours": "8-18"}, "08:00-18:00"),
            ({"hours": "25:00-06:00"}, "no hours"),
            ({"hours": "08:00-18:00", "timezone": "Mars/Olympus"}, "no IANA time zone"),
            ({"after_minutes": -1}, "10080"),
            ({"renotify_minutes": 2}, "5 to 10080"),
        ],
    )
    def test_what_cannot_be_understood_is_refused_with_what_to_write(
        self, database: Database, settings: Settings, wanted: dict[str, str | int], said: str
    ) -> None:
        small_fleet(database)
        with pytest.raises((SettingsError, NotFound), match=said):
            self.add(database, settings, **{"name": "r", "to": "ann@example.org", **wanted})
        assert scalar(database, "SELECT count(*) FROM ai_alert_routes") == 0

    def test_a_name_is_taken_once_and_an_unknown_one_is_answered(
        self, fleet: Database, settings: Settings
    ) -> None:
        with pytest.raises(SettingsError, match="already"):
            self.add(fleet, settings, name="ann", to="x@example.org")
        with fleet.reader() as conn, pytest.raises(NotFound, match=r"1 \(ann\)"):
            rules.find(conn, "nan")


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mails") as running:
        yield running


@pytest.mark.slow
def test_an_address_that_is_none_costs_the_others_nothing_and_the_thread_arrives(
    fleet: Database, settings: Settings, sink: MailSink
) -> None:
    world.route(fleet, "broken", "ann@@example.org")
    number = world.opened(fleet, title="POS 7\r\nBcc: all@example.org")
    summary = queue_alerts(fleet, settings, now=NOW)
    assert (summary.queued, len(summary.failed)) == (1, 1)
    assert "no mail address" in summary.markdown()
    world.closed(fleet, number, NOW + MINUTE)
    queue(fleet, settings, 1)
    assert deliver_due(fleet, server(sink), now=NOW + 2 * MINUTE, worker="w").sent == 2
    arrived = [message_from_bytes(path.read_bytes()) for path in sorted(sink.directory.glob("*.eml"))]
    assert [mail["Bcc"] for mail in arrived] == [None, None]
    assert arrived[1]["In-Reply-To"] == arrived[0]["Message-ID"]
    assert all("\n" not in mail["Subject"] for mail in arrived)
