"""Reports by schedule, by event and by form, against a real Prefect server and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.reports import weekly_report
from flows.reports_asked import custom_report, incident_report
from flows.subscriptions import subscribe, unsubscribe
from homepot_ai.errors import NotFound, ReportError
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests.flows.conftest import Connect, artifact, rows, run
from tests.support import small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet(database: Database) -> Database:
    small_fleet(database, devices=2)
    return database


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mail", host="127.0.0.1", port=0) as listening:
        yield listening


def test_a_week_by_subscription_and_its_digest(fleet: Database, connect: Connect, sink: MailSink) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    assert run(subscribe, email="ann@example.org", kind="weekly", site="Berlin").is_completed()
    assert run(subscribe, email="bob@example.org", kind="weekly", digest=True).is_completed()
    assert "bob@example.org" in artifact("subscribe")
    made = run(weekly_report, timezone="Europe/Berlin")
    assert made.message == "1 reports made, 0 replayed, 2 mails queued"
    assert rows(fleet, "SELECT mode FROM ai_reports") == [("predictive",)]
    subjects = {mail.recipient: mail.subject for mail in list_mails(sink.directory)}
    assert "week of" in subjects["ann@example.org"]
    assert run(weekly_report, timezone="Europe/Berlin").message == (
        "0 reports made, 1 replayed, 0 mails queued"
    )
    assert run(unsubscribe, email="ann@example.org").message == "1 subscription(s) of ann@example.org ended"
    with pytest.raises(NotFound, match=r"did you mean: bob@example\.org"):
        run(unsubscribe, email="ann@example.org").result()


def test_a_range_by_form(fleet: Database, connect: Connect, sink: MailSink) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    last = (datetime.now(UTC) - timedelta(days=2)).date()
    asked = {"start": f"{last - timedelta(days=2)}", "end": f"{last}", "scope": "site", "name": "Berlin"}
    state = run(custom_report, **asked, mode="executive", recipients=["guest@example.org", "no address"])
    assert state.name == "Completed", state.message
    assert "is no mail address" in artifact("custom-report")
    assert [mail.recipient for mail in list_mails(sink.directory)] == ["guest@example.org"]
    with pytest.raises(ReportError, match="not over"):
        run(custom_report, start="2099-01-01").result()
    with pytest.raises(ReportError, match="say which site"):
        run(custom_report, scope="site").result()


def test_an_incident_preliminary_then_final_in_its_thread(
    fleet: Database, connect: Connect, sink: MailSink
) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    assert run(incident_report).name == "Skipped"
    run(subscribe, email="ann@example.org", kind="incident")
    with fleet.admin() as conn:
        conn.execute(
            "INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, "
            "category, title, state, severity, initial_severity, peak_severity, started_at, opened_at, "
            "initial, facts, updated_at) SELECT 'f', 'device', site_id, id, device_type, 'silent', "
            "'connectivity', 'Device 1 is silent', 'open', 'critical', 'critical', 'critical', "
            "now() - interval '70 minutes', now() - interval '60 minutes', '{}', '{}', now() "
            "FROM devices WHERE id = 1"
        )
    first = run(incident_report)
    assert first.message == "1 reports made, 0 replayed, 1 mails queued"
    assert run(incident_report).name == "Skipped"
    with fleet.admin() as conn:
        conn.execute("UPDATE ai_incidents SET state = 'closed', closed_at = now(), closed_by = 'rule'")
    assert run(incident_report).message == "1 reports made, 0 replayed, 1 mails queued"
    assert rows(fleet, "SELECT split_part(report_id, '_', 3), revision FROM ai_reports ORDER BY 2") == [
        ("incident1", 1),
        ("incident1", 2),
    ]
    one, two = sorted(sink.directory.glob("*.eml"))
    identity = next(line for line in one.read_text().splitlines() if line.startswith("Message-ID"))
    assert f"In-Reply-To:{identity.partition(':')[2]}" in two.read_text()
