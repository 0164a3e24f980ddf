"""A fleet to do harm to, with PostgreSQL, Prefect and a mail server of its own, and a row for each fault."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from homepot_ai.settings import Settings
from homepot_ai.store import embedded, migrate
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests.faults.record import Case, write

ROOT = Path(__file__).resolve().parents[2]
#: The sample fleet was loaded as it stood here; until then it is scored.
NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
MINUTES_DUE = 10
_passed = pytest.StashKey[bool]()
#: Files that take longest; `scripts/test --faults` gives each worker a file at a time.
LONGEST = ("test_fault_running.py", "test_fault_kill.py", "test_two_machines.py", "test_two_pods.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if call.when == "call":
        item.stash[_passed] = report.passed
    return report


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    """The row of this test's fault."""
    made = Case(request.node.name)
    yield made
    passed = request.node.stash.get(_passed, False)
    write(made, passed=passed)
    if passed:
        assert made.lost == 0, f"{made.test} ended without a judgement"


@dataclass
class Bed:
    """A loaded fleet, and everything that a run of a flow needs.

    Attributes:
        url: of the server; each test clones `loaded` into a database of its own.
        driver: runs flows, each in a process of its own.
    """

    var: Path
    server: embedded.EmbeddedServer
    sink: MailSink
    driver: subprocess.Popen[str]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def clone(self, template: str = "loaded") -> Copy:
        name = f"copy_{next(self.numbers)}"
        with psycopg.connect(self.server.url, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return Copy(self, name, self.server.url.replace("/homepot?", f"/{name}?"), self.var / name)

    def job(self, **job: Any) -> dict[str, Any]:
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        self.driver.stdin.write(json.dumps(job) + "\n")
        self.driver.stdin.flush()
        answer = json.loads(self.driver.stdout.readline())
        assert answer.get("state") != "Broken", answer["message"]
        return dict(answer)


@dataclass
class Copy:
    """One fleet of a test's own."""

    bed: Bed
    name: str
    url: str
    var: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return Database(self.url)

    @property
    def settings(self) -> Settings:
        return Settings(var_dir=self.var)

    def run(
        self,
        flow: str,
        at: datetime,
        kill_after: int | None = None,
        *,
        machine_ahead_s: float = 0.0,
        **parameters: Any,
    ) -> dict[str, Any]:
        """One run of a flow in a process of its own; with `kill_after` it dies at that point.

        Args:
            machine_ahead_s: how far the clock of the machine that runs it is ahead.
        """
        environment = {
            "HOMEPOT_AI_DATABASE_URL": self.url,
            "HOMEPOT_AI_VAR_DIR": str(self.var),
            "HOMEPOT_AI_MAIL__PORT": str(self.bed.sink.port),
            "HOMEPOT_AI_OLLAMA__ENABLED": "false",
            "HOMEPOT_AI_REPORTS__TIMEZONE": "Europe/Berlin",
            "HOMEPOT_AI_MEMORY__LOCK_SECONDS": "5",
        }
        return self.bed.job(
            flow=flow, parameters=parameters, clock=at.isoformat(), kill_after=kill_after,
            machine_ahead_s=machine_ahead_s,
            environment=environment | self.environment,
        )  # fmt: skip

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.admin() as conn:
            return conn.execute(query, parameters).fetchall()

    def drop(self) -> None:
        with psycopg.connect(self.bed.server.url, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        shutil.rmtree(self.var, ignore_errors=True)


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """The sample fleet with nine days of telemetry and a scored one; servers of mail and of Prefect."""
    # Who writes such tests names a folder that is kept: loading takes a minute.
    kept = os.environ.get("HOMEPOT_AI_FAULTS_BED")
    var = Path(kept or tempfile.mkdtemp(prefix="hp-bed-"))
    server = embedded.start(var)
    started: list[subprocess.Popen[Any]] = []
    try:
        if not (var / "loaded").exists():
            _load(var, server)
            (var / "loaded").touch()
        with MailSink(var / "mail") as sink:
            environment, prefect = _prefect(var)
            started.append(prefect)
            driver = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.driver"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(var / "driver.log").open("w"),
                env=environment, cwd=ROOT, text=True,
            )  # fmt: skip
            started.append(driver)
            assert driver.stdout is not None
            assert json.loads(driver.stdout.readline()) == {"ready": True}
            yield Bed(var, server, sink, driver)
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()
        server.stop()
        if not kept:
            shutil.rmtree(var, ignore_errors=True)


def _load(var: Path, server: embedded.EmbeddedServer) -> None:
    from homepot_ai.health import learning
    from homepot_ai.testing import sample

    settings = Settings(var_dir=var, demo={"history_days": 9})
    database = Database(server.url)
    sample.create_homepot_tables(database, settings)
    migrate.upgrade(database, may_add_indexes=True)
    sample.load(database, settings, NOW)
    scored = NOW - timedelta(minutes=MINUTES_DUE)
    learning.backfill(database, settings, scored - timedelta(days=1), scored, now=scored)
    with psycopg.connect(server.url.replace("/homepot?", "/postgres?"), autocommit=True) as conn:
        conn.execute("CREATE DATABASE loaded TEMPLATE homepot")


def _prefect(var: Path) -> tuple[dict[str, str], subprocess.Popen[Any]]:
    """The environment of a worker, and the server that it talks to."""
    import socket

    from deployments import supervisor
    from deployments.environment import child_environment

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = Settings(var_dir=var, prefect={"port": port})
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HOMEPOT_AI_", "PREFECT_"))}
    environment = child_environment(settings, inherited) | {"PREFECT_LOGGING_LEVEL": "WARNING"}
    (var / "prefect").mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(
        supervisor.server_command(settings),
        stdout=(var / "prefect.log").open("w"), stderr=subprocess.STDOUT, env=environment, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=2).status_code == httpx.codes.OK:
                return environment, server
        except httpx.HTTPError:
            pass
        assert server.poll() is None, (var / "prefect.log").read_text()
        assert time.monotonic() < deadline, "the Prefect server does not answer"
        time.sleep(0.3)


@pytest.fixture
def fleet(bed: Bed) -> Iterator[Copy]:
    """A fleet of the test's own, ten minutes of which are not scored yet."""
    copy = bed.clone()
    yield copy
    copy.drop()
