"""A part that lives and says nothing, and a Prefect server that is away: real processes, a real mail."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from deployments import doors, lock, supervisor
from deployments.doors import Door
from deployments.processes import Child
from deployments.supervisor import Supervisor
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.settings import Settings, UpSettings
from homepot_ai.testing.mail_sink import MailSink

# Takes connections and never answers, until somebody asks for the second time; then it answers.
FROZEN = """
import socket, time
door = socket.create_server(("127.0.0.1", {port}))
while True:
    taken, _ = door.accept()
    {answer}
"""
ANSWER = (
    "taken.recv(9999); taken.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'); taken.close()"
)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def child(tmp_path: Path, port: int, answer: str) -> Child:
    code = FROZEN.format(port=port, answer=answer)
    return Child("part", [sys.executable, "-c", code], tmp_path / "log", dict(os.environ), tmp_path)


def connected(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_a_part_that_is_silent_is_started_again_after_so_many_looks(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "ANSWER_S", 0.3)
    door = Door(f"http://127.0.0.1:{port}/health", 3, time.monotonic())
    frozen = child(tmp_path, port, "kept = [taken]; time.sleep(600)")
    frozen.start()
    try:
        connected(port)
        asked = frozen.started + doors.EVERY_S
        assert not door.look(frozen, asked)
        assert (door.silent, door.look(frozen, asked + 1)) == (1, False), "not asked again so soon"
        assert not door.look(frozen, asked + doors.EVERY_S)
        assert door.look(frozen, asked + 2 * doors.EVERY_S)
        assert door.silent == 0, "a new one has a new patience"
        assert door.answered < asked
    finally:
        frozen.stop()
    assert not door.look(frozen, asked + 3 * doors.EVERY_S), "what is dead is started again anyway"


def test_a_part_that_answers_now_and_then_is_left_alone(tmp_path: Path, port: int) -> None:
    door = Door(f"http://127.0.0.1:{port}/health", 2, 0.0, silent=1)
    lively = child(tmp_path, port, ANSWER)
    lively.start()
    try:
        connected(port)
        now = lively.started + doors.EVERY_S
        assert not door.look(lively, now)
        assert (door.silent, door.answered) == (0, now)
    finally:
        lively.stop()


def test_who_is_on_call_hears_of_a_prefect_server_that_is_away(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings.model_copy(update={"up": UpSettings(health_port=0)})
    with MailSink(tmp_path / "mail") as sink:
        monkeypatch.setenv("HOMEPOT_AI_MAIL__PORT", str(sink.port))
        monkeypatch.setenv("HOMEPOT_AI_WATCH__MAIL_TO", '["night@homepot.example"]')
        monkeypatch.setenv("HOMEPOT_AI_PREFECT__PORT", "9")
        said: list[str] = []
        with lock.hold(chosen) as (holder, _), Supervisor(chosen, holder, said.append) as up:
            now = time.monotonic()
            up._doors["prefect-server"] = Door("http://127.0.0.1:9/", 8, now - supervisor.TELL_AFTER_S + 5)
            up._look_at_doors()
            assert up._teller == (0.0, None), "it may just be starting"
            up._doors["prefect-server"].answered -= 10
            up._look_at_doors()
            up._look_at_doors()
            _, teller = up._teller
            assert teller is not None
            assert teller.wait(120) == 1
            assert len(said) == 1
        [mail] = list_mails(tmp_path / "mail")
    assert "Prefect's server is down, and nothing runs" in mail.subject
