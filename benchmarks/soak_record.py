"""What a soak writes down: one line of JSON for each look at a running installation.

A look disturbs nothing: it reads /proc, one snapshot of our database, the size of Prefect's file and
four counts of Prefect's API.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

MIB = 1024 * 1024
#: A run that waits for its process, or works, for longer than this is stuck.
PENDING_S, RUNNING_S = 180, 1800

#: The parts of an installation, by what stands in their command line, first match.
PARTS = (
    ("prefect-server", ("server start --host",)),
    ("prefect-server", ("prefect.server",)),
    ("worker-minute", ("worker start", "--pool minute")),
    ("worker-batch", ("worker start", "--pool batch")),
    ("runs", ("flow-run",)),
    ("runs", ("prefect.engine",)),
    ("api", ("homepot_ai.api.serve",)),
    ("mail-sink", ("mail_sink",)),
    ("supervisor", ("homepot_ai.cli up",)),
)


@dataclass(frozen=True)
class Look:
    """One line of the record.

    Attributes:
        at: UTC, as ISO 8601; in simulated days the moment that is simulated.
        step: its number, from 0 on, over every restart of the soak.
        rss: MiB resident, by part; PostgreSQL's is proportional (its processes share their buffers).
        threads, files: of the parts that live on.
        ours_mib: PostgreSQL's database with HOMEPOT's tables and ours.
        prefect_mib: Prefect's file with its journal.
        var_mib: the whole state folder on disk.
        scored: minutes that were scored since the look before.
        lateness: seconds from the end of each of these minutes to its stored score.
        behind: seconds from the newest scored minute to now.
        gaps: minutes since the soak began that were passed over.
        runs: flow runs so far by state; `stuck` as above.
        outbox: mails and channel messages by state.
        mails: what the mail server has taken.
        seconds: how long a simulated step took, where steps are simulated.
        load: of the machine, as it was given to others as well.
    """

    at: str
    step: int
    rss: Mapping[str, float]
    threads: Mapping[str, int]
    files: Mapping[str, int]
    ours_mib: float
    prefect_mib: float
    var_mib: float
    scored: int
    lateness: tuple[float, ...]
    behind: float
    gaps: int
    runs: Mapping[str, int]
    outbox: Mapping[str, int]
    mails: int
    seconds: tuple[float, ...] = ()
    load: float = 0.0


@dataclass
class Record:
    """The state file of a soak: appended to and synced, so that a killed soak goes on where it was."""

    path: Path
    head: dict[str, Any] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Record:
        """What is there; an unfinished last line (the soak was killed while writing it) is left out."""
        record = cls(path)
        if not path.exists():
            return record
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            kind = entry.pop("kind")
            if kind == "head":
                record.head = entry
            elif kind == "look":
                entry["lateness"], entry["seconds"] = tuple(entry["lateness"]), tuple(entry["seconds"])
                record.looks.append(Look(**entry))
            else:
                record.events.append(entry)
        return record

    def begin(self, **head: Any) -> None:
        """The first line: what is soaked, for how long."""
        if not self.head:
            self.head = head
            self._append({"kind": "head", **head})

    def add(self, look: Look) -> None:
        """One look."""
        self.looks.append(look)
        self._append({"kind": "look", **asdict(look)})

    def note(self, what: str) -> None:
        """What happened between two looks: a restart, the end."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "step": len(self.looks), "what": what}
        self.events.append(entry)
        self._append({"kind": "event", **entry})

    def _append(self, entry: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A line that a kill cut short must not swallow this one.
        broken = (
            self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if broken else "") + json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())


def part_of(words: str) -> str | None:
    """Which part a command line belongs to.

    >>> part_of("python -m prefect worker start --type process --pool minute --limit 2")
    'worker-minute'
    """
    return next((name for name, needles in PARTS if all(needle in words for needle in needles)), None)


def processes(var: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The processes of an installation, each with its part."""
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if f"{var}/postgres" in words:
                yield "postgres", process
                for child in process.children(recursive=True):
                    yield "postgres", child
            elif process.environ().get("HOMEPOT_AI_VAR_DIR") == str(var) and (part := part_of(words)):
                yield part, process
        except psutil.Error:
            continue  # gone meanwhile, or somebody else's


def memory(
    found: Iterable[tuple[str, psutil.Process]],
) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    """MiB, threads and open files by part."""
    rss: dict[str, float] = defaultdict(float)
    threads: dict[str, int] = defaultdict(int)
    files: dict[str, int] = defaultdict(int)
    for part, process in found:
        try:
            if part == "postgres":
                rss[part] += process.memory_full_info().pss / MIB
            else:
                rss[part] += process.memory_info().rss / MIB
                if part != "runs":
                    threads[part] += process.num_threads()
                    files[part] += process.num_fds()
        except psutil.Error:
            continue
    return {name: round(value, 1) for name, value in rss.items()}, dict(threads), dict(files)


def size_mib(*paths: Path) -> float:
    """What files and folders take on disk."""
    total = 0
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*"):
            try:
                total += file.lstat().st_blocks * 512
            except OSError:
                continue  # gone meanwhile
    return round(total / MIB, 2)


def scoring(url: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Minutes scored in (since, until] with their lateness in seconds, and what else our database tells."""
    with psycopg.connect(url, options="-c search_path=homepot_ai,public -c TimeZone=UTC") as conn:
        scored = conn.execute(
            "SELECT at, extract(epoch FROM scored_at - at)::float8 FROM ai_scoring_minutes "
            "WHERE scored_at > %s AND scored_at <= %s ORDER BY at",
            [since, until],
        ).fetchall()
        newest = conn.execute("SELECT max(at) FROM ai_scoring_minutes").fetchone()
        size = conn.execute("SELECT pg_database_size(current_database())").fetchone()
        outbox = conn.execute(
            "SELECT 'mail ' || state, count(*) FROM ai_mail_outbox GROUP BY 1 "
            "UNION ALL SELECT 'channel ' || state, count(*) FROM ai_alerts_outbox GROUP BY 1"
        ).fetchall()
    assert newest is not None
    assert size is not None
    return {
        "lateness": tuple(round(seconds, 2) for _, seconds in scored),
        "newest": newest[0],
        "ours_mib": round(size[0] / MIB, 2),
        "outbox": dict(outbox),
    }


def gaps(url: str, begun: datetime) -> int:
    """Minutes since `begun` that were passed over: neighbours of a hole were scored, it was not."""
    with psycopg.connect(url, options="-c search_path=homepot_ai,public -c TimeZone=UTC") as conn:
        row = conn.execute(
            "SELECT coalesce(sum(extract(epoch FROM step) / 60 - 1), 0)::int FROM (SELECT at - lag(at) OVER "
            "(PARTITION BY shard ORDER BY at) AS step FROM ai_scoring_minutes WHERE at >= %s) AS steps",
            [begun],
        ).fetchone()
    assert row is not None
    return int(row[0])


def flow_runs(api: str, now: datetime) -> dict[str, int]:
    """Flow runs by state, as Prefect counts them; -1 for what it did not answer in time."""

    def count(**runs: Any) -> int:
        try:
            answer = httpx.post(f"{api}/flow_runs/count", json={"flow_runs": runs}, timeout=30)
            return int(answer.json()) if answer.status_code == httpx.codes.OK else -1
        except httpx.HTTPError:
            return -1

    def older(state: str, seconds: float) -> int:
        before = (now - timedelta(seconds=seconds)).isoformat()
        return count(state={"type": {"any_": [state]}}, expected_start_time={"before_": before})

    kinds = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    found = {kind.lower(): count(state={"type": {"any_": [kind]}}) for kind in kinds}
    found["late"] = count(state={"name": {"any_": ["Late"]}})
    found["stuck"] = older("PENDING", PENDING_S) + older("RUNNING", RUNNING_S)
    return found
