"""The command line, as somebody at a terminal would use it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import SettingsError
from homepot_ai.store import outbox
from homepot_ai.store.database import Database
from tests.support import small_fleet

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Invoke]:
    """A function that runs a command with these environment variables set."""
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, database: Database | None = None, **environment: str) -> Result:
        if database is not None:
            environment["HOMEPOT_AI_DATABASE_URL"] = database.url
        settings.load_settings.cache_clear()
        with pytest.MonkeyPatch.context() as patched:
            for name, value in environment.items():
                patched.setenv(name, value)
            # Rich was told its width when the module was loaded.
            patched.setattr(cli.console, "width", 200)
            return CliRunner().invoke(cli.app, list(words))

    yield run
    settings.load_settings.cache_clear()


def test_settings_say_whence_they_come_and_keep_secrets(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "homepot-ai.yaml").write_text("reports:\n  timezone: Europe/Berlin\n")
    shown = invoke("settings", HOMEPOT_AI_MAIL__HOST="mail.example.org", HOMEPOT_AI_MAIL__PASSWORD="hunter2")
    assert shown.exit_code == 0
    lines = {line.split()[0]: line for line in shown.output.splitlines() if line.strip()}
    assert "environment HOMEPOT_AI_MAIL__HOST" in lines["mail.host"]
    assert "file homepot-ai.yaml" in lines["reports.timezone"]
    assert lines["reports.paper"].split() == ["reports.paper", "A4", "default"]
    assert "hunter2" not in shown.output
    assert "not shown" in lines["mail.password"]
    assert any(name.startswith("health.limits.cpu_percent.") for name in lines)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("reports:\n  timezone: Berlin\n", "reports.timezone.*IANA time zone"),
        ("mail:\n  hots: x\n", "mail.hots.*not permitted"),
        ("mail:\n  port: 99999\n", "mail.port.*less than or equal to 65535"),
    ],
)
def test_wrong_settings_are_all_named_at_once(
    invoke: Invoke, tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "homepot-ai.yaml").write_text(text)
    result = invoke("settings")
    assert isinstance(result.exception, SettingsError)
    with pytest.raises(SettingsError, match=complaint):
        raise result.exception


def test_errors_on_purpose_are_one_message_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["homepot-ai", "anomalies"])
    settings.load_settings.cache_clear()
    with pytest.raises(SystemExit) as left:
        cli.main()
    settings.load_settings.cache_clear()
    assert left.value.code == 1
    told = capsys.readouterr().err
    assert "homepot-ai up" in told
    assert "Traceback" not in told


def test_up_and_run_join_by_entry_point(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["homepot-ai", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr().out
    assert " up " in told
    assert " run " in told


def test_a_new_database_step_by_step(invoke: Invoke, raw_homepot_dump: Database) -> None:
    before = invoke("doctor", database=raw_homepot_dump)
    assert before.exit_code == 1
    assert "homepot-ai db upgrade" in before.output
    upgraded = invoke("db", "upgrade", database=raw_homepot_dump)
    assert upgraded.exit_code == 0
    assert "is at version" in upgraded.output
    status = invoke("status", database=raw_homepot_dump)
    assert "no minute has been scored yet" in status.output


def test_mailbox(invoke: Invoke, tmp_path: Path) -> None:
    assert "no mail in" in invoke("mailbox").output
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "000001.eml").write_bytes(
        b"From: a@x.example\r\nTo: b@x.example\r\nSubject: [HOMEPOT] all well\r\n\r\nNothing happened.\r\n"
    )
    assert "[HOMEPOT] all well" in invoke("mailbox").output
    assert "Nothing happened." in invoke("mailbox", "1").output


def test_outbox_lists_and_decides(invoke: Invoke, database: Database) -> None:
    mail = outbox.OutboxMail(
        key="k", kind="report", reference="rpt_1", recipient="b@x.example", subject="daily",
        message_id="<1@x.example>", payload=b"From: a@x.example\r\n\r\nhi\r\n",
    )  # fmt: skip
    with database.writer() as conn:
        outbox.enqueue(conn, mail)
        conn.execute("UPDATE ai_mail_outbox SET state = 'unknown', attempts = 1")
        (number,) = conn.execute("SELECT id FROM ai_mail_outbox").fetchone()
    listed = invoke("outbox", database=database)
    assert "unknown" in listed.output
    assert "b@x.example" in listed.output
    assert invoke("outbox", "resend", database=database).exit_code == 2
    done = invoke("outbox", "resend", str(number), "--reason", "asked him", database=database)
    assert "queued again" in done.output
    with database.reader() as conn:
        assert conn.execute("SELECT state FROM ai_mail_outbox").fetchone() == ("queued",)
        assert conn.execute("SELECT purpose FROM ai_audit_log").fetchone() == ("asked him",)


def test_report_by_hand(invoke: Invoke, database: Database, tmp_path: Path) -> None:
    small_fleet(database, created=datetime(2026, 1, 1, tzinfo=UTC))
    out = tmp_path / "berlin.pdf"
    made = invoke("report", "Berlin", "--day", "2026-03-29", "--out", str(out), database=database)
    assert made.exit_code == 0, made.output
    assert out.read_bytes().startswith(b"%PDF")
    wrong = invoke("report", "Berln", database=database)
    assert "did you mean: Berlin" in str(wrong.exception)
    nowhere = str(tmp_path / "gone" / "berlin.pdf")
    refused = invoke("report", "Berlin", "--day", "2026-03-30", "--out", nowhere, database=database)
    assert isinstance(refused.exception, SettingsError)
    with database.reader() as conn:
        assert conn.execute("SELECT count(*) FROM ai_reports").fetchone() == (1,)


def test_recipients_come_and_go(invoke: Invoke, database: Database) -> None:
    small_fleet(database)
    assert "nobody gets a report yet" in invoke("subscriptions", database=database).output
    assert invoke("subscribe", "ops@x.example", database=database).exit_code == 0
    assert invoke("subscribe", "tech@x.example", "--site", "berlin", database=database).exit_code == 0
    assert invoke("subscribe", "tech@x.example", "--site", "1", database=database).exit_code == 0
    listed = invoke("subscriptions", database=database).output.splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["ops@x.example", "daily", "the"], ["tech@x.example", "daily", "Berlin"],
    ]  # fmt: skip
    for wrong in ("ops", "a b@x.example", "Ops <ops@x.example>"):
        refused = invoke("subscribe", wrong, database=database)
        assert isinstance(refused.exception, SettingsError), wrong
    assert "1 subscription(s)" in invoke("unsubscribe", "TECH@x.example", database=database).output
    gone = invoke("unsubscribe", "tech@x.example", database=database)
    assert "did you mean: ops@x.example" in str(gone.exception)
    assert "ended" in invoke("subscriptions", database=database).output
    with database.reader() as conn:
        actions = conn.execute("SELECT action, count(*) FROM ai_audit_log GROUP BY 1 ORDER BY 1").fetchall()
        written = conn.execute("SELECT string_agg(a::text, ' ') FROM ai_audit_log a").fetchone()[0]
    assert actions == [("subscribed", 3), ("unsubscribed", 1)]
    assert "@x.example" not in written


def test_a_sites_zone_is_set_and_kept(invoke: Invoke, database: Database) -> None:
    small_fleet(database)
    assert "Europe/Berlin" in invoke("sites", database=database).output
    assert invoke("sites", "SITE-1", "--timezone", "Asia/Tokyo", database=database).exit_code == 0
    assert invoke("sites", "SITE-1", "--locale", "ja", database=database).exit_code == 0
    assert "Asia/Tokyo" in invoke("sites", database=database).output
    assert isinstance(invoke("sites", "1", "--timezone", "Tokyo", database=database).exception, SettingsError)


def test_a_devices_gateway_and_exclusion(invoke: Invoke, database: Database) -> None:
    small_fleet(database)
    assert (
        invoke("device", "DEVICE-2", "--gateway", "Checkout 1", "--excluded", database=database).exit_code
        == 0
    )
    shown = invoke("device", "checkout 2", database=database).output
    assert "gateway: Checkout 1; excluded: yes" in shown
    assert "no events are remembered" in shown
    assert invoke("device", "2", "--no-excluded", database=database).exit_code == 0
    assert "gateway: Checkout 1; excluded: no" in invoke("device", "2", database=database).output
    own = invoke("device", "2", "--gateway", "2", database=database)
    assert isinstance(own.exception, SettingsError)


def test_a_demo_folder_is_a_demo_in_another_shell_but_a_database_of_ones_own_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.profile_file(tmp_path).parent.mkdir()
    settings.profile_file(tmp_path).write_text("demo")
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    # What settings_for sets for child processes must not outlive this test.
    for name in ("PROFILE", "MAIL__HOST", "MAIL__PORT", "MAIL__SECURITY", "REPORTS__TIMEZONE"):
        monkeypatch.setenv(f"HOMEPOT_AI_{name}", "x")
        monkeypatch.delenv(f"HOMEPOT_AI_{name}")
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", "postgresql://127.0.0.1/homepot")
    settings.load_settings.cache_clear()
    assert settings.settings_for(None).profile == "default"
    monkeypatch.delenv("HOMEPOT_AI_DATABASE_URL")
    settings.load_settings.cache_clear()
    found = settings.settings_for(None)
    assert (found.profile, found.reports.timezone, found.mail.port) == ("demo", "Europe/Berlin", 8025)
    settings.load_settings.cache_clear()


def test_settings_of_a_demo_do_not_claim_that_somebody_typed_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.profile_file(tmp_path).parent.mkdir()
    settings.profile_file(tmp_path).write_text("demo")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPOT_AI_")}
    monkeypatch.setattr(os, "environ", kept | {"HOMEPOT_AI_VAR_DIR": str(tmp_path)})
    monkeypatch.setattr(cli, "_by_the_demo", set())
    monkeypatch.setattr(sys, "argv", ["homepot-ai", "settings"])
    settings.load_settings.cache_clear()
    with pytest.raises(SystemExit):
        cli.main()
    settings.load_settings.cache_clear()
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines["profile"].split() == ["profile", "demo", "the", "demo"]
    assert lines["mail.port"].endswith("the demo")
    assert lines["var_dir"].endswith("environment HOMEPOT_AI_VAR_DIR")
