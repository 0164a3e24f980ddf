"""`homepot-ai up` as it is, with its schedules, and everything in it killed, stopped or cut off in turn.

One demo serves all cases of this module. Each is judged by the same three questions: was a minute passed over
or scored twice since the demo came up, is a mail of the outbox missing at the mail server or there twice, do
scheduled runs complete again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import psutil
import psycopg
import pytest

from homepot_ai.store import embedded
from tests.faults.record import Case
from tests.integration.test_prefect_server import Installation, eventually
from tests.mail_helpers import received

pytestmark = pytest.mark.faults

#: A run that was caught frees its place a minute after it was last heard of, and the next one catches up.
PATIENCE_S = 600.0
#: Who is on call hears of a run that died within five minutes: check-services comes that often.
HEARD_S = 360.0
ON_CALL = "on-call@homepot.example"


@dataclass
class Running:
    """A demo with its schedules, and where its record of minutes began."""

    demo: Installation
    begun: datetime

    def newest(self) -> datetime:
        [(newest,)] = self.demo.rows("SELECT max(at) FROM ai_scoring_minutes")
        assert isinstance(newest, datetime)
        return newest

    def child(self, *words: str) -> psutil.Process:
        """The process of this demo whose command line has these words."""
        for line in self.demo.processes():
            pid, _, command = line.partition(": ")
            if all(word in command for word in words):
                return psutil.Process(int(pid))
        pytest.fail(f"no process with {words}: {self.demo.processes()}")

    def of_run(self, run_id: str) -> psutil.Process:
        """The process that does a run."""
        for line in self.demo.processes():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(int(line.partition(":")[0]))
                if process.environ().get("PREFECT__FLOW_RUN_ID") == run_id:
                    return process
        pytest.fail(f"no process does run {run_id}: {self.demo.processes()}")

    def in_a_run(self) -> None:
        """Wait until score-health is in its middle."""
        eventually(lambda: self.demo.runs("score-health", "Running"), PATIENCE_S, "a run in its middle")

    def scores_again(self, since: datetime) -> None:
        """Minutes after `since` are scored."""

        def again() -> bool:
            with contextlib.suppress(psycopg.OperationalError, AssertionError):
                return self.newest() > since
            return False

        eventually(again, PATIENCE_S, f"scoring after {since}\n{self.demo.output()[-3000:]}")

    def judge(self, case: Case, told: str) -> None:
        [(passed_over,)] = self.demo.rows(
            "SELECT coalesce(sum(extract(epoch FROM step) / 60 - 1), 0)::int FROM (SELECT at - lag(at) OVER "
            f"(ORDER BY at) AS step FROM ai_scoring_minutes WHERE at >= '{self.begun.isoformat()}') AS steps"
        )
        [(minutes, twice)] = self.demo.rows(
            "SELECT (SELECT count(*) FROM ai_scoring_minutes), "
            "(SELECT count(*) - count(DISTINCT (device_id, at)) FROM ai_health_scores)"
        )
        # Nothing more is in flight: then each mail called sent is at the mail server, once.
        arrived = received(self.demo.var / "mail")
        mails = self.demo.rows("SELECT message_id, state::text FROM ai_mail_outbox")
        lost = [message for message, state in mails if state == "sent" and arrived[message] == 0]
        again = [message for message, count in arrived.items() if count > 1]
        print(f"{passed_over} minutes passed over, {twice} twice; mails lost: {lost}, twice: {again}")
        held = sum(state == "unknown" for _, state in mails)
        case.judge(
            lost=passed_over + len(lost), twice=twice + len(again), held=held,
            of=f"{minutes} minutes, {len(mails)} mails", told=told,
        )  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    demo = Installation.make("demo")
    demo.env["HOMEPOT_AI_WATCH__MAIL_TO"] = json.dumps([ON_CALL])
    try:
        demo.start(patience_s=1200)
        started = Running(demo, datetime.now(UTC))
        started.begun = started.newest()
        eventually(lambda: demo.runs("score-health", "Completed"), PATIENCE_S, "a first scheduled run")
        yield started
    finally:
        demo.remove()


def now() -> datetime:
    return datetime.now(UTC)


def test_the_prefect_server_is_killed_during_a_run(running: Running, case: Case) -> None:
    case.inject("scheduler", "kill -9 of the Prefect server while score-health is in its middle")
    running.in_a_run()
    running.child("server start").kill()
    with case.healing():
        running.scores_again(now())
    running.judge(case, "up: prefect-server ended, it starts again; runs of that minute Crashed")


def test_postgres_is_killed_while_everything_runs(running: Running, case: Case) -> None:
    case.inject("database", "kill -9 of the embedded PostgreSQL while score-health is in its middle")
    running.in_a_run()
    pid = int((embedded.data_dir(running.demo.var) / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    with case.healing():
        running.scores_again(now())
    running.judge(case, "up: the embedded PostgreSQL was gone; run Failed")


def test_both_workers_are_killed(running: Running, case: Case) -> None:
    case.inject("process", "kill -9 of both workers with their runs")
    running.in_a_run()
    for pool in ("minute", "batch"):
        os.killpg(running.child("worker start", f"--pool {pool}").pid, signal.SIGKILL)
    with case.healing():
        running.scores_again(now())
    running.judge(case, "up: worker ended, its runs are marked Crashed; the next ones catch up")


def test_a_run_is_killed_and_who_is_on_call_hears_of_it(running: Running, case: Case) -> None:
    case.inject("process", "kill -9 of a run of backup-memory, of which nobody else knows")
    demo = running.demo
    asked = subprocess.Popen(
        [sys.executable, "-m", "homepot_ai.cli", "run", "backup-memory"],
        env=demo.env, cwd=demo.var, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    [run] = eventually(lambda: demo.runs("backup-memory", "Running"), PATIENCE_S, "a run of backup-memory")
    running.of_run(run["id"]).kill()

    def told() -> list[str]:
        files = (demo.var / "mail").glob("*.eml")
        mails = [message_from_bytes(one.read_bytes(), policy=default) for one in files]
        return [
            str(one["Subject"]) for one in mails if one["To"] == ON_CALL and "backup-memory" in one["Subject"]
        ]

    try:
        with case.healing():
            [subject] = eventually(told, HEARD_S, f"a mail to {ON_CALL}")
    finally:
        asked.kill()
        asked.wait()
    done = demo.command("run", "backup-memory", timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    running.judge(case, f"mail to who is on call: {subject}")


def test_a_second_worker_is_started_by_mistake(running: Running, case: Case) -> None:
    case.inject("scheduler", "a second worker takes runs of the same pool for three minutes")
    demo = running.demo
    second = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", "minute"],
        env=demo.env | {
            "PREFECT_API_URL": f"http://127.0.0.1:{demo.port}/api", "PREFECT_API_KEY": "",
            "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        },
        cwd=demo.var, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(3):
            running.scores_again(running.newest())
    finally:
        os.killpg(second.pid, signal.SIGKILL)
        second.wait()
    with case.healing():
        running.scores_again(now())
    running.judge(case, "nowhere: one run at a time, whoever has it")


def test_all_connections_are_taken(running: Running, case: Case) -> None:
    case.inject("database", "all of PostgreSQL's connections are taken by others for 90 s")
    with ExitStack() as taken:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                taken.enter_context(psycopg.connect(running.demo.database().url))
            except psycopg.OperationalError:
                time.sleep(0.5)
    with case.healing():
        running.scores_again(now())
    running.judge(case, "run Failed: too many clients")


def test_the_mail_server_stands_still(running: Running, case: Case) -> None:
    case.inject(
        "mail", "the mail server takes connections and says nothing while alerts are due, then is killed"
    )
    sink = running.child("mail_sink")
    sink.suspend()
    asked = running.demo.command("demo-outage")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    for _ in range(4):  # silent devices become an incident, which is told
        running.scores_again(running.newest())
    sink.kill()

    def sent() -> bool:
        states = dict(running.demo.rows("SELECT state::text, count(*) FROM ai_mail_outbox GROUP BY 1"))
        return not set(states) & {"queued", "claimed", "in_data"}

    with case.healing():
        eventually(sent, PATIENCE_S, "an empty outbox")
    running.judge(case, "deliver: to retry; check-services: mail")


def test_chroma_is_deleted_under_the_running_system(running: Running, case: Case) -> None:
    case.inject("memory", "the Chroma folder is deleted while everything runs; rebuilt as the runbook says")
    folder = running.demo.var / "memory" / "chroma"
    shutil.rmtree(folder, ignore_errors=True)
    with case.healing():
        done = running.demo.command("run", "rebuild-embeddings", timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr
    assert folder.exists()
    running.judge(case, "check-services; docs/runbooks/rebuild-embeddings.md")


def test_everything_is_stopped_by_sigterm_and_started_again(running: Running, case: Case) -> None:
    case.inject("process", "SIGTERM to `homepot-ai up` while score-health is in its middle, then up again")
    demo = running.demo
    running.in_a_run()
    assert demo.up is not None
    demo.up.send_signal(signal.SIGTERM)
    assert demo.up.wait(timeout=300) == 0
    assert demo.processes() == []
    with case.healing():
        demo.start(patience_s=900)
        running.scores_again(now())
    running.judge(case, "up: Everything is stopped; minutes between are caught up with")


def test_everything_is_killed_and_started_again(running: Running, case: Case) -> None:
    case.inject("process", "kill -9 of `homepot-ai up`, its children left behind, then up again")
    demo = running.demo
    running.in_a_run()
    assert demo.up is not None
    demo.up.kill()
    demo.up.wait()
    with case.healing():
        demo.start(patience_s=900)
        running.scores_again(now())
    running.judge(case, "up: the last run was killed and left these behind")
