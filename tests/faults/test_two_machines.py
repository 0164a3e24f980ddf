"""Two machines share the shards of a fleet, and one of them dies: what is lost.

The machines are network namespaces with an address each: what they share is what goes over the wire,
Prefect's server on a PostgreSQL of its own and the fleet's database. Nothing runs on both.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import pytest

from homepot_ai.store.database import Database
from tests import debian_postgres
from tests.faults.record import Case
from tests.support import small_fleet

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
DEVICES, SHARDS = 30, 2
LOGIN = "operator:a-password-of-tests"
T = TypeVar("T")


def eventually(look: Callable[[], T | None], patience_s: float, what: Callable[[], str]) -> T:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    pytest.fail(f"not within {patience_s:.0f} s: {what()}")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_no_namespaces() -> str | None:
    """Why this machine does not allow what the test makes."""
    if shutil.which("ip") is None:
        return "the program ip (iproute2) is not here"
    name = f"hpq{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1")
        ip("link", "del", f"{name}0")
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed here: {error.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return None


@dataclass
class Network:
    """A bridge with machines on it; the host has the first address."""

    name: str
    prefix: str
    machines: list[str] = field(default_factory=list)

    @classmethod
    def make(cls) -> Network:
        number = os.getpid() % 200 + 20
        network = cls(f"hp{number}", f"10.213.{number}")
        ip("link", "add", network.name, "type", "bridge")
        ip("addr", "add", f"{network.host}/24", "dev", network.name)
        ip("link", "set", network.name, "up")
        return network

    @property
    def host(self) -> str:
        return f"{self.prefix}.1"

    def machine(self) -> str:
        """A new one, with loopback and one cable."""
        number = len(self.machines) + 2
        name = f"{self.name}m{number}"
        ip("netns", "add", name)
        self.machines.append(name)
        ip("link", "add", f"{name}o", "type", "veth", "peer", "name", f"{name}i")
        ip("link", "set", f"{name}o", "master", self.name, "up")
        ip("link", "set", f"{name}i", "netns", name)
        ip("-n", name, "addr", "add", f"{self.prefix}.{number}/24", "dev", f"{name}i")
        ip("-n", name, "link", "set", f"{name}i", "up")
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def processes(self, machine: str) -> list[int]:
        found = subprocess.run(["ip", "netns", "pids", machine], check=True, capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def pull_the_plug(self, machine: str) -> int:
        """Everything on a machine ends at once, without a word."""
        pids = self.processes(machine)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def remove(self) -> None:
        for machine in self.machines:
            self.pull_the_plug(machine)
            ip("netns", "del", machine)
        ip("link", "del", self.name)


@dataclass
class Site:
    """A server and its database on the host, machines beside it."""

    network: Network
    folder: Path
    env: dict[str, str]
    database: Database
    url: str
    stack: ExitStack

    def start(self, name: str, *words: str, machine: str | None = None) -> subprocess.Popen[bytes]:
        """One of our commands, on the host or on a machine, its output in a file of its own."""
        # A machine has a host name and a state folder of its own; nothing of it is shared.
        where = ["ip", "netns", "exec", machine, "unshare", "--uts", "--", "sh", "-c",
                 f'hostname {name}; exec "$0" "$@"'] if machine else []  # fmt: skip
        (self.folder / name).mkdir()
        process = subprocess.Popen(
            [*where, sys.executable, "-m", "homepot_ai.cli", *words],
            env=self.env | {"HOMEPOT_AI_VAR_DIR": str(self.folder / name)}, cwd=self.folder,
            stdout=(self.folder / f"{name}.out").open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.stack.callback(end, process)
        return process

    def said(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in self.folder.glob("*.out")
        )

    def ask(self, route: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{route}",
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.admin() as conn:
            return conn.execute(query, values).fetchall()

    def whole_minutes(self) -> list[datetime]:
        """Minutes that were scored for the whole fleet."""
        found = self.rows(
            "SELECT at FROM ai_scoring_minutes GROUP BY at HAVING count(DISTINCT shard) = %s "
            "AND sum(devices) = %s ORDER BY at", SHARDS, DEVICES,
        )  # fmt: skip
        return [at for (at,) in found]


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


@pytest.fixture
def site() -> Iterator[Site]:
    if reason := debian_postgres.why_not() or why_no_namespaces():
        pytest.skip(reason)
    with ExitStack() as stack:
        network = Network.make()
        stack.callback(network.remove)
        postgres = stack.enter_context(debian_postgres.cluster(network.host))
        folder = Path(tempfile.mkdtemp(prefix="hp-two-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with socket.socket() as probe:
            probe.bind((network.host, 0))
            port = probe.getsockname()[1]
        url = f"http://{network.host}:{port}/api"
        fleet, schedules = postgres.make_database("homepot"), postgres.make_database("prefect")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HOMEPOT_AI_", "PREFECT_"))
        }
        env = inherited | {
            "HOMEPOT_AI_PROFILE": "default",
            "HOMEPOT_AI_DATABASE_URL": fleet,
            "HOMEPOT_AI_PREFECT__HOST": network.host,
            "HOMEPOT_AI_PREFECT__PORT": str(port),
            "HOMEPOT_AI_PREFECT__URL": url,
            "HOMEPOT_AI_PREFECT__AUTH": LOGIN,
            "HOMEPOT_AI_PREFECT__DATABASE_URL": schedules,
            "HOMEPOT_AI_SCORING__SHARDS": str(SHARDS),
            "HOMEPOT_AI_OLLAMA__ENABLED": "false",
            "PYTHONPATH": str(ROOT),
        }
        yield Site(network, folder, env, Database(fleet), url, stack)


def test_two_machines_share_the_fleet_and_one_dies(
    site: Site, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.inject("process", "one of two machines with workers is gone (kill -9 of all of it) while it scores")
    with site.database.admin() as conn:
        conn.execute("SET search_path = public")
        conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
    site.start("server", "server")
    setup = site.start("setup", "setup")
    assert setup.wait(240) == 0, site.said()
    small_fleet(site.database, devices=DEVICES)

    machines = [site.network.machine(), site.network.machine()]
    for number, machine in enumerate(machines, 1):
        site.start(f"host{number}", "worker", "--pool", "minute", machine=machine)

    def both_work() -> bool:
        workers = site.ask("work_pools/minute/workers/filter")
        return {one["name"] for one in workers if one["status"] == "ONLINE"} == {
            "host1-minute",
            "host2-minute",
        }

    eventually(both_work, 120, site.said)
    begun = eventually(lambda: (whole := site.whole_minutes())[1:] and whole, 400, site.said)[0]

    def caught() -> list[str]:
        """The first machine in the middle of scoring."""
        running = []
        for pid in site.network.processes(machines[0]):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                name = Path(f"/proc/{pid}/environ").read_bytes().decode()
            except OSError:
                continue  # it ended meanwhile
            if "prefect.engine" in words and "PREFECT__FLOW_RUN_ID" in name:
                running.append(name.partition("PREFECT__FLOW_RUN_ID=")[2].split("\0")[0])
        runs = site.ask("flow_runs/filter", flow_runs={"id": {"any_": running}}) if running else []
        return [
            run["id"]
            for run in runs
            if run["state"]["type"] == "RUNNING" and run["parameters"].get("shard") is not None
        ]

    victims = eventually(caught, 400, site.said)
    died = site.network.pull_the_plug(machines[0])
    killed = datetime.now(UTC)
    assert died >= 2

    # Five minutes after it, all of them are there, the one in whose middle it died among them.
    last = killed.replace(second=0, microsecond=0) + timedelta(minutes=5)
    with case.healing():
        healed = eventually(lambda: last in site.whole_minutes() and datetime.now(UTC), 600, site.said)
    expected = [begun + timedelta(minutes=n) for n in range(int((last - begun) / timedelta(minutes=1)) + 1)]
    whole = site.whole_minutes()
    missing = [at for at in expected if at not in whole]
    twice = site.rows(
        "SELECT at, device_id FROM ai_health_scores WHERE at BETWEEN %s AND %s "
        "GROUP BY 1, 2 HAVING count(*) > 1",
        begun, last,
    )  # fmt: skip
    scored = dict(site.rows(
        "SELECT at, count(DISTINCT device_id) FROM ai_health_scores WHERE at BETWEEN %s AND %s GROUP BY 1",
        begun, last,
    ))  # fmt: skip
    lost = sum(DEVICES - scored.get(at, 0) for at in expected)
    case.judge(
        lost=max(lost, len(missing)), twice=len(twice),
        of=f"{len(expected) * DEVICES} device-minutes in 2 shards",
        told="check-services: runs; the other machine goes on; run Crashed",
    )  # fmt: skip

    # By whom, and when: what docs/scaling.md tells.
    late = site.rows(
        "SELECT extract(epoch FROM max(scored_at - at))::int FROM ai_scoring_minutes "
        "WHERE at BETWEEN %s AND %s",
        begun, last,
    )  # fmt: skip
    runs = site.ask("flow_runs/filter", flow_runs={"id": {"any_": victims}})
    with capsys.disabled():
        print(
            f"\n{len(expected)} minutes x {DEVICES} devices in {SHARDS} shards; {died} processes killed at "
            f"{killed:%H:%M:%S}, in the middle of {', '.join(run['name'] for run in runs)}; minutes lost: 0; "
            f"scored twice: 0; the latest minute was scored {late[0][0]} s after its end; "
            f"watched until {healed:%H:%M:%S}; states of the killed runs: "
            f"{', '.join(run['state']['name'] for run in runs)}"
        )
