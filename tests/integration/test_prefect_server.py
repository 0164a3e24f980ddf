"""`homepot-ai up` as it is: a real server, real workers, a real database, killed and stopped.

One demo with a short history serves all tests of this module, in the order of the file: the
last ones break it and stop it. Everything lives in a folder of its own, on ports of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg
import pytest

from deployments import catalogue
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.store import embedded
from homepot_ai.store.database import Database
from tests.support import small_fleet

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
AUTH = "operator:Planted-Prefect-Password"
#: Looked for everywhere at the end. No word of them stands anywhere else.
PLANTED = {
    "HOMEPOT_AI_PREFECT__AUTH": AUTH,
    "HOMEPOT_AI_MAIL__PASSWORD": "Planted-Mail-Password",
    "HOMEPOT_AI_ALERTS__CHANNELS": '{"pager": "json://127.0.0.1:9/Planted-Channel-Token"}',
    "HOMEPOT_AI_API__LINK_SECRET": "Planted-Link-Secret",
    "HOMEPOT_AI_SECURITY__FIELD_KEY": "Planted-Field-Key-that-is-long-enough",
    "HOMEPOT_AI_BACKUP__PASSPHRASE": "Planted-Backup-Passphrase",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], T | None], patience_s: float, what: str) -> T:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    pytest.fail(f"not within {patience_s:.0f} s: {what}")


@dataclass
class Installation:
    """One state folder with its environment, and whatever was started on it."""

    var: Path
    env: dict[str, str]
    port: int
    up: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, profile: str) -> Installation:
        # Not pytest's folders: their length would break PostgreSQL's socket path.
        var = Path(tempfile.mkdtemp(prefix="hp-up-"))
        port = free_port()
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HOMEPOT_AI_", "PREFECT_"))
        }
        env = kept | {
            "HOMEPOT_AI_VAR_DIR": str(var),
            "HOMEPOT_AI_PROFILE": profile,
            "HOMEPOT_AI_PREFECT__PORT": str(port),
            **PLANTED,
            "HOMEPOT_AI_API__PORT": str(free_port()),
            "HOMEPOT_AI_DEMO__MAIL_PORT": str(free_port()),
            "HOMEPOT_AI_DEMO__HISTORY_DAYS": "2",
            "HOMEPOT_AI_DEMO__SCORED_DAYS": "1",
            "PYTHONPATH": str(ROOT),
            # A user's own choices must not reach our server.
            "PREFECT_API_URL": "http://127.0.0.1:9/api",
            "PREFECT_API_KEY": "somebody-elses",
        }
        return cls(var, env, port)

    def command(self, *arguments: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "homepot_ai.cli", *arguments],
            env=self.env, cwd=self.var, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def start(self, patience_s: float) -> float:
        """`homepot-ai up`, as a script starts it in the background: with SIGINT ignored."""
        begun = time.monotonic()
        output = (self.var / "up.out").open("wb")
        self.up = subprocess.Popen(
            ["bash", "-c", "trap '' INT; exec \"$0\" \"$@\"", sys.executable, "-m", "homepot_ai.cli", "up"],
            env=self.env, cwd=self.var, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

        def ready() -> bool:
            assert self.up is not None
            assert self.up.poll() is None, self.output()
            return "homepot-ai is up" in self.output()

        eventually(ready, patience_s, f"up:\n{self.output()}")
        return time.monotonic() - begun

    def output(self) -> str:
        return (self.var / "up.out").read_text(encoding="utf-8", errors="replace")

    def processes(self) -> list[str]:
        """Every process that has to do with this state folder, but this one."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("HOMEPOT_AI_VAR_DIR") == str(self.var)
                words = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if (mine or str(self.var) in words) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid}: {words}")
        return found

    def database(self) -> Database:
        url = embedded.running_url(self.var)
        assert url is not None
        return Database(url)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database().url, options="-c search_path=homepot_ai,public") as conn:
            return conn.execute(query).fetchall()

    def ask(self, route: str, **body: Any) -> Any:
        """As Prefect's own client asks: on SQLite a busy server says 503 or is silent, and means later."""
        deadline = time.monotonic() + 120
        while True:
            try:
                url = f"http://127.0.0.1:{self.port}/api/{route}"
                answer = httpx.post(url, json=body, auth=tuple(AUTH.split(":")), timeout=30)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    answer.raise_for_status()
                    return answer.json()
            except httpx.TimeoutException:
                if time.monotonic() > deadline:
                    raise
            assert time.monotonic() < deadline, f"{route}: busy for two minutes"
            time.sleep(0.5)

    def runs(self, deployment: str, *states: str) -> list[dict[str, Any]]:
        flow_runs: dict[str, Any] = {"state": {"name": {"any_": list(states)}}} if states else {}
        found: list[dict[str, Any]] = self.ask(
            "flow_runs/filter",
            flow_runs=flow_runs,
            deployments={"name": {"any_": [deployment]}},
            sort="EXPECTED_START_TIME_DESC",
        )
        return found

    def remove(self) -> None:
        if self.up is not None and self.up.poll() is None:
            self.up.terminate()
            self.up.wait(30)
        for line in self.processes():
            os.kill(int(line.partition(":")[0]), signal.SIGKILL)
        shutil.rmtree(self.var, ignore_errors=True)


@pytest.fixture(scope="module")
def demo() -> Iterator[Installation]:
    installation = Installation.make("demo")
    try:
        seconds = installation.start(patience_s=400)
        print(f"first start: {seconds:.1f} s")
        yield installation
    finally:
        installation.remove()


def test_everything_is_deployed_and_runs_are_scheduled_ahead(demo: Installation) -> None:
    deployed = {entry["name"]: entry for entry in demo.ask("deployments/filter")}
    assert set(deployed) == {entry.name for entry in catalogue.deployments(ROOT)}
    assert all("Runbook: docs/runbooks/" in entry["description"] for entry in deployed.values())
    zones = {schedule["schedule"]["timezone"] for schedule in deployed["daily-report"]["schedules"]}
    assert zones == {"America/New_York", "Asia/Singapore", "Europe/Berlin"}
    # With a library that breaks the scheduler, all the above is green and nothing is ever scheduled.
    for name in [name for name, entry in deployed.items() if entry["schedules"]]:

        def ahead(name: str = name) -> bool:
            return any(run["auto_scheduled"] for run in demo.runs(name, "Scheduled"))

        eventually(ahead, 240, f"scheduled runs of {name}")
    seconds = {run["expected_start_time"][17:19] for run in demo.runs("score-health", "Scheduled")}
    assert seconds == {"15"}


def test_no_secret_and_no_path_of_this_machine_is_in_the_server(demo: Installation) -> None:
    pools = demo.ask("work_pools/filter")
    deployed = demo.ask("deployments/filter")
    assert str(ROOT) not in json.dumps(deployed)
    assert str(ROOT) not in json.dumps(pools)
    blocks = demo.ask("block_documents/filter")
    fleet = next(block for block in blocks if block["name"] == "fleet")
    assert set(fleet["data"]["url"]) == {"*"}


def test_yesterdays_reports_arrive_by_mail(demo: Installation) -> None:
    def reports() -> list[Any]:
        # What is ill at the start is told by mails of its own.
        return [mail for mail in list_mails(demo.var / "mail") if "daily" in mail.subject]

    mails = eventually(reports, 400, f"a report by mail\n{demo.output()}")
    assert all(b"application/pdf" in mail.path.read_bytes() for mail in mails)


def test_the_door_answers_and_has_a_report_made_that_nobody_made_yet(demo: Installation) -> None:
    door = httpx.Client(base_url=f"http://127.0.0.1:{demo.env['HOMEPOT_AI_API__PORT']}", timeout=120)

    def listens() -> bool:
        try:
            return door.get("/health").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    eventually(listens, 240, f"the door\n{demo.output()}")
    answer = door.post("/api/ai/query", json={"question": "how many devices are there?"})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json()["grounded"]["figures"] > 0

    def asked() -> dict[str, Any] | None:
        made = door.get("/api/ai/report/13", params={"report_type": "weekly"})
        # A busy scheduler that does not answer in time is told as such, and asked again.
        assert made.status_code in {httpx.codes.ACCEPTED, httpx.codes.SERVICE_UNAVAILABLE}, made.text
        return made.json() if made.status_code == httpx.codes.ACCEPTED else None

    follow = eventually(asked, 240, "a run that makes a report")["follow"]

    def result() -> dict[str, Any] | None:
        run = door.get(follow)
        return run.json().get("result") if run.status_code == httpx.codes.OK else None

    report = eventually(result, 400, f"the report\n{demo.output()}")
    assert (report["device_id"], report["report_type"]) == (13, "weekly")
    assert (
        door.get("/api/ai/report/13", params={"report_type": "weekly"}).json()["report_id"]
        == report["report_id"]
    )


def test_a_scheduled_minute_completes(demo: Installation) -> None:
    def completed() -> list[dict[str, Any]]:
        return [run for run in demo.runs("score-health", "Completed") if run["auto_scheduled"]]

    run = eventually(completed, 400, "a scheduled score-health run")[0]
    [(newest,)] = demo.rows("SELECT max(at) FROM ai_scoring_minutes")
    # A scheduled run scores up to the minute that it was meant for, however late a busy machine starts it.
    assert newest >= datetime.fromisoformat(run["expected_start_time"]) - timedelta(minutes=2)


def test_run_goes_through_the_worker_and_shows_the_outcome(demo: Installation) -> None:
    done = demo.command("run", "clean-event-cache", "-p", "dry_run=true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "through the server" in done.stdout
    assert "counted only (dry run)" in done.stdout


def test_run_refuses_what_it_does_not_know(demo: Installation) -> None:
    unknown = demo.command("run", "score-heath")
    assert unknown.returncode == 1
    assert "score-health" in unknown.stdout + unknown.stderr
    wrong = demo.command("run", "deliver", "-p", "limit=0")
    assert wrong.returncode == 1
    assert "limit" in wrong.stdout + wrong.stderr
    assert "Traceback" not in wrong.stdout + wrong.stderr
    strange = demo.command("run", "deliver", "-p", "limits=5")
    assert strange.returncode == 1
    assert "has no parameter limits; it has: at, limit" in strange.stdout + strange.stderr


def test_a_second_up_says_who_is_there(demo: Installation) -> None:
    second = demo.command("up")
    assert second.returncode == 1
    assert demo.up is not None
    message = second.stdout + second.stderr
    assert f"kill {demo.up.pid}" in message
    assert "HOMEPOT_AI_VAR_DIR" in message
    assert demo.up.poll() is None


def test_a_port_in_use_says_by_whom_and_what_to_do(demo: Installation) -> None:
    other = Installation.make("default")
    other.env["HOMEPOT_AI_PREFECT__PORT"] = str(demo.port)
    try:
        refused = other.command("up")
        message = refused.stdout + refused.stderr
        assert refused.returncode == 1
        assert f"HOMEPOT_AI_PREFECT__PORT={demo.port + 1}" in message
        assert "prefect_server server start" in message
        assert other.processes() == []
    finally:
        other.remove()


def test_a_worker_killed_in_the_middle_of_a_run_leaves_no_gap(demo: Installation) -> None:
    worker = next(
        process
        for process in psutil.process_iter()
        if "worker" in (words := process.cmdline())
        and "minute" in words
        and process.environ().get("HOMEPOT_AI_VAR_DIR") == str(demo.var)
    )
    [deployment] = demo.ask("deployments/filter", deployments={"name": {"any_": ["score-health"]}})

    def caught() -> dict[str, Any] | None:
        """A run in its middle, its processes frozen: a minute scored already takes a second only."""
        running = demo.runs("score-health", "Running")
        if not running:
            return None
        os.killpg(worker.pid, signal.SIGSTOP)
        time.sleep(0.5)
        if still := demo.runs("score-health", "Running"):
            return still[0]
        os.killpg(worker.pid, signal.SIGCONT)
        return None

    demo.ask(f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})
    victim = eventually(caught, 400, "a run in its middle")
    os.killpg(worker.pid, signal.SIGKILL)
    killed = datetime.now(UTC)

    def healed() -> bool:
        [(newest,)] = demo.rows("SELECT max(at) FROM ai_scoring_minutes")
        return bool(newest > killed)

    def said() -> bool:
        return "died with their worker" in demo.output()

    # Without that, the killed run would hold its place for five minutes.
    eventually(said, 120, f"the supervisor's word on the killed run\n{demo.output()[-4000:]}")
    eventually(healed, 300, f"scoring after the kill\n{demo.output()[-4000:]}")
    [(gaps,)] = demo.rows(
        "SELECT count(*) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS step FROM ai_scoring_minutes "
        "WHERE at > now() - interval '20 minutes') AS steps WHERE step > interval '1 minute'"
    )
    assert gaps == 0
    assert "worker-minute ended" in demo.output()
    state = demo.ask("flow_runs/filter", flow_runs={"id": {"any_": [victim["id"]]}})[0]["state"]["type"]
    assert state == "CRASHED"


def test_planted_secrets_are_nowhere(demo: Installation) -> None:
    """In no database, file, mail, log, list of processes, page or message; what fails tells none either."""
    token = demo.command("token", "make", "planted", "--scope", "metrics").stdout
    secret = re.search(r"hpa_[\w-]+", token)
    assert secret, token
    said = [demo.output()]
    for words in (
        ["settings"], ["doctor"], ["status"], ["audit"], ["outbox"], ["token", "list"],
        ["run", "custom-report", "-p", "start=2020-01-01", "-p", "end=2020-01-02", "-p", "site=nowhere"],
    ):  # fmt: skip
        done = demo.command(*words)
        said += [done.stdout, done.stderr]
    door = f"http://127.0.0.1:{demo.env['HOMEPOT_AI_API__PORT']}"
    for route in ("openapi.json", "metrics", "api/ai/status", "no/such/page"):
        said.append(httpx.get(f"{door}/{route}", timeout=60).text)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            said.append(" ".join(process.cmdline()))
    with psycopg.connect(demo.database().url) as conn:
        tables = conn.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'pg_catalog'")
        for schema, table in tables.fetchall():
            ours = [row for (row,) in conn.execute(f'SELECT t::text FROM "{schema}"."{table}" t')]
            said += ours
            if schema == "homepot_ai":
                # Sealed, since there is a key. A Message-ID is no address of anybody.
                bare = [re.sub(r"<[^<>@\s]+\.[0-9a-f]{16}@homepot\.example>", "", row) for row in ours]
                assert [row for row in bare if "@homepot.example" in row and table != "ai_audit_log"] == []
    for mail in (demo.var / "mail").glob("*.eml"):
        for part in message_from_bytes(mail.read_bytes()).walk():
            said.append((part.get_payload(decode=True) or b"").decode("utf-8", "replace"))
    markers = [word.encode() for word in re.findall(r"Planted-[\w-]+", " ".join(PLANTED.values()))]
    markers.append(secret[0].encode())
    assert len(markers) == len(PLANTED) + 1
    for marker in markers:
        assert [text[:300] for text in said if marker.decode() in text] == []
    for path in demo.var.rglob("*"):
        # Prefect's own database, its blocks and logs, PostgreSQL's files, mails, reports: byte by byte.
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes() if path.is_file() else b""
            assert [path for marker in markers if marker in content] == []


def test_nobody_else_may_look_into_the_state_folder(demo: Installation) -> None:
    assert demo.var.stat().st_mode & 0o077 & ~0o011 == 0
    open_ = [path for path in demo.var.glob("*") if path.is_dir() and path.stat().st_mode & 0o077]
    assert open_ == []


def test_prefects_server_lets_in_who_knows_the_login(demo: Installation) -> None:
    url = f"http://127.0.0.1:{demo.port}/api"
    assert httpx.get(f"{url}/health").status_code == httpx.codes.OK
    for wrong in (None, ("operator", "guessed-password")):
        for route in ("deployments/filter", "block_documents/filter", "flow_runs/filter"):
            answer = httpx.post(f"{url}/{route}", json={}, auth=wrong)
            assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_stopping_leaves_no_process(demo: Installation) -> None:
    assert demo.up is not None
    assert len(demo.processes()) >= 4
    demo.up.send_signal(signal.SIGTERM)
    assert demo.up.wait(timeout=120) == 0
    assert demo.output().rstrip().endswith("Everything is stopped.")
    assert demo.processes() == []
    assert embedded.running_url(demo.var) is None


def about_the_fleet(demo: Installation) -> list[Any]:
    """Mails but those of alarms: that runs were killed is told, and rightly."""
    return [mail for mail in list_mails(demo.var / "mail") if "ops@homepot.example" not in mail.recipient]


def test_a_second_start_sends_nothing_again_and_a_killed_one_is_cleaned_up_after(demo: Installation) -> None:
    mails = len(about_the_fleet(demo))
    demo.start(patience_s=240)  # 10-20 s on two free cores; here others use them too
    assert demo.up is not None
    demo.up.kill()
    demo.up.wait()
    assert demo.processes(), "what a killed supervisor leaves behind"
    demo.start(patience_s=240)
    assert "was killed and left these behind" in demo.output()
    assert len([line for line in demo.processes() if "server start" in line]) == 1
    assert len(about_the_fleet(demo)) == mails, "nothing is mailed twice"
    demo.up.send_signal(signal.SIGINT)
    assert demo.up.wait(timeout=120) == 0
    assert demo.processes() == []


def test_run_without_anything_running(demo: Installation) -> None:
    done = demo.command("run", "score-health")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in this process" in done.stdout
    assert demo.processes() == []
    assert embedded.running_url(demo.var) is None


def test_three_shards_and_two_workers_score_each_device_once_a_minute() -> None:
    """Whoever of the workers takes a shard's run: no device is left out, none is scored twice."""
    split = Installation.make("default")
    split.env["HOMEPOT_AI_SCORING__SHARDS"] = "3"
    split.env["HOMEPOT_AI_API__ENABLED"] = "false"
    second: subprocess.Popen[bytes] | None = None
    try:
        split.start(patience_s=400)
        small_fleet(split.database(), devices=30)
        second = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", "minute"],
            # The pool says `python`: the one with the libraries, as in an activated environment.
            env=split.env | {
                "PREFECT_API_URL": f"http://127.0.0.1:{split.port}/api",
                "PREFECT_API_KEY": "",
                "PREFECT_API_AUTH_STRING": AUTH,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
            cwd=split.var, stdout=(split.var / "second.out").open("wb"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        names = [f"score-health-{number}" for number in (1, 2, 3)]
        deployed = {entry["name"]: entry for entry in split.ask("deployments/filter")}
        assert set(names) <= set(deployed)
        assert "score-health" not in deployed

        # All of them at once, whichever worker takes which; then a minute that the schedule brings.
        by_hand = split.command("run", "score-health", timeout=240)
        said = (split.var / "second.out").read_text(errors="replace")[-6000:] + split.output()[-6000:]
        assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr + said
        for name in names:
            assert f"{name}: Completed" in by_hand.stdout or f"{name}: Skipped" in by_hand.stdout

        def minutes() -> list[tuple[Any, ...]]:
            # Minutes of the whole fleet, as every shard's own record has them.
            return split.rows(
                "SELECT at, count(DISTINCT shard), sum(devices) FROM ai_scoring_minutes "
                "WHERE at > (SELECT min(at) FROM ai_health_scores) GROUP BY at HAVING sum(devices) = 30"
            )

        def scheduled() -> bool:
            return all(any(run["auto_scheduled"] for run in split.runs(name, "Completed")) for name in names)

        eventually(
            lambda: len(minutes()) >= 2 and scheduled(), 300, f"two minutes of all three shards\n{said}"
        )
        assert {count for _, count, _ in minutes()} == {3}
        moments = [at for at, *_ in minutes()]
        scored = split.rows("SELECT at, device_id FROM ai_health_scores")
        for moment in moments:
            assert sorted(device for at, device in scored if at == moment) == list(range(1, 31))
    finally:
        if second is not None:
            second.kill()  # its runs are still waited for after a SIGTERM; `remove` ends those
            second.wait(30)
        split.remove()
