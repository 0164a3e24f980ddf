"""prefect.yaml, the flows behind it and the pages about it agree."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema

from deployments import catalogue, cycle
from deployments.run import _asked as asked
from homepot_ai.errors import NotFound
from homepot_ai.settings import ScoringSettings, Settings
from tasks.runs import judge_lateness

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = {entry.name: entry for entry in catalogue.deployments(ROOT)}
POOLS = {"minute", "batch"}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUNBOOK_PARTS = [
    "## What it means when it fails",
    "## What the user feels",
    "## Look at",
    "## Do",
    "## When it is fixed",
    "## Run it by hand",
]
# They act on this minute: what is late is dropped and caught up. Of the others each run is wanted.
DROPS_LATE = {"score-health", "replay-sample", "check-services"}


def flow_of(entry: catalogue.Deployment) -> Flow[..., Any]:
    module, _, name = entry.entrypoint.rpartition(".")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def test_the_deployments_of_this_system() -> None:
    assert list(ENTRIES) == [
        "score-health",
        "deliver",
        "check-services",
        "daily-report",
        "weekly-report",
        "monthly-report",
        "incident-report",
        "custom-report",
        "subscribe",
        "unsubscribe",
        "learn-baselines",
        "learn-hazards",
        "clean-event-cache",
        "apply-retention",
        "prune-runs",
        "check-models",
        "backtest",
        "mark",
        "alert-review",
        "alert-routes",
        "acknowledge",
        "snooze",
        "close-incident",
        "add-window",
        "investigate-incident",
        "record-action",
        "judge-actions",
        "rebuild-embeddings",
        "predict-failures",
        "predict-device",
        "settle-predictions",
        "record-outcome",
        "plan-visits",
        "decide-visit",
        "visit-done",
        "site-insights",
        "ask",
        "analyze-device",
        "device-report",
        "backup-memory",
        "restore-memory",
        "replay-sample",
    ]
    assert [entry.name for entry in ENTRIES.values() if entry.demo_only] == ["replay-sample"]


@pytest.mark.parametrize("name", ENTRIES)
class TestEachDeployment:
    def test_its_entrypoint_is_a_flow_of_the_same_name(self, name: str) -> None:
        flow = flow_of(ENTRIES[name])
        assert isinstance(flow, Flow)
        assert flow.name == name

    def test_its_parameters_are_accepted_and_described(self, name: str) -> None:
        flow = flow_of(ENTRIES[name])
        parameters = dict(ENTRIES[name].parameters)
        for schedule in ENTRIES[name].schedules:
            parameters |= schedule.get("parameters", {})
        flow.validate_parameters(parameters)
        schema = parameter_schema(flow).model_dump()
        assert "at" in schema["properties"], "any run can be repeated for a past moment"
        for parameter, described in schema["properties"].items():
            assert described.get("description"), f"{parameter} is a form in the UI: describe it in Args"
        assert not schema["required"], "a run by hand must work without arguments"

    def test_its_description_says_what_for_and_where_to_read_on(self, name: str) -> None:
        description = ENTRIES[name].description
        assert description.splitlines()[0].endswith(".")
        assert f"Runbook: {ENTRIES[name].runbook}" in description

    def test_its_runbook_has_every_part(self, name: str) -> None:
        page = (ROOT / ENTRIES[name].runbook).read_text(encoding="utf-8")
        assert page.startswith(f"# {name}\n")
        assert [line for line in page.splitlines() if line.startswith("## ")] == RUNBOOK_PARTS
        assert f"homepot-ai run {name}" in page

    def test_it_has_a_pool_and_a_limit(self, name: str) -> None:
        entry = ENTRIES[name]
        assert entry.pool in POOLS
        assert entry.limit == 1
        assert entry.collision == ("CANCEL_NEW" if name in DROPS_LATE else "ENQUEUE")

    def test_it_says_what_to_do_when_it_fails(self, name: str) -> None:
        flow = flow_of(ENTRIES[name])
        for hook in [*flow.on_failure_hooks, *flow.on_crashed_hooks]:
            # Prefect calls hooks with these keywords: other names fail, and only the log says so.
            assert list(inspect.signature(hook).parameters) == ["flow", "flow_run", "state"]
        assert flow.on_failure_hooks
        assert flow.on_crashed_hooks
        assert flow.timeout_seconds, "a run that hangs would hold its place for ever"


def test_every_runbook_belongs_to_a_deployment() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages == set(ENTRIES)


def test_commands_in_runbooks_are_for_deployments_and_parameters_that_exist() -> None:
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for command in re.findall(r"^    homepot-ai run (.+)$", text, re.MULTILINE):
            name, *options = shlex.split(command)
            assert name in ENTRIES, f"{page.name}: {command}"
            known = parameter_schema(flow_of(ENTRIES[name])).model_dump()["properties"]
            for option in options:
                if "=" in option:
                    assert option.partition("=")[0] in known, f"{page.name}: {command}"


def test_every_task_module_imports() -> None:
    # Flows import their tasks when they run: a deploy would not notice a broken one.
    for path in sorted((ROOT / "tasks").glob("*.py")):
        importlib.import_module(f"tasks.{path.stem}")


def test_minute_work_runs_in_utc_and_nothing_local_runs_in_the_lost_hour() -> None:
    for entry in ENTRIES.values():
        assert bool(entry.schedules) != ("on-demand" in entry.tags), f"{entry.name} never runs, or is said to"
        for schedule in entry.schedules:
            assert schedule["slug"], "without a slug, a second deploy makes a second schedule"
            if "interval" in schedule:
                assert schedule["timezone"] == "UTC"
                assert datetime.fromisoformat(schedule["anchor_date"]).utcoffset() == timedelta(0)
            else:
                hour = int(schedule["cron"].split()[1])
                assert schedule["timezone"] == "UTC" or hour not in (1, 2, 3)


def test_each_zone_gets_its_own_morning(tmp_path: Path) -> None:
    settings = Settings(home=ROOT, var_dir=tmp_path, profile="default")
    zones = ["America/New_York", "Asia/Singapore", "Europe/Berlin"]
    names = catalogue.write(settings, zones, tmp_path / "prefect.yaml")
    assert "replay-sample" not in names
    written = yaml.safe_load((tmp_path / "prefect.yaml").read_text())
    mornings = {"daily-report": "0 6 * * *", "weekly-report": "0 6 * * 1", "monthly-report": "0 6 1 * *"}
    for name, cron in mornings.items():
        report = next(entry for entry in written["deployments"] if entry["name"] == name)
        assert [(s["timezone"], s["parameters"]["timezone"], s["cron"]) for s in report["schedules"]] == [
            (zone, zone, cron) for zone in zones
        ]
        assert len({schedule["slug"] for schedule in report["schedules"]}) == 3
    assert written["pull"] == []


def test_the_demo_profile_adds_what_is_tagged(tmp_path: Path) -> None:
    settings = Settings(home=ROOT, var_dir=tmp_path, profile="demo")
    assert "replay-sample" in catalogue.write(settings, [], tmp_path / "prefect.yaml")


def test_each_shard_is_a_deployment_with_a_limit_of_its_own(tmp_path: Path) -> None:
    settings = Settings(home=ROOT, var_dir=tmp_path, scoring=ScoringSettings(shards=3))
    rendered = catalogue.render(settings, [])["deployments"]
    shards = [entry for entry in rendered if entry["name"].startswith("score-health")]
    assert [(entry["name"], entry["parameters"]["shard"]) for entry in shards] == [
        ("score-health-1", 0),
        ("score-health-2", 1),
        ("score-health-3", 2),
    ]
    assert all(entry["concurrency_limit"]["limit"] == 1 for entry in shards)
    # Not all in the same second, and each still every minute.
    assert [entry["schedules"][0]["anchor_date"][17:19] for entry in shards] == ["15", "25", "35"]
    assert {entry["schedules"][0]["interval"] for entry in shards} == {60}


def test_a_split_flow_is_run_by_its_name_with_all_its_parts(tmp_path: Path) -> None:
    settings = Settings(home=ROOT, var_dir=tmp_path, scoring=ScoringSettings(shards=3))
    known = catalogue.installed(settings)
    parts = ["score-health-1", "score-health-2", "score-health-3"]
    assert [entry.name for entry in asked(known, "score-health", {})] == parts
    assert [entry.name for entry in asked(known, "score-health-2", {})] == ["score-health-2"]
    assert [entry.name for entry in asked(known, "score-health", {"shard": 2})] == ["score-health-3"]
    assert [name for name, _ in cycle.parts(settings)][:3] == parts
    with pytest.raises(NotFound):
        asked(known, "score-health-4", {})
    for name in parts:
        detail = judge_lateness(name, timedelta(minutes=1), None, NOW, since=NOW - timedelta(days=1)).detail
        assert detail.endswith("see docs/runbooks/score-health.md")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Gaza"])
def test_six_in_the_morning_exists_once_on_every_day(zone: str) -> None:
    day, tz = date(2026, 1, 1), ZoneInfo(zone)
    while day < date(2028, 1, 1):
        local = datetime.combine(day, datetime.min.time().replace(hour=6), tz)
        assert local.astimezone(ZoneInfo("UTC")).astimezone(tz).replace(fold=0) == local
        assert local.utcoffset() == local.replace(fold=1).utcoffset()
        day += timedelta(days=1)
