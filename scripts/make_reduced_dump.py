#!/usr/bin/env python3
"""Make a small real HOMEPOT dump for the tests out of a complete one.

    scripts/make_reduced_dump.py homepot_db.sql.gz tests/data/homepot_reduced.sql.gz [--days 2.5]

Input: a plain SQL dump of a HOMEPOT database (`pg_dump --no-owner --format=plain`), gzipped or not.
Output: the same dump with its structure unchanged and fewer rows: every device, site, tenant and
schedule; of the tables that grow, the rows of the last days. What could open a door or reach a person
is replaced: password hashes, API keys, tokens, e-mail addresses. The result is the same bytes whenever
it is made again from the same input.
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

COPY_LINE = re.compile(r"^COPY (?:public\.)?(\w+) \((.*)\) FROM stdin;$")
MAIL = re.compile(r"\b([A-Za-z0-9._%+-]+)@(?!homepot\.example)[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")
BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
NULL = r"\N"

# The column that says when a row of a growing table was written. Other tables are kept whole.
TIME_COLUMN = {
    "alerts": "timestamp",
    "api_request_logs": "timestamp",
    "audit_logs": "created_at",
    "configuration_history": "timestamp",
    "device_metrics": "timestamp",
    "device_state_history": "timestamp",
    "error_logs": "timestamp",
    "health_checks": "timestamp",
    "job_outcomes": "timestamp",
    "jobs": "created_at",
    "user_activities": "timestamp",
}
# Nothing here reads these; a few rows show their shape.
SHAPE_ONLY = {"api_request_logs": 40, "user_activities": 20}
SECRET_COLUMNS = {
    "hashed_password", "api_key", "api_key_hash", "key_hash", "claim_token_hash",
    "bootstrap_key_hash", "enrollment_token", "push_token",
}  # fmt: skip


class Block(NamedTuple):
    """One COPY block: its table, its columns and the line that opens it."""

    table: str
    columns: list[str]
    line: str


def open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open("rt", encoding="utf-8", newline="\n")


def walk(path: Path) -> Iterator[tuple[Block | None, str]]:
    """Each line of the dump with the COPY block that it is a row of (None outside of rows)."""
    block: Block | None = None
    with open_text(path) as lines:
        for raw in lines:
            line = raw.rstrip("\n")
            if block is None:
                found = COPY_LINE.match(line)
                yield None, line
                if found:
                    columns = [name.strip().strip('"') for name in found[2].split(",")]
                    block = Block(found[1], columns, line)
            elif line == r"\.":
                block = None
                yield None, line
            else:
                yield block, line


def moment(text: str) -> datetime:
    """A HOMEPOT time, naive or with offset +00, as naive UTC: both kinds are compared here."""
    return datetime.fromisoformat(text.removesuffix("+00"))


class Reducer:
    """Decides row by row what stays, and cleans what stays."""

    def __init__(self, days: float, newest: datetime, jobs: set[str]) -> None:
        self.since = newest - timedelta(days=days)
        self.jobs = jobs
        self.taken: dict[str, int] = {}

    def keep(self, block: Block, fields: list[str]) -> bool:
        row = dict(zip(block.columns, fields, strict=True))
        column = TIME_COLUMN.get(block.table)
        if column and row[column] != NULL and moment(row[column]) < self.since:
            return False
        if block.table == "audit_logs" and row["job_id"] != NULL and row["job_id"] not in self.jobs:
            return False  # its job is not kept, and the foreign key would fail
        if self.taken.get(block.table, 0) >= SHAPE_ONLY.get(block.table, sys.maxsize):
            return False
        self.taken[block.table] = self.taken.get(block.table, 0) + 1
        return True

    def clean(self, block: Block, fields: list[str]) -> str:
        cleaned = [
            "removed-" + fields[0] if name in SECRET_COLUMNS and value != NULL else value
            for name, value in zip(block.columns, fields, strict=True)
        ]
        line = MAIL.sub(r"\1@homepot.example", "\t".join(cleaned))
        return BCRYPT.sub("removed", line)


def first_pass(path: Path, days: float) -> tuple[datetime, set[str]]:
    """The newest telemetry row's time, and the ids of the jobs that stay."""
    newest: datetime | None = None
    jobs: dict[str, datetime] = {}
    for block, line in walk(path):
        if block is None:
            continue
        if block.table == "device_metrics":
            written = moment(line.split("\t", 2)[1])
            newest = written if newest is None else max(newest, written)
        elif block.table == "jobs":
            row = dict(zip(block.columns, line.split("\t"), strict=True))
            jobs[row["id"]] = moment(row["created_at"])
    if newest is None:
        raise SystemExit(f"{path} holds no rows of device_metrics: is it a plain SQL dump of HOMEPOT?")
    since = newest - timedelta(days=days)
    return newest, {key for key, created in jobs.items() if created >= since}


def reduce_dump(source: Path, target: Path, days: float) -> dict[str, int]:
    """Write the reduced dump; returns the rows kept per table."""
    newest, jobs = first_pass(source, days)
    reducer = Reducer(days, newest, jobs)
    kept: dict[str, int] = {}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        for block, line in walk(source):
            if block is None:
                # \restrict and \unrestrict are commands of the newest psql only
                if not line.startswith("\\") or line == r"\.":
                    out.write((line + "\n").encode())
                continue
            fields = line.split("\t")
            if reducer.keep(block, fields):
                kept[block.table] = kept.get(block.table, 0) + 1
                out.write((reducer.clean(block, fields) + "\n").encode())
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description="Reduce a HOMEPOT dump to its last days, secrets removed.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--days", type=float, default=2.5, help="days of growing tables that are kept")
    given = parser.parse_args()
    kept = reduce_dump(given.source, given.target, given.days)
    for table, rows in sorted(kept.items()):
        print(f"{table:<26}{rows:>8}")
    print(f"{given.target}: {given.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
