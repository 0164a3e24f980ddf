"""Load on the running HTTP door: latencies, errors, memory, share worded by a model.

    python benchmarks/api.py                      # a generated fleet in a PostgreSQL of its own, no model
    python benchmarks/api.py --ollama 40          # with the scripted model at 40 tokens a second
    python benchmarks/api.py --url http://127.0.0.1:8300 --device 3 --site 1  # what runs already

Three phases: ten users who ask one thing after the other; a hundred requests a minute, spread evenly;
fifty at the same moment. The last line is one JSON object; times are milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]
FLEET = Path(__file__).with_name("api_fleet.sql")
QUESTIONS = (
    "how is {device}?", "worst devices", "which devices need maintenance?", "open incidents",
    "what changed since yesterday?", "forecast for {device}", "how many alerts last week?",
    "uptime of {device} last 7 days", "compare {site} and {other}", "wie geht es {device}?",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One answered request."""

    phase: str
    route: str
    ms: float
    status: int
    worded_by: str | None


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", help="a door that runs already; default: one of its own")
    parser.add_argument("--token", help="for it")
    parser.add_argument("--device", default="Till 7")
    parser.add_argument("--site", default="Site 1")
    parser.add_argument("--other", default="Site 2")
    parser.add_argument("--devices", type=int, default=10_000, help="of the generated fleet")
    parser.add_argument("--seconds", type=float, default=15.0, help="of the first phase")
    parser.add_argument("--sustained", type=float, default=30.0, help="seconds of the second phase")
    parser.add_argument("--ollama", type=float, help="tokens a second of the scripted model; default: none")
    asked = parser.parse_args()
    with ExitStack() as stack:
        process = None
        if asked.url is None:
            asked.url, process = stack.enter_context(own_door(asked.devices, asked.ollama))
        found = asyncio.run(load(asked))
        memory = psutil.Process(process.pid).memory_info().rss / 1e6 if process else None
    print(json.dumps(summary(found, memory, asked)))
    return 0


def requests(asked: argparse.Namespace) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """(route, method, path, body) of a round: every route that needs no model, and questions."""
    device, site = asked.device, asked.site
    plain: list[tuple[str, str, str, dict[str, Any] | None]] = [
        ("analyze", "GET", f"/api/ai/analyze/{device}?period=24h", None),
        ("predict", "GET", f"/api/ai/predict/{device}", None),
        ("insights", "GET", f"/api/ai/insights/{site}", None),
        ("status", "GET", "/api/ai/status", None),
        ("preferences", "GET", "/api/ai/preferences", None),
    ]
    names = {"device": device, "site": site, "other": asked.other}
    told = [
        ("query", "POST", "/api/ai/query", {"question": question.format(**names)}) for question in QUESTIONS
    ]
    return [one for pair in zip(cycle(plain), told, strict=False) for one in pair]


async def load(asked: argparse.Namespace) -> list[Asked]:
    """The three phases, after one round that is not counted."""
    headers = {"Authorization": f"Bearer {asked.token}"} if asked.token else {}
    limits = httpx.Limits(max_connections=100)
    found: list[Asked] = []
    round_ = requests(asked)
    async with httpx.AsyncClient(base_url=asked.url, headers=headers, timeout=60, limits=limits) as client:
        for one in round_:
            await ask(client, "warm", one)
        until = time.monotonic() + asked.seconds

        async def user(number: int) -> None:
            for one in islice(cycle(round_), number, None):
                if time.monotonic() > until:
                    return
                found.append(await ask(client, "10 users", one))

        await asyncio.gather(*(user(number) for number in range(10)))
        tasks = []
        for number in range(round(asked.sustained * 100 / 60)):
            one = round_[number % len(round_)]
            tasks.append(asyncio.create_task(ask(client, "100 a minute", one)))
            await asyncio.sleep(0.6)
        found += await asyncio.gather(*tasks)
        found += await asyncio.gather(
            *(ask(client, "spike of 50", round_[number % len(round_)]) for number in range(50))
        )
    return found


async def ask(
    client: httpx.AsyncClient, phase: str, one: tuple[str, str, str, dict[str, Any] | None]
) -> Asked:
    """Ask once; what breaks is status 0."""
    route, method, path, body = one
    begun = time.perf_counter()
    try:
        answer = await client.request(method, path, json=body)
        status = answer.status_code
        found = answer.json() if status == 200 else {}
    except (httpx.HTTPError, ValueError):
        status, found = 0, {}
    words = (found.get("grounded") or {}).get("worded_by")
    return Asked(phase, route, (time.perf_counter() - begun) * 1000, status, words)


def summary(found: Sequence[Asked], memory: float | None, asked: argparse.Namespace) -> dict[str, Any]:
    """Percentiles by phase and route; errors by status."""
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in found:
        groups[one.phase].append(one)
        groups[f"{one.phase} / {one.route}"].append(one)
    words = [one.worded_by for one in found if one.worded_by is not None]
    for name in sorted(groups):
        figures = percentiles([one.ms for one in groups[name]])
        print(f"{name:32} n={len(groups[name]):5d} " + " ".join(f"{k}={v:8.1f}" for k, v in figures.items()))
    return {
        "devices": None if asked.token else asked.devices,
        "tokens_per_second": asked.ollama,
        "latency_ms": {
            name: {"n": len(group), **percentiles([one.ms for one in group])}
            for name, group in sorted(groups.items())
        },
        "errors": {str(k): v for k, v in Counter(one.status for one in found if one.status != 200).items()},
        "worded_by_model": round(words.count("model") / len(words), 4) if words else None,
        "memory_mb": None if memory is None else round(memory, 1),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 of some milliseconds."""
    ordered = sorted(values)
    return {
        f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1)
        for share in (50, 95, 99)
    }


@contextmanager
def own_door(devices: int, rate: float | None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A PostgreSQL with a generated fleet, and the door as `homepot-ai up` starts it."""
    sys.path.insert(0, str(ROOT))
    from homepot_ai.store import embedded

    var = Path(tempfile.mkdtemp(prefix="hp-api-"))
    server = embedded.start(var)
    started: list[subprocess.Popen[bytes]] = []
    try:
        fill(server.url, devices)
        port, model_port = free_port(), free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPOT_AI_")}
        env |= {
            "HOMEPOT_AI_VAR_DIR": str(var), "HOMEPOT_AI_DATABASE_URL": server.url, "PYTHONPATH": str(ROOT),
            "HOMEPOT_AI_API__PORT": str(port), "HOMEPOT_AI_API__REQUESTS_PER_MINUTE": "1000000",
            "HOMEPOT_AI_OLLAMA__URL": f"http://127.0.0.1:{model_port}", "HOMEPOT_AI_PREFECT__PORT": "9",
            "HOMEPOT_AI_OLLAMA__ENABLED": "false" if rate is None else "true",
        }  # fmt: skip
        commands = [[sys.executable, "-m", "homepot_ai.api.serve"]]
        if rate is not None:
            scripted = ["--behave", "well", "--rate", str(rate), "--port", str(model_port)]
            commands.insert(0, [sys.executable, "-m", "homepot_ai.testing.ollama_server", *scripted])
        with (var / "door.log").open("wb") as log:
            for command in commands:
                started.append(subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log))
        url = f"http://127.0.0.1:{port}"
        wait(url, started[-1], var / "door.log")
        yield url, started[-1]
    finally:
        for process in started:
            process.terminate()
            process.wait(timeout=20)
        server.stop()
        shutil.rmtree(var, ignore_errors=True)


def wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the door answers, and its models are loaded."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(log.read_text(errors="replace")[-3000:])
        try:
            if (
                httpx.get(f"{url}/health", timeout=2).status_code == 200
                and b"models are loaded" in log.read_bytes()
            ):
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise SystemExit(f"the door does not answer: {log.read_text(errors='replace')[-3000:]}")


def fill(url: str, devices: int) -> None:
    """A fleet of a hundred devices a site: two hours of scores, a month of hours of a tenth, incidents."""
    from importlib.resources import files

    from homepot_ai.store import migrate
    from homepot_ai.store.database import Database

    db = Database(url)
    with db.admin() as conn:
        conn.execute("SET search_path = public")
        conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
    migrate.upgrade(db, may_add_indexes=True)
    with db.admin() as conn:
        conn.execute("SET search_path = homepot_ai, public")
        for statement in FLEET.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                conn.execute(statement.replace(":devices", str(devices)).encode())
    with db.admin() as conn:
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE")


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
