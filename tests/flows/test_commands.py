"""What people type, and how the lateness of a flow is judged."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments import bootstrap, supervisor
from deployments.processes import BACK_OFF_S, LOG_LIMIT_BYTES, Child
from deployments.run import parse_moment, parse_parameters
from flows.marks import mark
from homepot_ai.errors import SettingsError
from homepot_ai.settings import Settings
from tasks.runs import judge_lateness

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-20T08:15", "2026-11-20T08:15:00+00:00"),
        ("08:15", "2026-11-20T08:15:00+00:00"),
        ("2026-11-20T09:15+01:00", "2026-11-20T08:15:00+00:00"),
        ("2026-11-20T08:15:00Z", "2026-11-20T08:15:00+00:00"),
    ],
)
def test_moments(typed: str, meant: str) -> None:
    assert parse_moment(typed, NOW).isoformat() == meant


@pytest.mark.parametrize("typed", ["yesterday", "25:00", "2026-13-01", ""])
def test_what_is_no_moment_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(SettingsError, match="write for example"):
        parse_moment(typed, NOW)


def test_parameters() -> None:
    typed = ["dry_run=false", "keep_days=3", "timezone=Europe/Berlin", "site=Shop = 7", "at=null"]
    assert parse_parameters(typed) == {
        "dry_run": False,
        "keep_days": 3,
        "timezone": "Europe/Berlin",
        "site": "Shop = 7",
        "at": None,
    }
    marked = ["anomaly=3", "verdict=true", "comment=12", "by=null", "device=7"]
    given = parse_parameters(marked)
    assert given == {"anomaly": 3, "verdict": "true", "comment": "12", "by": "null", "device": "7"}
    mark.validate_parameters(given)  # what the server checks as well
    with pytest.raises(SettingsError, match="name=value"):
        parse_parameters(["dry_run"])


def test_bootstrap_by_hand_talks_to_the_server_of_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(var_dir=tmp_path, prefect={"port": 4999})
    monkeypatch.setattr(os, "environ", {})
    bootstrap.use_server(settings)
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:4999/api"
    assert os.environ["PREFECT_HOME"].startswith(str(tmp_path))
    monkeypatch.setattr(os, "environ", {"PREFECT_API_URL": "https://prefect.example.org/api"})
    bootstrap.use_server(settings)
    assert os.environ["PREFECT_API_URL"] == "https://prefect.example.org/api"


@pytest.mark.parametrize(("minutes", "state"), [(2, "ok"), (4, "degraded"), (16, "down")])
def test_a_flow_is_judged_by_its_own_rhythm(minutes: int, state: str) -> None:
    completed = NOW - timedelta(minutes=minutes)
    check = judge_lateness("score-health", timedelta(minutes=1), completed, NOW, since=NOW)
    assert check.state == state
    assert ("docs/runbooks/score-health.md" in check.detail) == (state != "ok")
    nightly = judge_lateness("prune-runs", timedelta(days=1), completed, NOW, since=NOW)
    assert nightly.state == "ok"


def test_a_flow_that_never_ran_is_judged_by_its_age() -> None:
    made = NOW - timedelta(minutes=1)
    assert judge_lateness("deliver", timedelta(minutes=5), None, NOW, since=made).state == "ok"
    made = NOW - timedelta(minutes=30)
    check = judge_lateness("deliver", timedelta(minutes=5), None, NOW, since=made)
    assert check.state == "degraded"
    assert "has not completed a run yet" in check.detail


def test_a_child_that_keeps_dying_starts_again_ever_later(tmp_path: Path) -> None:
    deaths: list[int] = []
    child = Child(
        name="dying",
        command=[sys.executable, "-c", "raise SystemExit(3)"],
        log=tmp_path / "dying.log",
        env=dict(os.environ),
        cwd=tmp_path,
        on_death=lambda: deaths.append(1),
    )
    child.start()
    pauses = []
    for _ in range(3):
        assert child.process is not None
        child.process.wait(20)
        news = child.revive(time.monotonic())
        assert news is not None
        assert "ended with code 3" in news
        pauses.append(child.not_before - time.monotonic())
        assert child.revive(time.monotonic()) is None, "not before its pause is over"
        assert child.revive(child.not_before + 0.1) == "dying started again"
    child.stop()
    assert len(deaths) == 3
    assert pauses == sorted(pauses)
    assert pauses[-1] > BACK_OFF_S[1]


def test_a_log_stays_bounded_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = Child(name="child", command=[], log=log, env={}, cwd=tmp_path)
    with log.open("ab") as writer:
        writer.write(b"x" * (LOG_LIMIT_BYTES + 1))
        writer.flush()
        child.trim_log()
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "child.log.1").stat().st_size == LOG_LIMIT_BYTES + 1


def test_reset_deletes_only_what_is_ours(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path)
    for name in ("postgres", "mail", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "thesis").mkdir()
    with pytest.raises(SettingsError, match="thesis"):
        supervisor.reset(settings)
    assert (tmp_path / "postgres").exists()
    (tmp_path / "thesis").rmdir()
    supervisor.reset(settings)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
