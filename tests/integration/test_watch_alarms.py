"""Alarms about ourselves: through the outbox, past a database that is away, and back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from homepot_ai.reporting import smtp
from homepot_ai.settings import OllamaSettings, PrefectSettings, Settings
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from homepot_ai.watch import alarms, scheduler, service
from homepot_ai.watch.alarm_rules import Alarm
from tests.mail_helpers import server

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
AWAY = Database("postgresql://127.0.0.1:1/x")
DISK = "service disk"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mail") as running:
        yield running


@pytest.fixture
def told(tmp_path: Path, sink: MailSink) -> Settings:
    return Settings(
        var_dir=tmp_path / "var", ollama=OllamaSettings(enabled=False), mail={"port": sink.port},
        watch={"mail_to": ("ops@homepot.example", "Not an address", "night@homepot.example")},
    )  # fmt: skip


def ill(db: Database | None, settings: Settings, minutes: float = 0, key: str = DISK, **more: object) -> bool:
    wanted: dict[str, object] = {
        "severity": "warning",
        "title": "disk needs attention",
        "detail": "2 GB left",
    }
    return alarms.raise_alarm(
        db, settings, key, runbook="service-disk", now=NOW + timedelta(minutes=minutes), **(wanted | more)
    )  # type: ignore[arg-type]


def mails(folder: Path) -> list[EmailMessage]:
    found = [
        message_from_bytes(file.read_bytes(), policy=policy.default) for file in sorted(folder.glob("*.eml"))
    ]
    return sorted(found, key=lambda mail: str(mail["Date"]))


def subjects(folder: Path) -> Counter[str]:
    return Counter(str(mail["Subject"]) for mail in mails(folder))


def deliver(db: Database, sink: MailSink, minutes: float) -> None:
    smtp.deliver_due(db, server(sink), now=NOW + timedelta(minutes=minutes), worker="test")


def test_an_alarm_goes_through_the_outbox_and_its_recovery_into_the_same_thread(
    database: Database, told: Settings, sink: MailSink, tmp_path: Path
) -> None:
    assert ill(database, told)
    assert not ill(database, told, 5)
    assert alarms.clear_alarm(database, told, DISK, now=NOW + timedelta(minutes=10))
    assert not alarms.clear_alarm(database, told, DISK, now=NOW + timedelta(minutes=15))
    deliver(database, sink, 15)
    found = mails(tmp_path / "mail")
    # Two people, one wrong address between them that keeps nothing from the others.
    assert Counter(str(mail["To"]) for mail in found) == {
        "ops@homepot.example": 2,
        "night@homepot.example": 2,
    }
    first, last = (mail for mail in found if mail["To"] == "ops@homepot.example")
    assert first["Subject"] == "[HOMEPOT] ▲ disk needs attention"
    assert last["Subject"] == "[HOMEPOT] ● Well again: disk needs attention"
    assert last["In-Reply-To"] == first["Message-ID"]
    text = first.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "docs/runbooks/service-disk.md" in text
    assert "homepot-ai status" in text
    assert max(map(len, text.splitlines())) <= 78
    html = first.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "2 GB left" in html
    with database.reader() as conn:
        assert alarms.open_alarms(conn) == []
        [over] = alarms.recent_alarms(conn, NOW)
    assert (over.count, over.resolved_at) == (2, NOW + timedelta(minutes=10))
    assert not (told.var_dir / "watch").exists()


def test_with_the_database_away_it_is_told_once_from_this_machine(
    told: Settings, sink: MailSink, tmp_path: Path
) -> None:
    for minute in range(0, 60, 5):
        ill(AWAY, told, minute, "service database", severity="critical", title="database is down")
        alarms.send_spooled(told, now=NOW + timedelta(minutes=minute))
    assert subjects(tmp_path / "mail") == {"[HOMEPOT] ■ database is down": 2}
    # What follows from it is remembered and not told.
    assert not ill(AWAY, told, 60, "run score-health", title="score-health failed")
    assert ill(AWAY, told, 61, DISK)


def test_what_was_told_meanwhile_is_taken_over_and_its_recovery_told_through_the_outbox(
    database: Database, told: Settings, sink: MailSink, tmp_path: Path
) -> None:
    ill(AWAY, told, 0, "service database", severity="critical", title="database is down")
    ill(AWAY, told, 1, "run score-health", title="score-health failed")
    alarms.send_spooled(told, now=NOW)
    assert alarms.clear_alarm(database, told, "service database", now=NOW + timedelta(minutes=20))
    assert not alarms.clear_alarm(database, told, "run score-health", now=NOW + timedelta(minutes=20))
    assert not alarms.spool_of(told).used
    deliver(database, sink, 21)
    assert subjects(tmp_path / "mail") == {
        "[HOMEPOT] ■ database is down": 2, "[HOMEPOT] ● Well again: database is down": 2,
    }  # fmt: skip
    with database.reader() as conn:
        assert alarms.open_alarms(conn) == []


def test_what_the_database_knew_is_not_told_again_when_it_goes_away(
    database: Database, told: Settings, sink: MailSink, tmp_path: Path
) -> None:
    ill(database, told)
    with database.reader() as conn:
        alarms.spool_of(told).mirror(alarms.open_alarms(conn))
    assert not ill(AWAY, told, 5)
    assert alarms.send_spooled(told, now=NOW) == (0, 0)


def test_a_mail_server_that_is_away_too_gets_it_later_and_once(told: Settings, tmp_path: Path) -> None:
    lonely = told.model_copy(update={"mail": told.mail.model_copy(update={"port": 9})})
    ill(AWAY, lonely)
    assert alarms.send_spooled(lonely, now=NOW) == (0, 2)
    assert not ill(AWAY, lonely, 5)
    assert alarms.send_spooled(told, now=NOW + timedelta(minutes=5)) == (2, 0)
    assert alarms.send_spooled(told, now=NOW + timedelta(minutes=10)) == (0, 0)
    assert sum(subjects(tmp_path / "mail").values()) == 2


def test_a_message_goes_to_a_channel_as_well(database: Database, told: Settings) -> None:
    settings = told.model_copy(update={"watch": told.watch.model_copy(update={"channels": ("ops",)})})
    ill(database, settings)
    with database.reader() as conn:
        [(title, payload)] = conn.execute("SELECT subject, payload FROM ai_alerts_outbox").fetchall()
    assert title == "▲ disk needs attention"
    assert b"docs/runbooks/service-disk.md" in bytes(payload)


def test_with_nobody_to_tell_nothing_is_told_until_there_is_somebody(
    database: Database, settings: Settings, told: Settings
) -> None:
    assert not ill(database, settings)
    assert ill(database, told, 5)


def test_a_killed_teller_leaves_whole_letters_only(told: Settings, sink: MailSink, tmp_path: Path) -> None:
    folder = told.var_dir / "watch" / "outbox"
    folder.mkdir(parents=True)
    (folder / "half.json.part").write_bytes(b'{"channel": ""')
    (folder / "broken.json").write_bytes(b'{"channel": ""')
    (told.var_dir / "watch" / "alarms.json").write_bytes(b'[{"key": "service di')
    assert ill(AWAY, told)
    assert alarms.send_spooled(told, now=NOW) == (2, 0)
    assert not (folder / "broken.json").exists()


def test_two_processes_that_tell_the_same_tell_it_once(database: Database, told: Settings) -> None:
    script = (
        "import sys; from tests.integration.test_watch_alarms import *\n"
        "settings = Settings(var_dir=sys.argv[2], watch={'mail_to': ('ops@homepot.example',)})\n"
        "db = Database(sys.argv[1])\n"
        "[ill(db, settings, n) for n in range(10)]\n"
    )
    command = [sys.executable, "-c", script, database.url, str(told.var_dir)]
    running = [subprocess.Popen(command, cwd=told.home, env=dict(os.environ)) for _ in range(2)]
    assert [one.wait(120) for one in running] == [0, 0]
    with database.reader() as conn:
        assert conn.execute("SELECT count(*) FROM ai_mail_outbox").fetchone() == (1,)
        [alarm] = alarms.open_alarms(conn)
    assert alarm.count == 20


def act(db: Database | None, settings: Settings, seen: list[ServiceCheck], minutes: float) -> list[Alarm]:
    now = NOW + timedelta(minutes=minutes)
    there = None if service.away(seen) else db
    if there is not None:
        service.record(there, settings, seen, now)
    before = service.known(there, settings, now)
    made = service.verdicts(seen, before.since, [alarm.key for alarm in before.lasting], now)
    service.act(there, settings, made, now)
    return list(service.known(there, settings, now).lasting)


def test_a_prefect_server_that_is_away_is_told_from_beside_it(
    database: Database, told: Settings, sink: MailSink, tmp_path: Path
) -> None:
    """The database is there, but what empties its outboxes is a run of that server."""
    nobody = told.model_copy(update={"prefect": PrefectSettings(url="http://127.0.0.1:9/api")})
    for _ in range(3):
        assert scheduler.tell_if_away(nobody, patience_s=0).state == "down"
    title = "Prefect's server is down, and nothing runs"
    assert subjects(tmp_path / "mail") == {f"[HOMEPOT] ■ {title}": 2}
    assert "service-prefect-server" in mails(tmp_path / "mail")[0].as_string()
    # Back again, its own check takes the alarm over, and tells that it is over.
    minutes = (datetime.now(UTC) - NOW) / timedelta(minutes=1) + 5
    assert act(database, told, [ServiceCheck("prefect server", "ok", "answers")], minutes) == []
    deliver(database, sink, minutes)
    assert subjects(tmp_path / "mail")[f"[HOMEPOT] ● Well again: {title}"] == 2
    assert not alarms.spool_of(told).used


def test_from_a_check_to_an_alarm_and_back(database: Database, told: Settings) -> None:
    down = [ServiceCheck("mail", "down", "away"), ServiceCheck("disk", "ok", "room")]
    assert act(database, told, down, 0) == []
    [alarm] = act(database, told, down, 5)
    assert (alarm.key, alarm.title, alarm.runbook) == ("service mail", "mail is down", "service-mail")
    gone = [ServiceCheck("database", "down", "away"), ServiceCheck("disk", "ok", "room")]
    assert [one.key for one in act(database, told, gone, 10)] == ["service database"]
    well = [ServiceCheck("mail", "ok", "greets"), ServiceCheck("database", "ok", "there")]
    assert act(database, told, well, 15) == []
