"""Who is told of what is wrong with ourselves: by a run that fails, by the check of all services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from flows.health import score_health
from flows.marks import mark
from flows.services import check_services
from homepot_ai.schedules import Schedule
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from homepot_ai.watch import alarms
from tasks.runs import judge, judge_runs
from tests.flows.conftest import Connect, artifact, rows, run

pytestmark = pytest.mark.slow
OPS = '["ops@homepot.example"]'
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mail") as running:
        yield running


def subjects(folder: Path) -> Counter[str]:
    found = (message_from_bytes(file.read_bytes(), policy=policy.default) for file in folder.glob("*.eml"))
    return Counter(str(mail["Subject"]) for mail in found)


def test_a_failed_run_is_told_once_with_its_runbook(database: Database, connect: Connect) -> None:
    connect(database, WATCH__MAIL_TO=OPS)
    for _ in range(2):
        assert run(mark, anomaly=77, verdict="true").is_failed()
    assert rows(database, "SELECT key, count, runbook FROM ai_watch_alarms") == [("run mark", 2, "mark")]
    [(subject, payload)] = rows(database, "SELECT subject, payload FROM ai_mail_outbox")
    assert subject == "[HOMEPOT] ▲ mark failed"
    text = message_from_bytes(bytes(payload), policy=policy.default).get_body(("plain",)).get_content()
    assert "docs/runbooks/mark.md" in text
    assert "no anomaly '77'" in " ".join(text.split())


def test_the_check_tells_and_tells_again_when_it_is_well(
    database: Database, connect: Connect, sink: MailSink, tmp_path: Path
) -> None:
    told = {"WATCH__MAIL_TO": OPS, "MAIL__PORT": str(sink.port)}
    connect(database, **told)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO ai_backups (name, started_at, finished_at, outcome, detail) "
            "VALUES ('b', now(), now() - interval '40 hours', 'failed', 'the disk was full')"
        )
    assert "backup" in (run(check_services).message or "")
    run(check_services)
    assert subjects(tmp_path / "mail") == {"[HOMEPOT] ▲ The backup needs attention": 1}
    page = artifact("check-services")
    assert "the disk was full" in page
    assert "docs/runbooks/service-backup.md" in page
    assert "## Open alarms" in page
    with database.admin() as conn:
        conn.execute("UPDATE ai_backups SET outcome = 'good', finished_at = now()")
        conn.execute(
            "INSERT INTO ai_restore_drills (at, backup, kind, outcome, seconds, checks) "
            "VALUES (now(), 'b', 'nightly', 'passed', 1, '{}')"
        )
    run(check_services)
    assert subjects(tmp_path / "mail")["[HOMEPOT] ● Well again: The backup needs attention"] == 1


def test_with_the_database_away_the_run_is_green_and_somebody_is_told_once(
    database: Database, connect: Connect, sink: MailSink, tmp_path: Path
) -> None:
    settings = connect(Database("postgresql://127.0.0.1:1/x"), WATCH__MAIL_TO=OPS, MAIL__PORT=str(sink.port))
    for _ in range(2):
        state = run(check_services)
        assert (state.name, "database down" in (state.message or "")) == ("Completed", True)
    # A run that dies of it is remembered, and not told beside its cause.
    for _ in range(2):
        assert not run(score_health).is_completed()
    assert subjects(tmp_path / "mail") == {"[HOMEPOT] ■ database is down": 1}
    assert set(alarms.spool_of(settings).alarms()) == {"service database", "run score-health"}
    connect(database, WATCH__MAIL_TO=OPS, MAIL__PORT=str(sink.port))
    run(check_services)
    assert subjects(tmp_path / "mail")["[HOMEPOT] ● Well again: database is down"] == 1


def test_a_flow_with_a_cron_line_is_judged_by_it() -> None:
    monthly, made = [Schedule(cron="0 6 1 * *")], NOW - timedelta(days=400)
    begun = datetime(2026, 11, 1, 6, tzinfo=UTC)
    well = judge("monthly-report", monthly, begun, begun, NOW, since=made)
    assert (well.state, "next due 2026-12-01 06:00 UTC" in well.detail) == ("ok", True)
    missed = judge("monthly-report", monthly, begun - timedelta(days=31), None, NOW, since=made)
    assert missed.state == "down"
    assert "was due 2026-11-01 06:00 UTC" in missed.detail
    nightly = [Schedule(cron="40 2 * * *")]
    for hours, state in ((-8, "ok"), (3, "ok"), (5, "degraded"), (27, "down")):
        now = datetime(2026, 11, 20, 2, 40, tzinfo=UTC) + timedelta(hours=hours / 2 if hours == 3 else hours)
        begun = datetime(2026, 11, 19, 2, 40, tzinfo=UTC)
        assert judge("learn-baselines", nightly, begun, begun, now, since=made).state == state
    never = judge("learn-baselines", nightly, None, None, NOW, since=NOW - timedelta(hours=1))
    assert never.state == "ok"


def test_what_waits_for_a_worker_is_told() -> None:
    assert judge_runs(0, [], 0, None).state == "ok"
    assert judge_runs(2, [], 0, None).detail == "2 whose process was gone freed just now"
    assert judge_runs(0, [], 9, timedelta(hours=7)).state == "down"
    assert judge_runs(0, ["slow-fox"], 0, None).state == "degraded"
