"""The supervisor's parts with real processes: restarted with a growing pause, told over HTTP, stopped."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments import down, health, lock, processes
from deployments.processes import Child
from deployments.supervisor import Supervisor
from homepot_ai.errors import HomepotAIError, SettingsError
from homepot_ai.settings import PrefectSettings, Settings, UpSettings


@pytest.fixture
def parts(settings: Settings) -> Iterator[Supervisor]:
    chosen = settings.model_copy(update={"up": UpSettings(health_port=0)})
    said: list[str] = []
    with lock.hold(chosen) as (holder, _), Supervisor(chosen, holder, said.append) as supervisor:
        supervisor.start_endpoint()
        yield supervisor


def get(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error) if error.headers["Content-Type"] == "application/json" else {}


def sleeper(parts: Supervisor, name: str) -> Child:
    parts._keep(name, [sys.executable, "-u", "-c", "import time; print('WARNING here'); time.sleep(600)"])
    return parts.children[-1]


def test_the_endpoint_tells_each_part_and_what_died(parts: Supervisor, settings: Settings) -> None:
    url = parts.holder.health_url
    child = sleeper(parts, "one")
    assert child.process is not None
    status, told = get(url)
    assert (status, told["state"]) == (503, "starting")
    parts.announce_ready()
    status, told = get(url)
    assert (status, told["state"]) == (200, "ok")
    assert [(one["name"], one["state"], one["pid"]) for one in told["parts"]] == [
        ("one", "running", child.process.pid)
    ]

    child.process.kill()
    child.process.wait()
    parts._revive()
    status, told = get(url)
    assert (status, told["state"]) == (503, "degraded")
    assert told["parts"][0]["state"] == "waits to start again"
    assert told["parts"][0]["last_exit"] == -9

    child.not_before = 0.0  # as if its pause were over
    parts._revive()
    status, told = get(url)
    assert (status, told["parts"][0]["restarts"]) == (200, 1)
    # The same at a terminal.
    assert any("one   running" in line for line in down.told(down.asked(settings.var_dir))[1].splitlines())
    assert get(url.replace("/health", "/other"))[0] == 404


def test_each_death_is_followed_by_a_longer_pause(tmp_path: Path) -> None:
    child = Child("dies", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log", {}, tmp_path)
    now, pauses = 1000.0, []
    child.start()
    child.started = now
    for _ in range(len(processes.BACK_OFF_S) + 1):
        assert child.process is not None
        child.process.wait()
        said = child.revive(now)
        assert said is not None
        assert "ended with code 3" in said
        pauses.append(child.not_before - now)
        assert child.revive(child.not_before - 0.1) is None
        now = child.not_before
        assert child.revive(now) == "dies started again"
        child.started = now
    child.stop()
    assert pauses == [*processes.BACK_OFF_S[1:], processes.BACK_OFF_S[-1], processes.BACK_OFF_S[-1]]
    # What lived long enough starts again at once, nearly.
    child.failures = 4
    child.waiting = False
    child.revive(now + processes.SETTLED_S + 1)
    assert child.failures == 0


def test_what_parts_say_is_in_the_one_log(parts: Supervisor) -> None:
    child = sleeper(parts, "talks")
    parts.say("Starting")
    while "here" not in (child.log.read_text() if child.log.exists() else ""):
        parts._pause(0.05)
    parts.stop()
    told = parts.log.path.read_text()
    assert "INFO    supervisor: Starting" in told
    assert "WARNING talks: WARNING here" in told
    assert parts.state().state == "stopping"


def test_a_taken_port_is_no_reason_not_to_start(settings: Settings) -> None:
    first = health.Endpoint(lambda: health.State("ok", "", ()), 0)
    chosen = settings.model_copy(update={"up": UpSettings(health_port=first.port)})
    said: list[str] = []
    try:
        with lock.hold(chosen) as (holder, _), Supervisor(chosen, holder, said.append) as supervisor:
            supervisor.start_endpoint()
            assert supervisor.holder.health_url != first.url
            assert get(supervisor.holder.health_url)[0] == 503
        assert f"port {first.port} is taken" in said[0]
    finally:
        first.close()


def test_nothing_up_is_said(settings: Settings) -> None:
    with pytest.raises(HomepotAIError, match="nothing is up"):
        down.asked(settings.var_dir)


def test_up_refuses_to_be_a_second_server(settings: Settings) -> None:
    from deployments.up import up

    chosen = settings.model_copy(update={"prefect": PrefectSettings(url="http://server:4200/api")})
    with pytest.raises(SettingsError, match="homepot-ai worker --pool minute"):
        up(chosen)
    assert not (chosen.var_dir / "run").exists()


@pytest.mark.parametrize("busy", [False, True])
def test_a_worker_that_has_grown_is_renewed_between_two_runs(tmp_path: Path, busy: bool) -> None:
    run = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    work = "import time\nheld = bytearray(80 << 20)\nprint('ready', flush=True)\ntime.sleep(60)"
    code = f"{run if busy else ''}{work}"
    log = tmp_path / "log"
    child = Child(
        "worker", [sys.executable, "-c", code], log, dict(os.environ), tmp_path, most_bytes=400 << 20
    )
    child.start()
    try:
        deadline = time.monotonic() + 30
        while "ready" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        first = child.process
        assert child.renew() is None, "it is not that large"
        child.most_bytes = 60 << 20
        news = child.renew()
        assert child.running is busy
        if busy:
            assert news is None, "a run is under way"
            return
        assert "MiB and is renewed" in str(news)
        ended = child.revive(time.monotonic())
        assert "starts again" in str(ended)
        assert "started again" in str(child.revive(time.monotonic() + 120))
        assert child.process is not first
        assert child.running
    finally:
        child.stop()
