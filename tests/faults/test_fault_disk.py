"""The disk is full: a file system of a few megabytes, mounted for the test, in the place where it hurts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.compare import content, differ
from tests.faults.conftest import NOW, ROOT, Bed, Copy
from tests.faults.record import Case

pytestmark = pytest.mark.faults


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of its own; skips where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def make_room(folder: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)


def test_the_disk_is_full_while_a_pdf_is_written(fleet: Copy, case: Case, tmp_path: Path) -> None:
    case.inject("disk", "16 KB left where `report --out` writes; a good PDF stands there already")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HOMEPOT_AI_", "PREFECT_"))} | {
        "HOMEPOT_AI_DATABASE_URL": fleet.url,
        "HOMEPOT_AI_VAR_DIR": str(fleet.var),
        "HOMEPOT_AI_OLLAMA__ENABLED": "false",
        "PYTHONPATH": str(ROOT),
    }

    def report(out: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "homepot_ai.cli", "report", "fleet", "--day=2026-11-17", f"--out={out}"],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    with small_disk(tmp_path / "small", 16) as disk:
        out = disk / "fleet.pdf"
        out.write_bytes(b"yesterday's")
        refused = report(out)
        assert refused.returncode == 1, refused.stdout
        said = refused.stdout + refused.stderr
        assert "could not be written" in said
        assert "Traceback" not in said
        assert [path.name for path in disk.iterdir()] == ["fleet.pdf"], "half a file is left"
        assert out.read_bytes() == b"yesterday's"
        make_room(disk, 4096)
        with case.healing():
            assert report(out).returncode == 0
        assert out.read_bytes().startswith(b"%PDF")
    made = fleet.rows("SELECT count(*), count(DISTINCT report_id) FROM ai_reports")
    case.judge(
        lost=1 - made[0][1], twice=made[0][0] - made[0][1], of="1 report",
        told="one sentence: make room, say it again; the report is kept in the database",
    )  # fmt: skip


def test_there_is_no_room_for_temporary_files(bed: Bed, fleet: Copy, case: Case, tmp_path: Path) -> None:
    case.inject("disk", "no room for temporary files while daily-report renders its PDFs")
    parameters = {"timezone": "Europe/Berlin"}
    calm = bed.clone()
    try:
        for _ in range(2):
            assert calm.run("flows.reports.daily_report", NOW, **parameters)["good"]
        expected = content(calm.database)
    finally:
        calm.drop()
    with small_disk(tmp_path / "small", 4) as disk:
        fleet.environment["TMPDIR"] = str(disk)
        fleet.run("flows.reports.daily_report", NOW, **parameters)
    fleet.environment.clear()
    with case.healing():
        for _ in range(2):
            assert fleet.run("flows.reports.daily_report", NOW, **parameters)["good"]
    found = differ(expected, content(fleet.database))
    print(found.what)
    case.judge(
        lost=sum(found.lost.values()), twice=sum(found.twice.values()),
        of=f"{len(expected['ai_reports'])} reports and their mails", told="run Failed; daily-report",
    )  # fmt: skip


def test_the_disk_is_full_while_old_scores_are_archived(
    bed: Bed, fleet: Copy, case: Case, tmp_path: Path
) -> None:
    case.inject("disk", "64 KB left where apply-retention puts its archive")
    at, parameters = NOW + timedelta(days=16), {"dry_run": False}
    query = "SELECT count(*) FROM ai_health_scores"
    before = fleet.rows(query)
    with small_disk(tmp_path / "small", 64) as disk:
        fleet.environment["HOMEPOT_AI_VAR_DIR"] = str(disk)
        refused = fleet.run("flows.upkeep.apply_retention", at, **parameters)
        assert not refused["good"], refused
        kept = fleet.rows(query)
        make_room(disk, 262_144)
        with case.healing():
            assert fleet.run("flows.upkeep.apply_retention", at, **parameters)["good"]
        archived = archived_rows(disk)
    left = fleet.rows(query)
    assert left[0][0] < before[0][0], "nothing was due: the case says nothing"
    case.judge(
        lost=before[0][0] - left[0][0] - archived + before[0][0] - kept[0][0], twice=0,
        of=f"{before[0][0]:,} scores, {archived:,} of them archived now", told="run Failed; apply-retention",
    )  # fmt: skip


def archived_rows(folder: Path) -> int:
    """Rows of the score archives under a folder."""
    from pyarrow import parquet

    files = [parquet.ParquetFile(path) for path in folder.rglob("*.parquet")]
    return sum(file.metadata.num_rows for file in files if {"device_id", "score"} <= set(file.schema.names))
