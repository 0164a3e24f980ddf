"""Does anything grow? A demo at real pace for an hour, and a week of it as fast as it goes.

    python -m benchmarks.soak hour [--minutes 60] --var DIR     a look a minute at a demo of its own
    python -m benchmarks.soak week [--days 7] --var DIR         the same flows on a clock of its own
    python -m benchmarks.soak report                            docs/soak.md and its pictures

Both go on where they were when they are started again with the same folder; `DIR/soak.jsonl` is the record.
When a soak is through, its record lies in docs/soak/, and the page is written from there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import soak_record
from benchmarks.soak_record import Look, Record

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "docs" / "soak"
START_PATIENCE_S = 1200.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, unit, default in (("hour", "minutes", 60), ("week", "days", 7)):
        one = commands.add_parser(name)
        one.add_argument(f"--{unit}", type=int, default=default)
        one.add_argument("--var", type=Path, required=True, help="state folder; short, for a socket's path")
        if name == "week":
            one.add_argument("--step", type=int, default=15, choices=(5, 15, 30, 60), help="minutes")
        one.add_argument("--port", type=int, default=4660, help="the first of three ports on loopback")
    commands.add_parser("report")
    asked = parser.parse_args()
    if asked.command == "hour":
        return soak_hour(asked.var.resolve(), asked.minutes, asked.port)
    if asked.command == "week":
        from benchmarks.soak_week import soak_week

        return soak_week(asked.var.resolve(), asked.days, asked.port, asked.step)
    from benchmarks.soak_report import write

    print(json.dumps(write(RECORDS, ROOT / "docs")))
    return 0


def soak_hour(var: Path, minutes: int, port: int) -> int:
    """Bring the demo up, look at it every minute, stop it, keep the record."""
    record = Record.read(var / "soak.jsonl")
    if len(record.looks) >= minutes:
        return keep(record, "hour")
    var.mkdir(parents=True, exist_ok=True)
    up = _start(var, port, record)
    try:
        record.begin(what="hour", steps=minutes, begun=_now().isoformat(timespec="seconds"))
        last = datetime.fromisoformat(record.looks[-1].at) if record.looks else _now()
        while len(record.looks) < minutes:
            # On the half minute: the minute's run is over then, and the next has not begun.
            due = last.replace(second=50, microsecond=0)
            while due <= max(last, _now() - timedelta(seconds=5)):
                due += timedelta(minutes=1)
            time.sleep(max(0.0, (due - _now()).total_seconds()))
            if up is not None and up.poll() is not None:
                record.note(f"the demo ended with code {up.returncode}; it is started again")
                up = _start(var, port, record)
            look = _look(var, port, record, since=last)
            record.add(look)
            last = datetime.fromisoformat(look.at)
            print(
                f"{look.step + 1:3} of {minutes}  {sum(look.rss.values()):6.0f} MiB  "
                f"late {max(look.lateness, default=0):5.1f} s  load {look.load:.1f}",
                flush=True,
            )
        record.note("through")
    finally:
        if up is not None:
            up.send_signal(signal.SIGTERM)
            up.wait(120)
    return keep(record, "hour")


def _start(var: Path, port: int, record: Record) -> subprocess.Popen[bytes] | None:
    """`homepot-ai up` on this folder; None when it runs already (a soak was killed, its demo lives on)."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("HOMEPOT_AI_", "PREFECT_"))
    }
    env |= {
        "HOMEPOT_AI_HOME": str(ROOT),
        "HOMEPOT_AI_VAR_DIR": str(var),
        "HOMEPOT_AI_PROFILE": "demo",
        "HOMEPOT_AI_PREFECT__PORT": str(port),
        "HOMEPOT_AI_API__PORT": str(port + 1),
        "HOMEPOT_AI_DEMO__MAIL_PORT": str(port + 2),
        "PYTHONPATH": str(ROOT),
    }
    if any(part == "supervisor" for part, _ in soak_record.processes(var)):
        record.note("went on beside the demo that was running")
        return None
    output = var / "up.out"
    began = output.stat().st_size if output.exists() else 0
    with output.open("ab") as file:
        up = subprocess.Popen(
            [sys.executable, "-m", "homepot_ai.cli", "up"],
            env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_PATIENCE_S
    while b"homepot-ai is up" not in output.read_bytes()[began:]:
        if up.poll() is not None or time.monotonic() > deadline:
            up.kill()
            raise SystemExit(f"the demo does not come up; {output} says why")
        time.sleep(1.0)
    record.note("the demo was started")
    return up


def _look(var: Path, port: int, record: Record, *, since: datetime) -> Look:
    from homepot_ai.store import embedded

    now = _now()
    rss, threads, files = soak_record.memory(soak_record.processes(var))
    url = embedded.running_url(var)
    if url is None:
        raise SystemExit("the demo's database is gone; start the soak again, it goes on from here")
    told = soak_record.scoring(url, since, now)
    return Look(
        at=now.isoformat(timespec="seconds"),
        step=len(record.looks),
        rss=rss,
        threads=threads,
        files=files,
        ours_mib=told["ours_mib"],
        prefect_mib=soak_record.size_mib(*(var / "prefect").glob("prefect.db*")),
        var_mib=soak_record.size_mib(var),
        scored=len(told["lateness"]),
        lateness=told["lateness"],
        behind=round((now - told["newest"]).total_seconds(), 1),
        gaps=soak_record.gaps(url, datetime.fromisoformat(record.head["begun"])),
        runs=soak_record.flow_runs(f"http://127.0.0.1:{port}/api", now),
        outbox=told["outbox"],
        mails=len(list((var / "mail").glob("*.eml"))),
        load=round(os.getloadavg()[0], 2),
    )


def keep(record: Record, name: str) -> int:
    """Put a finished record beside the page that is written from it."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    target = RECORDS / f"{name}.jsonl"
    target.write_bytes(record.path.read_bytes())
    print(json.dumps({"soak": name, "looks": len(record.looks), "record": str(target.relative_to(ROOT))}))
    return 0


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    # A clean stop of the demo on SIGTERM too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
