"""Two pods beside each other: one Prefect server, one database, nothing else in common.

Both are brought up as an operator does it, once for all tests of this module, in the order of the file:
the last ones break one of them and take it away.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import yaml

from deployments import environment, lock, supervisor
from deployments.doors import answers
from deployments.pod import profiles, rendering
from homepot_ai.answers.prefect_api import PrefectApi
from homepot_ai.errors import NotMigrated
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store import migrate, tokens
from homepot_ai.store import pods as sharing
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests import mail_helpers
from tests.faults.record import Case
from tests.support import small_fleet, telemetry, wave

# Two whole installations: with the fault matrix, not with every run.
pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
DEVICES = {"podeast": 3, "podwest": 5}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Host:
    """The host's side: its settings, its Prefect server, and the pods as files."""

    folder: Path
    settings: Settings
    env: dict[str, str]
    server: subprocess.Popen[bytes]

    def command(self, *words: str, good: bool = True) -> str:
        done = subprocess.run(
            rendering.command("pod", *words), env=self.env, cwd=self.folder, capture_output=True, text=True,
            timeout=1200, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) == good, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pod(self, name: str) -> Settings:
        assert self.settings.pods_dir is not None
        pod = profiles.load(self.settings.pods_dir, name)
        file = rendering.var_dir(pod, self.settings) / "run" / "settings.yaml"
        return rendering.settings_of(pod, self.settings, file)

    def database(self, name: str) -> Database:
        return Database.from_settings(self.pod(name))

    def ask(self, route: str, **body: Any) -> Any:
        answer = httpx.post(f"{self.settings.prefect.api_url}/{route}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()


def login(url: str, name: str) -> str:
    """A database's owner gives a pod a login, as docs/pods.md says, and a fleet of its own."""
    roles = [f"{name}_reader", f"{name}_writer", f"{name}_asker"]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {name} LOGIN")
        for role in roles:
            conn.execute(f"CREATE ROLE {role} NOLOGIN")
        conn.execute(f"GRANT {', '.join(roles)} TO {name}")
        conn.execute(f"GRANT CREATE ON DATABASE two_pods TO {name}")
        conn.execute(f"CREATE SCHEMA {name}_homepot AUTHORIZATION {name}")
        conn.execute(f"SET ROLE {name}")
        text = files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text()
        conn.execute(text.replace("public.", f"{name}_homepot."))
    return psycopg.conninfo.make_conninfo(url, user=name)


@pytest.fixture(scope="module")
def host(postgres: str) -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="hp-pods-"))
    port = free_port()
    ours = ("HOMEPOT_AI_", "PREFECT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env = kept | {
        "PYTHONPATH": str(ROOT),
        "HOMEPOT_AI_VAR_DIR": str(folder / "var"),
        "HOMEPOT_AI_PODS_DIR": str(folder / "pods"),
        "HOMEPOT_AI_PREFECT__PORT": str(port),
        "HOMEPOT_AI_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nowhere",
    }
    (folder / "pods").mkdir()
    (folder / "var" / "prefect").mkdir(parents=True)
    with rendering.within(env):
        settings = load_settings()
        child = environment.child_environment(settings)
    server = subprocess.Popen(
        supervisor.server_command(settings), env=child, cwd=folder, start_new_session=True,
        stdout=(folder / "server.out").open("wb"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    made = Host(folder, settings, env, server)
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute("CREATE DATABASE two_pods")
    url = postgres.replace("/homepot?", "/two_pods?")
    sinks = ExitStack()
    try:
        for name, devices in DEVICES.items():
            own = login(url, name)
            sink = sinks.enter_context(MailSink(folder / f"mail-{name}"))
            profile = {
                "description": f"The fleet of {name}",
                "settings": {
                    "database": {"homepot_schema": f"{name}_homepot"},
                    "api": {"enabled": False},
                    "ollama": {"enabled": False},
                    "scoring": {"warmup_days": 0},
                    "mail": {
                        "port": sink.port,
                        "sender": f"{name} <{name}@example.org>",
                    },
                },
                "recipients": [{"email": f"ops@{name}.example", "kind": "daily"}],
            }
            file = folder / "pods" / f"{name}.yaml"
            file.write_text(yaml.safe_dump(profile))
            secrets = file.with_suffix(".env")
            secrets.write_text(f"HOMEPOT_AI_DATABASE_URL={own}\n")
            secrets.chmod(0o600)
            db = Database(own, name, f"{name}_homepot")
            migrate.upgrade(db)
            small_fleet(db, devices=devices)
        deadline = time.monotonic() + 300
        while not answers(f"{settings.prefect.api_url}/health"):
            assert server.poll() is None, (folder / "server.out").read_text()[-3000:]
            assert time.monotonic() < deadline, "the Prefect server"
            time.sleep(0.5)
        yield made
    finally:
        sinks.close()
        for line in processes_of(folder):
            os.kill(line.pid, signal.SIGKILL)
        server.kill()
        server.wait(30)
        with psycopg.connect(postgres, autocommit=True) as conn:
            conn.execute("DROP DATABASE two_pods WITH (FORCE)")
            for name in DEVICES:
                roles = (f"{name}_reader", f"{name}_writer", f"{name}_asker", name)
                conn.execute(f"DROP ROLE IF EXISTS {', '.join(roles)}")
        shutil.rmtree(folder, ignore_errors=True)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Everything that has to do with this folder, but this process."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = any(str(folder) in value for value in process.environ().values())
        except psutil.Error:
            continue
        if mine and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def fresh_telemetry(db: Database, devices: int) -> None:
    """The last minutes of a calm fleet."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    telemetry(db, now - timedelta(minutes=4), 5, range(1, devices + 1), cpu_percent=wave(20))


def scored(db: Database) -> set[int]:
    with db.reader() as conn:
        return {row[0] for row in conn.execute("SELECT DISTINCT device_id FROM ai_health_scores").fetchall()}


def test_both_come_up(host: Host) -> None:
    said = host.command("up", *DEVICES, "--detach")
    for name in DEVICES:
        assert f"{name} is up" in said
    listed = host.command("list").splitlines()
    assert [line.split()[:3] for line in listed[-2:]] == [[name, "up", name] for name in DEVICES]
    names = {entry["name"] for entry in host.ask("deployments/filter")}
    assert {name.partition(".")[0] for name in names} == set(DEVICES)
    pools = {entry["name"] for entry in host.ask("work_pools/filter")}
    assert pools == {f"{name}-{pool}" for name in DEVICES for pool in ("minute", "batch")}


def test_each_scores_its_own_fleet(host: Host) -> None:
    for name, devices in DEVICES.items():
        fresh_telemetry(host.database(name), devices)
        said = host.command("exec", name, "run", "score-health", "--timeout", "300")
        assert "through the server" in said
    for name, devices in DEVICES.items():
        assert scored(host.database(name)) == set(range(1, devices + 1))


def test_each_mails_its_own_people(host: Host) -> None:
    for name in DEVICES:
        with host.database(name).reader() as conn:
            known = conn.execute("SELECT email, kind FROM ai_subscriptions").fetchall()
        assert known == [(f"ops@{name}.example", "daily")]
        one = mail_helpers.mail(name, recipient=f"ops@{name}.example")
        mail_helpers.queue(host.database(name), one, now=datetime.now(UTC))
        # The scheduled sender may have been first: then this one finds nothing to do.
        host.command("exec", name, "run", "deliver", "--timeout", "300")
    for name in DEVICES:
        folder = host.folder / f"mail-{name}"
        ids = list(mail_helpers.received(folder))
        assert ids.count(f"<{name}@homepot.example>") == 1
        # Beside it at most what its own schedules made meanwhile, and nothing for anybody else.
        assert len(ids) == len(set(ids))
        mails = [mail.path.read_text(errors="replace") for mail in list_mails(folder)]
        assert all(f"ops@{name}.example" in mail for mail in mails)
        others = [other for other in DEVICES if other != name]
        assert not [other for other in others for mail in mails if f"@{other}.example" in mail]


def test_no_role_and_no_login_of_one_reads_anything_of_the_other(host: Host) -> None:
    east, west = host.database("podeast"), host.database("podwest")
    assert sharing.others_seen(east) == []
    wanted = [
        "SELECT * FROM podwest.ai_health_scores",
        "SELECT * FROM podwest_ask.ai_health_scores",
        "SELECT * FROM podwest_homepot.devices",
        "UPDATE podwest_homepot.alerts SET title = 'x'",
        "DELETE FROM podwest.ai_mail_outbox",
    ]
    for way in (east.admin, east.reader, east.writer, lambda: east.asker(None)):
        for statement in wanted:
            with way() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
    for role in (west.reader_role, west.writer_role, west.asker_role, "podwest"):
        with east.admin() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"SET ROLE {role}")
    # The other's schema with one's own login.
    with pytest.raises(NotMigrated), Database(east.url, "podwest", "podwest_homepot").reader():
        pass


def test_a_token_of_one_opens_nothing_of_the_other(host: Host) -> None:
    east, west = host.database("podeast"), host.database("podwest")
    now = datetime.now(UTC)
    with east.writer() as conn:
        secret = tokens.make(
            conn, "dashboard", scopes=["read"], sites=None, user=None, expires_at=None, actor="test", now=now
        )
    with east.reader() as conn:
        assert tokens.find(conn, secret) is not None
    with west.reader() as conn:
        assert tokens.find(conn, secret) is None
    # Runs are found through the door by their number: the other's are none.
    [run, *_] = host.ask(
        "flow_runs/filter", deployments={"name": {"any_": ["podeast.deliver"]}}, sort="START_TIME_DESC"
    )
    with_doors = {name: PrefectApi(host.pod(name)) for name in DEVICES}
    found = with_doors["podeast"].run(run["id"])
    assert found is not None
    assert found.deployment == "deliver"
    assert with_doors["podwest"].run(run["id"]) is None
    assert {one.name for one in with_doors["podwest"].rhythms()} >= {"score-health", "deliver"}


def test_secrets_are_in_no_file_but_their_own(host: Host) -> None:
    for name in DEVICES:
        url = host.database(name).url
        for path in (host.folder / "var").rglob("*"):
            if path.is_file():
                assert url.encode() not in path.read_bytes(), path
        for process in processes_of(host.folder):
            assert url not in " ".join(process.cmdline())


def test_a_failing_pod_does_not_stop_the_other(host: Host, case: Case) -> None:
    case.inject("process", "a pod's table is gone and then kill -9 of its supervisor, beside another pod")
    west = host.database("podwest")
    with west.admin() as conn:
        conn.execute("ALTER TABLE ai_baselines RENAME TO ai_baselines_away")
    host.command("exec", "podwest", "run", "score-health", "--timeout", "300", good=False)
    holder = lock.running(host.pod("podwest").var_dir)
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)  # and what it started is left behind
    before = host.database("podeast")
    with before.reader() as conn:
        [(minutes,)] = conn.execute("SELECT count(*) FROM ai_scoring_minutes").fetchall()
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        fresh_telemetry(before, 0)
        with before.reader() as conn:
            [(now,)] = conn.execute("SELECT count(*) FROM ai_scoring_minutes").fetchall()
        if now > minutes:
            break
        time.sleep(2)
    assert now > minutes, "the scheduled minutes of the other go on"
    with before.reader() as conn:
        [(count, distinct, span)] = conn.execute(
            "SELECT count(*), count(DISTINCT at), extract(epoch FROM max(at) - min(at))::int / 60 + 1 "
            "FROM ai_scoring_minutes"
        ).fetchall()
    case.judge(
        lost=span - distinct, twice=count - distinct, of=f"{span} minutes of the other pod",
        told="pod list; the log of the pod",
    )  # fmt: skip
    with west.admin() as conn:
        conn.execute("ALTER TABLE ai_baselines_away RENAME TO ai_baselines")


def test_one_is_taken_away_and_the_other_stays(host: Host) -> None:
    east_runs = {entry["name"] for entry in host.ask("deployments/filter")}
    assert any(name.startswith("podwest.") for name in east_runs)
    url = host.database("podwest").url
    assert "podeast is up" in host.command("remove", "podeast", "--yes", good=False)
    host.command("remove", "podwest", "--yes", "--data")
    names = {entry["name"] for entry in host.ask("deployments/filter")}
    assert {name.partition(".")[0] for name in names} == {"podeast"}
    pools = {entry["name"] for entry in host.ask("work_pools/filter")}
    assert pools == {"podeast-minute", "podeast-batch"}
    blocks = {entry["name"] for entry in host.ask("block_documents/filter")}
    assert "podeast-fleet" in blocks
    assert not [name for name in blocks if name and name.startswith("podwest")]
    with psycopg.connect(url) as conn:
        left = conn.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'podwest%'").fetchall()
    assert left == [("podwest_homepot",)], "somebody else's tables"
    assert "podwest" not in host.command("list")
    host.command("down", "podeast")
    assert lock.running(host.pod("podeast").var_dir) is None
    assert [one for one in processes_of(host.folder) if "worker" in one.cmdline()] == []
