"""Each flow against a real database, a real Prefect server and a real mail server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prefect.artifacts import Artifact

from flows.health import score_health
from flows.mail import deliver
from flows.marks import mark
from flows.reports import daily_report
from flows.sample import replay_sample
from flows.services import check_services
from flows.upkeep import apply_retention, clean_event_cache, export_training_data, prune_runs
from homepot_ai.errors import MarkError, NotFound, SettingsError
from homepot_ai.health import learning
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.store import locks
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests.flows.conftest import Connect, artifact, rows, run
from tests.support import small_fleet, telemetry, wave

pytestmark = pytest.mark.slow

DEVICES = [1, 2, 3]


@pytest.fixture
def fleet(database: Database) -> Database:
    """Three devices that reported every minute of the last two hours."""
    minutes = 120
    small_fleet(database, devices=len(DEVICES))
    last = datetime.now(UTC).replace(second=0, microsecond=0)
    first = last - timedelta(minutes=minutes - 1)
    telemetry(database, first, minutes, DEVICES, cpu_percent=wave(30), memory_percent=wave(55))
    return database


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mail", host="127.0.0.1", port=0) as listening:
        yield listening


def subscribe(database: Database, *recipients: str) -> None:
    with database.admin() as conn:
        for recipient in recipients:
            conn.execute(
                "INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active) "
                "VALUES (%s, 'daily', 'site', 1, 'maintenance', true)",
                [recipient],
            )


class TestScoreHealth:
    def test_the_first_run_of_a_fleet(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        state = run(score_health)
        assert state.name == "Completed", state.message
        assert "docs/runbooks" not in artifact("score-health"), "the failure hook's page"
        assert rows(fleet, "SELECT DISTINCT device_id FROM ai_health_scores ORDER BY 1") == [(1,), (2,), (3,)]

    def test_a_past_minute_again_gives_the_same_rows(self, fleet: Database, connect: Connect) -> None:
        settings = connect(fleet)
        last = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        learning.backfill(fleet, settings, last - timedelta(minutes=90), last)
        # States are kept at full hours: this minute is stepped from one of them, and is past in any case.
        minute = (last - timedelta(minutes=2)).replace(minute=0) + timedelta(minutes=1)
        everything = "SELECT * FROM ai_health_scores ORDER BY device_id, at"
        live = "SELECT shard, at, version, checksum FROM ai_baselines WHERE kind = 'live' ORDER BY part"
        before, state_before = rows(fleet, everything), rows(fleet, live)
        for _ in range(2):
            state = run(score_health, at=minute)
            assert state.name == "Completed", state.message
            assert rows(fleet, everything) == before
            assert rows(fleet, live) == state_before

    def test_a_minute_scored_already_is_skipped_with_a_reason(
        self, fleet: Database, connect: Connect
    ) -> None:
        connect(fleet)
        states = [run(score_health), run(score_health), run(score_health)]
        # At most one minute can begin between two of them.
        skipped = [state for state in states if state.name == "Skipped"]
        assert skipped
        assert skipped[0].message is not None
        assert "scored already" in skipped[0].message
        assert all(state.is_completed() for state in states)

    def test_a_run_that_finds_its_shard_busy_leaves_the_work(self, fleet: Database, connect: Connect) -> None:
        settings = connect(fleet)
        minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        learning.backfill(fleet, settings, minute - timedelta(minutes=90), minute)
        before = rows(fleet, "SELECT at, version FROM ai_baselines WHERE kind = 'live' AND part = -1")
        with locks.shard(fleet, 0) as mine:
            assert mine
            state = run(score_health)
            assert state.name == "Skipped"
            assert state.message == (
                "another run is scoring shard 0 at this moment: its result is the one wanted"
            )
            # A past minute moves nothing: it need not wait.
            past = (minute - timedelta(minutes=2)).replace(minute=0) + timedelta(minutes=1)
            assert run(score_health, at=past).name == "Completed"
        assert rows(fleet, "SELECT at, version FROM ai_baselines WHERE kind = 'live' AND part = -1") == before
        assert run(score_health).name == "Completed"

    def test_shards_have_pages_of_their_own_and_one_runbook(self, fleet: Database, connect: Connect) -> None:
        connect(fleet, SCORING__SHARDS="3")
        for shard in range(3):
            assert run(score_health, shard=shard).name == "Completed"
        assert rows(fleet, "SELECT DISTINCT device_id FROM ai_health_scores ORDER BY 1") == [(1,), (2,), (3,)]
        for number in (1, 2, 3):
            assert "attention" in artifact(f"score-health-{number}")
        state = run(score_health, shard=5)
        assert state.is_failed()
        page = artifact("score-health-6")
        assert "there is no shard 5: scoring.shards is 3" in page
        assert "docs/runbooks/score-health.md" in page

    def test_without_tables_it_fails_and_names_what_to_do(
        self, raw_homepot_dump: Database, connect: Connect
    ) -> None:
        connect(raw_homepot_dump)
        state = run(score_health)
        assert state.is_failed()
        assert "homepot-ai db upgrade" in (state.message or "")
        page = artifact("score-health")
        assert page.startswith("# score-health: Failed")
        assert "docs/runbooks/score-health.md" in page


class TestDailyReport:
    def test_made_mailed_and_replayed(self, fleet: Database, connect: Connect, sink: MailSink) -> None:
        connect(fleet, MAIL__PORT=str(sink.port))
        subscribe(fleet, "ann@example.org", "bob@example.org")
        made = run(daily_report, timezone="Europe/Berlin")
        assert made.name == "Completed", made.message
        assert made.message == "1 reports made, 0 replayed, 2 mails queued"
        # Without deployments there is nobody to wake: the sender ran here.
        assert sorted(mail.recipient for mail in list_mails(sink.directory)) == [
            "ann@example.org",
            "bob@example.org",
        ]
        replayed = run(daily_report, timezone="Europe/Berlin")
        assert replayed.message == "0 reports made, 1 replayed, 0 mails queued"
        assert len(list_mails(sink.directory)) == 2

    def test_one_site_in_trouble_does_not_cost_the_others_their_report(
        self, fleet: Database, connect: Connect, sink: MailSink
    ) -> None:
        connect(fleet, MAIL__PORT=str(sink.port), REPORTS__TIMEZONE="Europe/Berlin")
        subscribe(fleet, "ann@example.org")
        with fleet.admin() as conn:
            conn.execute(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no room for the fleet'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON ai_reports
                FOR EACH ROW WHEN (NEW.site_id IS NULL) EXECUTE FUNCTION refuse();
                """
            )
        state = run(daily_report)
        assert state.is_failed()
        assert state.message.startswith("1 of 2 reports failed: fleet: ")
        assert "no room for the fleet" in state.message
        assert [mail.recipient for mail in list_mails(sink.directory)] == ["ann@example.org"]

    def test_a_site_by_name_on_a_day_that_was(
        self, fleet: Database, connect: Connect, sink: MailSink
    ) -> None:
        connect(fleet, MAIL__PORT=str(sink.port))
        day = datetime.now(UTC).date() - timedelta(days=3)
        state = run(daily_report, site="Berlin", day=day)
        assert state.name == "Completed", state.message
        [(start, zone)] = rows(fleet, "SELECT period_start, timezone FROM ai_reports")
        assert zone == "Europe/Berlin"
        assert start.astimezone(ZoneInfo(zone)).date() == day

    def test_an_unknown_site_is_named(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        state = run(daily_report, site="Berln")
        with pytest.raises(NotFound, match="Berln"):
            state.result()

    def test_a_zone_without_sites_is_skipped(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        assert run(daily_report, timezone="Asia/Tokyo").name == "Skipped"


class TestDeliver:
    def test_a_mail_server_that_is_down_loses_nothing(self, fleet: Database, connect: Connect) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
            connect(fleet, MAIL__PORT=str(taken.getsockname()[1]))
            subscribe(fleet, "ann@example.org")
            report = run(daily_report, timezone="Europe/Berlin")
            assert report.name == "Completed", report.message
        assert rows(fleet, "SELECT state::text FROM ai_mail_outbox") == [("queued",)]

    def test_a_later_moment_shortens_the_back_off(
        self, fleet: Database, connect: Connect, sink: MailSink
    ) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            connect(fleet, MAIL__PORT=str(taken.getsockname()[1]))
            subscribe(fleet, "ann@example.org")
            run(daily_report, timezone="Europe/Berlin")
        connect(fleet, MAIL__PORT=str(sink.port))
        state = run(deliver, at=datetime.now(UTC) + timedelta(hours=12))
        assert (state.message or "").startswith("1 sent")
        assert len(list_mails(sink.directory)) == 1
        assert "sent" in artifact("deliver")


class TestMark:
    @pytest.fixture
    def logged(self, fleet: Database) -> Database:
        """Five anomalies that evidence opened, a minute apart."""
        with fleet.admin() as conn:
            conn.execute(
                "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
                "severity, metric, observed, expected_high, strength, opened_by) "
                "SELECT 1, 'closed', '[]', now(), now() - n * interval '2 hours', "
                "now() - n * interval '2 hours' + interval '20 minutes', 'warning', 'cpu_percent', 97, 40, "
                "0.9, 'evidence' FROM generate_series(1, 5) n"
            )
        return fleet

    def test_marked_moved_and_withdrawn(self, logged: Database, connect: Connect) -> None:
        connect(logged)
        for number in (1, 2):
            assert run(mark, anomaly=number, verdict="false", by="Ann").message == (
                f"anomaly {number} marked false"
            )
        third = run(mark, anomaly=3, verdict="false", by="Ann", comment="backup | <b>running</b>")
        assert third.message == "anomaly 3 marked false; threshold of pos_terminal +0.00 → +0.16 decades"
        page = artifact("mark")
        assert "**+0.00 → +0.16 decades**, because 3 of 3 marked anomalies were false" in page
        assert "CPU 97.0 %, expected at most 40.0 %" in page
        assert "judged by Ann: backup / ‹b>running‹/b>" in page
        again = run(mark, anomaly=3, verdict="false")
        assert again.message == "anomaly 3 was marked false already: nothing written"
        assert "stays (+0.16 decades)" in artifact("mark")
        back = run(mark, anomaly=3, verdict="withdrawn")
        assert (back.message or "").endswith("+0.16 → +0.00 decades")
        assert rows(logged, "SELECT count(*) FROM ai_anomaly_marks") == [(4,)]

    def test_by_device_and_moment_and_reset(self, logged: Database, connect: Connect) -> None:
        connect(logged)
        for hours in (2, 4, 6):
            at = datetime.now(UTC) - timedelta(hours=hours) + timedelta(minutes=5)
            assert run(mark, device="Checkout 1", at=at, verdict="false").is_completed()
        assert rows(logged, "SELECT array_agg(anomaly_id ORDER BY id) FROM ai_anomaly_marks") == [
            ([1, 2, 3],)
        ]
        assert (
            run(mark, reset_threshold="pos_terminal", by="Ann").message == "threshold of pos_terminal reset"
        )
        assert "| pos_terminal | not moved |" in artifact("mark")

    def test_a_verdict_beside_a_reset_is_refused(self, logged: Database, connect: Connect) -> None:
        connect(logged)
        state = run(mark, anomaly=1, verdict="true", reset_threshold="pos_terminal")
        assert state.is_failed()
        assert "nothing was written" in str(state.message)
        assert rows(logged, "SELECT count(*) FROM ai_anomaly_marks") == [(0,)]

    def test_with_nothing_filled_in_it_lists_what_can_be_marked(
        self, logged: Database, connect: Connect
    ) -> None:
        connect(logged)
        state = run(mark)
        assert state.message == "nothing marked: no anomaly was named"
        assert "| 5 | Checkout 1 |" in artifact("mark")
        assert "Every alarm threshold is as designed." in artifact("mark")

    def test_what_is_not_there_is_answered_with_what_is(self, logged: Database, connect: Connect) -> None:
        connect(logged)
        state = run(mark, anomaly=77, verdict="true")
        assert state.is_failed()
        with pytest.raises(NotFound, match=r"no anomaly '77'; did you mean: 1 \(Checkout 1, "):
            state.result()
        with pytest.raises(MarkError, match="true or false"):
            run(mark, anomaly=3).result()
        assert rows(logged, "SELECT count(*) FROM ai_anomaly_marks") == [(0,)]


class TestUpkeep:
    def test_what_is_down_is_shown_and_the_run_is_green(self, fleet: Database, connect: Connect) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            connect(fleet, MAIL__PORT=str(taken.getsockname()[1]))
            state = run(check_services)
        assert state.name == "Completed"
        assert "mail down" in (state.message or "")
        page = artifact("check-services")
        assert "services need attention" in page.splitlines()[0]
        assert rows(fleet, "SELECT state FROM ai_service_checks WHERE service = 'mail'") == [("down",)]

    def test_a_dry_run_removes_nothing(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        with fleet.admin() as conn:
            conn.execute(
                "INSERT INTO ai_event_cache (device_id, at, kind, key, summary, details, expires_at) "
                "VALUES (1, now() - interval '9 days', 'anomaly', 'k', 's', '{}', now() - interval '2 days')"
            )
        count = "SELECT count(*) FROM ai_event_cache"
        assert run(clean_event_cache).message == "counted only (dry run)"
        assert rows(fleet, count) == [(1,)]
        assert run(clean_event_cache, dry_run=False).message == "cleaned"
        assert rows(fleet, count) == [(0,)]

    def test_retention_drops_a_day_that_is_past(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        assert run(score_health).is_completed()
        later = datetime.now(UTC) + timedelta(days=30)
        partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ai_health_scores'::regclass"
        before = rows(fleet, partitions)
        assert run(apply_retention, at=later).message == "listed only (dry run)"
        assert rows(fleet, partitions) == before
        assert run(apply_retention, at=later, dry_run=False).message == "applied"
        assert rows(fleet, "SELECT count(*) FROM ai_health_scores") == [(0,)]

    def test_what_cannot_be_archived_fails_the_run_and_names_the_part(
        self, fleet: Database, connect: Connect
    ) -> None:
        settings = connect(fleet, ALERTS__RUNBOOK_URL="https://docs.example.org/")
        old = datetime.now(UTC) - timedelta(days=500)
        with fleet.admin() as conn:
            conn.execute(
                "INSERT INTO ai_audit_log (at, actor, action, subject) VALUES (%s, 'a', 'b', 'c')", [old]
            )
        blocked = settings.var_dir / "archive" / "audit-log"
        blocked.parent.mkdir(parents=True)
        blocked.write_text("in the way")
        state = run(apply_retention, dry_run=False)
        assert state.is_failed()
        assert "audit: the archive" in str(state.message)
        found = Artifact.get("apply-retention")
        assert found is not None
        assert "https://docs.example.org/runbooks/apply-retention.md" in str(found.description)
        blocked.unlink()
        assert run(apply_retention, dry_run=False).message == "applied"
        assert "audit log of" in artifact("apply-retention")

    def test_training_data_are_counted_then_written(self, fleet: Database, connect: Connect) -> None:
        settings = connect(fleet)
        counted = run(export_training_data)
        assert str(counted.message).endswith("(dry run)")
        assert not (settings.var_dir / "training").exists()
        written = run(export_training_data, dry_run=False)
        assert str(written.message).startswith("0 examples of ")
        assert (settings.var_dir / "training" / "manifest.json").is_file()
        assert "incidents-" in artifact("export-training-data")

    def test_old_runs_go_and_young_ones_stay(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        run(clean_event_cache)
        assert run(prune_runs, dry_run=False).message == "0 runs removed"
        later = datetime.now(UTC) + timedelta(days=8)
        planned = run(prune_runs, at=later).message or ""
        assert int(planned.split()[0]) >= 2
        removed = run(prune_runs, at=later, dry_run=False).message or ""
        assert int(removed.split()[0]) >= int(planned.split()[0])
        assert run(prune_runs, at=later).message == "1 runs would go (dry run)"

    def test_replay_refuses_outside_the_demo(self, fleet: Database, connect: Connect) -> None:
        connect(fleet)
        state = run(replay_sample)
        with pytest.raises(SettingsError, match="demo profile only"):
            state.result()
