"""The one log of `homepot-ai up`: everybody's lines, once, with part and level, as text or JSON; bounded."""

from __future__ import annotations

import doctest
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployments import onelog
from deployments.onelog import OneLog

NOW = datetime(2026, 11, 22, 3, 0, 0, 120000, tzinfo=UTC)


def a_log(folder: Path, **options: object) -> OneLog:
    return OneLog(folder / "log" / "homepot-ai.log", now=lambda: NOW, **options)  # type: ignore[arg-type]


def lines(log: OneLog) -> list[str]:
    return log.path.read_text().splitlines() if log.path.exists() else []


def test_examples() -> None:
    failed, tried = doctest.testmod(onelog)
    assert tried
    assert not failed


def test_each_line_once_with_its_part_and_level(tmp_path: Path) -> None:
    log, part = a_log(tmp_path), tmp_path / "worker.log"
    part.write_text("of the last start\n")
    log.follow("worker", part)
    log.write("supervisor", "starts")
    with part.open("a") as file:
        file.write(
            "07:41:24.123 | ERROR   | prefect - Traceback\n  File x, line 3\n12:00 | INFO | well\nhalf a li"
        )
    log.look()
    log.look()
    with part.open("a") as file:
        file.write("ne\n")
    log.look()
    assert lines(log) == [
        "2026-11-22T03:00:00.120Z INFO    supervisor: starts",
        "2026-11-22T03:00:00.120Z ERROR   worker: 07:41:24.123 | ERROR   | prefect - Traceback",
        "2026-11-22T03:00:00.120Z ERROR   worker:   File x, line 3",
        "2026-11-22T03:00:00.120Z INFO    worker: 12:00 | INFO | well",
        "2026-11-22T03:00:00.120Z INFO    worker: half a line",
    ]


def test_a_collector_gets_one_object_a_line(tmp_path: Path) -> None:
    log, part = a_log(tmp_path, json_lines=True), tmp_path / "api.log"
    log.follow("api", part)
    # As homepot_ai's own processes write, and as others do.
    said = [
        '{"at": "then", "level": "warning", "message": "shut", "error": "E"}',
        "no \xff text",
        '{"half": ',
    ]
    part.write_bytes("\n".join([*said, ""]).encode("latin-1"))
    log.look()
    records = [json.loads(line) for line in lines(log)]
    assert [(one["part"], one["level"]) for one in records] == [("api", "warning")] * 3
    assert (records[0]["at"], records[0]["error"]) == ("then", "E")
    assert records[1]["at"] == "2026-11-22T03:00:00.120Z"
    assert records[1]["message"] == "no \N{REPLACEMENT CHARACTER} text"
    assert records[2]["message"] == '{"half":'


@pytest.mark.parametrize(("level", "kept"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lines_below_the_level_are_left_out(tmp_path: Path, level: str, kept: int) -> None:
    log, part = a_log(tmp_path, level=level), tmp_path / "one.log"
    log.follow("one", part)
    part.write_text("| DEBUG | a\n| INFO | b\n| WARNING | c\n| CRITICAL | d\n")
    log.look()
    assert len(lines(log)) == kept


def test_a_log_that_was_emptied_is_read_from_its_beginning_and_nothing_is_told_twice(tmp_path: Path) -> None:
    log, part = a_log(tmp_path), tmp_path / "one.log"
    log.follow("one", part)
    part.write_text("first\n")

    def rotate() -> None:
        part.write_text("")

    with part.open("a") as file:
        file.write("second\n")
    log.rotate_part("one", rotate)
    with part.open("a") as file:
        file.write("third\n")
    log.look()
    # Emptied by somebody else, behind our back.
    part.write_text("4\n")
    log.look()
    assert [line.rpartition(": ")[2] for line in lines(log)] == ["first", "second", "third", "4"]


def test_it_is_rotated_and_only_so_many_are_kept(tmp_path: Path) -> None:
    log = a_log(tmp_path, limit_bytes=1000)
    for number in range(400):
        log.write("one", f"{number:04} {'.' * 80}")
    files = sorted(path.name for path in log.path.parent.iterdir())
    assert files == ["homepot-ai.log", *(f"homepot-ai.log.{n}" for n in range(1, onelog.KEPT + 1))]
    assert all(path.stat().st_size < 1200 for path in log.path.parent.iterdir())
    newest = [
        line
        for path in sorted(log.path.parent.glob("*.log.*"), reverse=True)
        for line in path.read_text().splitlines()
    ]
    told = [int(line.split()[3]) for line in [*newest, *lines(log)]]
    assert told == list(range(told[0], 400))


def test_a_part_that_floods_is_cut_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onelog, "MOST_BYTES", 100)
    log, part = a_log(tmp_path), tmp_path / "one.log"
    log.follow("one", part)
    part.write_text("x" * 500 + "\nlast\n")
    log.look()
    assert "406 bytes left out here" in lines(log)[0]
    assert lines(log)[-1].endswith(": last")
