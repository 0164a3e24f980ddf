"""kill -9 of a real sender at every point of a delivery, then delivery again.

Nothing is lost, and nothing arrives twice but for the one window that SMTP
leaves open: the whole mail was handed over and the answer was not recorded.
There a report is held until an operator decides, an alert goes again with the
same Message-ID. The points are reached through what the mail server and the
database do, not through hooks in the program.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from homepot_ai.reporting.smtp import deliver_due
from homepot_ai.store import outbox
from homepot_ai.store.database import Database
from homepot_ai.testing.chaos import Chaos, Stage
from homepot_ai.testing.mail_sink import MailSink
from tests.mail_helpers import NOW, mail, queue, received, rows, server, states

pytestmark = pytest.mark.slow

SENDER = """
import sys
from datetime import datetime
from homepot_ai.reporting.smtp import MailServer, deliver_due
from homepot_ai.store.database import Database
url, port, now = sys.argv[1:]
deliver_due(Database(url), MailServer("127.0.0.1", int(port), timeout=60.0), now=datetime.fromisoformat(now),
            worker="victim")
"""
MESSAGE_ID = "<a@homepot.example>"
BIG = 12_000_000  # more than the kernel's buffers take: the sender is stuck in the middle of the body


@contextmanager
def sender(database: Database, sink: MailSink) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SENDER, database.url, str(sink.port), NOW.isoformat()])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the point was not reached in time"
        time.sleep(0.02)


def backends(database: Database, condition: str = "true") -> list[int]:
    """Other sessions in the database that run for us."""
    with psycopg.connect(database.url, application_name="observer") as conn:
        found = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            f"AND application_name = 'homepot-ai' AND {condition}"
        ).fetchall()
    return [pid for (pid,) in found]


def kill(process: subprocess.Popen[bytes], database: Database) -> None:
    """SIGKILL, and wait until PostgreSQL has noticed that the line is dead."""
    process.kill()
    process.wait()
    wait_for(lambda: not backends(database), 5.0)


def deliver_again(database: Database, sink: MailSink) -> None:
    """Two more runs: the second must find nothing to do."""
    sink.chaos.clear()
    deliver_due(database, server(sink), now=NOW, worker="heir")
    before = received(sink.directory)
    deliver_due(database, server(sink), now=NOW, worker="heir")
    assert received(sink.directory) == before


@contextmanager
def row_locked(database: Database) -> Iterator[None]:
    """Nobody can write the outbox rows inside this block."""
    with psycopg.connect(database.url, application_name="observer") as conn:
        conn.execute(f"SELECT id FROM {database.schema}.ai_mail_outbox FOR UPDATE")
        yield
        conn.rollback()


def kill_when_slow(database: Database, sink: MailSink, stage: Stage, only: str | None = None) -> None:
    """Kill the sender while the server takes its time at a stage of the conversation."""
    signal = sink.directory.parent / "reached"
    sink.chaos.append(Chaos(stage, "slow", seconds=60, signal=signal, only=only))
    with sender(database, sink) as process:
        wait_for(signal.exists)
        if stage == "body":
            time.sleep(0.5)  # as much of the body as fits has left
        kill(process, database)


def kill_when_writing(database: Database, sink: MailSink, stage: Stage) -> None:
    """Kill the sender in the very statement that follows a stage: its row is locked by somebody else."""
    signal, release = sink.directory.parent / "reached", sink.directory.parent / "go on"
    sink.chaos.append(Chaos(stage, "slow", seconds=60, signal=signal, release=release))
    with sender(database, sink) as process:
        wait_for(signal.exists)
        with row_locked(database):
            release.touch()
            wait_for(lambda: backends(database, "wait_event_type = 'Lock'"))
            process.kill()
            process.wait()
            # A session that waits for a lock does not notice a dead line until it has it; a machine
            # that dies takes it along.
            with psycopg.connect(database.url, autocommit=True, application_name="observer") as conn:
                for pid in backends(database):
                    conn.execute("SELECT pg_terminate_backend(%s)", [pid])
            wait_for(lambda: not backends(database), 5.0)


# (how the point is reached, state right after the kill)
BEFORE_THE_END_MARK = {
    "before a claim": (lambda db, sink: kill_when_slow(db, sink, "connect"), "queued"),
    "after the claim, at MAIL": (lambda db, sink: kill_when_slow(db, sink, "mail"), "claimed"),
    "after the claim, at RCPT": (lambda db, sink: kill_when_slow(db, sink, "rcpt"), "claimed"),
    "before DATA": (lambda db, sink: kill_when_slow(db, sink, "data"), "claimed"),
    "in the body": (lambda db, sink: kill_when_slow(db, sink, "body"), "claimed"),
    "before the end mark": (lambda db, sink: kill_when_writing(db, sink, "data"), "claimed"),
}
# (how the point is reached, copies that the server has at that moment)
THE_WINDOW = {
    "handed over, not yet stored": (lambda db, sink: kill_when_slow(db, sink, "store"), 0),
    "stored, not yet answered": (lambda db, sink: kill_when_slow(db, sink, "answer"), 1),
    "answered, not yet recorded": (lambda db, sink: kill_when_writing(db, sink, "answer"), 1),
}


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mails", receive_buffer=8192) as running:
        yield running


@pytest.mark.parametrize("kind", ["report", "alert"])
@pytest.mark.parametrize("point", BEFORE_THE_END_MARK)
def test_killed_before_the_end_mark_arrives_once(database, sink, point, kind):
    reach, state = BEFORE_THE_END_MARK[point]
    queue(database, mail("a", kind, size=BIG if point == "in the body" else 0))
    reach(database, sink)
    assert states(database) == {"a": state}
    assert received(sink.directory) == {}
    deliver_again(database, sink)
    assert received(sink.directory) == {MESSAGE_ID: 1}
    assert states(database) == {"a": "sent"}


@pytest.mark.parametrize("point", THE_WINDOW)
def test_killed_in_the_window_a_report_is_held_until_an_operator_decides(database, sink, point):
    reach, copies = THE_WINDOW[point]
    queue(database, mail("a"))
    reach(database, sink)
    assert states(database) == {"a": "in_data"}
    assert received(sink.directory)[MESSAGE_ID] == copies
    deliver_again(database, sink)
    assert received(sink.directory)[MESSAGE_ID] == copies  # not once more by itself
    held = rows(database)["a"]
    assert held.state == "unknown"
    assert "held until an operator decides" in held.last_answer
    with database.writer() as conn:
        if copies:
            outbox.drop(conn, held.id, actor="ann", now=NOW, purpose="it did arrive")
        else:
            outbox.resend(conn, held.id, actor="ann", now=NOW, purpose="it did not arrive")
    deliver_again(database, sink)
    assert received(sink.directory) == {MESSAGE_ID: 1}


@pytest.mark.parametrize("point", THE_WINDOW)
def test_killed_in_the_window_an_alert_goes_again_with_the_same_message_id(database, sink, point):
    reach, copies = THE_WINDOW[point]
    queue(database, mail("a", "alert"))
    reach(database, sink)
    assert states(database) == {"a": "in_data"}
    deliver_again(database, sink)
    assert received(sink.directory) == {MESSAGE_ID: copies + 1}
    assert states(database) == {"a": "sent"}


def test_killed_after_the_record_does_not_send_again(database, sink):
    queue(database, mail("a"), mail("b"), mail("c"))
    kill_when_slow(database, sink, "rcpt", only="b@")
    assert states(database) == {"a": "sent", "b": "claimed", "c": "queued"}
    deliver_again(database, sink)
    assert received(sink.directory) == {f"<{name}@homepot.example>": 1 for name in "abc"}


def test_killed_again_and_again_at_any_moment(database, sink):
    names = [f"m{n:02}" for n in range(60)]
    queue(database, *(mail(name, size=20_000) for name in names))
    moments = random.Random(20251127)
    # Slow enough that the kills fall into the middle of the batch.
    sink.chaos.append(Chaos("answer", "slow", seconds=0.02))
    sink.chaos.append(Chaos("rcpt", "slow", seconds=0.02))
    for _ in range(6):
        with sender(database, sink) as process:
            wait_for(lambda so_far=sink.connections: sink.connections > so_far)
            time.sleep(moments.uniform(0.0, 0.6))
            kill(process, database)
    deliver_again(database, sink)
    copies, ended = received(sink.directory), states(database)
    assert set(ended) == set(names)
    assert set(ended.values()) <= {"sent", "unknown"}
    for name in names:
        arrived = copies[f"<{name}@homepot.example>"]
        assert arrived == 1 if ended[name] == "sent" else arrived <= 1
    assert sum(state == "unknown" for state in ended.values()) <= 6  # at most one for each kill
