"""`prefect.yaml` as records, and as the file that one installation deploys."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deployments.pod import catalogue as pod_catalogue
from deployments.pod import profiles
from tasks.names import shard_number

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

FILE = "prefect.yaml"
DEMO_TAG = "demo"
# Flows that every timezone in use has its own schedule of, at 06:00 there, and on which days.
MORNINGS = {"daily-report": "0 6 * * *", "weekly-report": "0 6 * * 1", "monthly-report": "0 6 1 * *"}
# Flows that a fleet of several shards has a deployment each of.
SPLIT = {"score-health", "learn-baselines"}
# Shards begin to score within so long after the first.
SPREAD = timedelta(seconds=30)


@dataclass(frozen=True)
class Deployment:
    """One entry of the catalogue.

    Attributes:
        name: also the flow's name, the artifact's key and the runbook's file name.
        entrypoint: module and function, `flows.health.score_health`.
        pool: the work pool whose worker runs it.
        collision: CANCEL_NEW or ENQUEUE, what happens to a run that finds another one busy.
    """

    name: str
    entrypoint: str
    description: str
    tags: tuple[str, ...]
    pool: str
    limit: int
    collision: str
    parameters: Mapping[str, Any]
    schedules: tuple[Mapping[str, Any], ...]

    @property
    def demo_only(self) -> bool:
        """Whether it belongs to the demo profile."""
        return DEMO_TAG in self.tags

    @property
    def runbook(self) -> str:
        """Path of its runbook."""
        return f"docs/runbooks/{self.name}.md"


def load_file(home: Path) -> dict[str, Any]:
    """The catalogue as YAML has it."""
    loaded: dict[str, Any] = yaml.safe_load((home / FILE).read_text(encoding="utf-8"))
    return loaded


def deployments(home: Path) -> list[Deployment]:
    """Every deployment, in the order of the file."""
    return [_record(entry) for entry in load_file(home)["deployments"]]


def for_profile(home: Path, profile: str) -> list[Deployment]:
    """The deployments of a profile: those tagged `demo` only in the demo."""
    return [entry for entry in deployments(home) if profile == "demo" or not entry.demo_only]


def installed(settings: Settings) -> dict[str, Deployment]:
    """What this installation deploys, by name: a flow that is split has a deployment for each shard."""
    return {entry["name"]: _record(entry) for entry in render(settings, [])["deployments"]}


def render(settings: Settings, zones: Sequence[str], *, scheduled: bool = True) -> dict[str, Any]:
    """The file that this installation deploys.

    Args:
        zones: IANA names in use; each gets its own 06:00 schedule of the scheduled reports.
        scheduled: False leaves every schedule there but inactive: runs come on demand only.
    """
    file = load_file(settings.home)
    chosen = {entry.name for entry in for_profile(settings.home, settings.profile)}
    rendered: list[dict[str, Any]] = []
    for entry in file["deployments"]:
        if entry["name"] not in chosen:
            continue
        if entry["name"] in MORNINGS and zones:
            cron = MORNINGS[entry["name"]]
            rendered.append({**entry, "schedules": [_morning(zone, cron) for zone in zones]})
        elif entry["name"] in SPLIT and settings.scoring.shards > 1:
            shards = settings.scoring.shards
            rendered.extend(_shard(entry, shard, shards) for shard in range(shards))
        else:
            rendered.append(entry)
    # Without copies, PyYAML would write anchors and aliases that nobody reads with ease.
    plain = [copy.deepcopy(entry) for entry in rendered]
    if settings.pod:
        plain = pod_catalogue.fitted(plain, profiles.load(settings.pods_folder, settings.pod))
    for entry in plain:
        for schedule in entry["schedules"]:
            schedule["active"] = scheduled and schedule.get("active", True)
    return {"name": file["name"], "pull": [], "deployments": plain}


def write(settings: Settings, zones: Sequence[str], path: Path, *, scheduled: bool = True) -> list[str]:
    """Write the rendered file; returns the names of its deployments."""
    rendered = render(settings, zones, scheduled=scheduled)
    rendered["deployments"] = pod_catalogue.named(rendered["deployments"], settings.pod)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = f"# Made at bootstrap from {FILE}: edit that one.\n"
    path.write_text(header + yaml.safe_dump(rendered, sort_keys=False), encoding="utf-8")
    return [entry["name"] for entry in rendered["deployments"]]


def zone_slug(zone: str) -> str:
    """A schedule's name in Prefect.

    >>> zone_slug("America/Argentina/Buenos_Aires")
    'america-argentina-buenos-aires'
    """
    return zone.lower().replace("/", "-").replace("_", "-").replace("+", "-plus-")


def _morning(zone: str, cron: str) -> dict[str, Any]:
    # 06:00 exists once on every day of the year in every zone; 02:30 does not.
    return {
        "cron": cron,
        "timezone": zone,
        "slug": zone_slug(zone),
        "parameters": {"timezone": zone},
    }


def _shard(entry: dict[str, Any], shard: int, shards: int) -> dict[str, Any]:
    """One part of a fleet that is split: its own deployment, so its own limit of one run.

    They begin one after the other within half a minute: a server that has to make a hundred runs
    in the same second is late with all of them. Nightly ones wait for each other in their pool anyway.
    """
    schedules = [{**schedule, **_later(schedule, SPREAD * shard / shards)} for schedule in entry["schedules"]]
    return {
        **entry,
        "name": f"{entry['name']}-{shard_number(shard, shards)}",
        "parameters": {**entry["parameters"], "shard": shard},
        "schedules": schedules,
    }


def _later(schedule: Mapping[str, Any], by: timedelta) -> dict[str, str]:
    if "anchor_date" not in schedule:
        return {}
    anchor = datetime.fromisoformat(schedule["anchor_date"]) + timedelta(seconds=int(by.total_seconds()))
    return {"anchor_date": anchor.isoformat()}


def _record(entry: dict[str, Any]) -> Deployment:
    limit = entry["concurrency_limit"]
    return Deployment(
        name=entry["name"],
        entrypoint=entry["entrypoint"],
        description=entry["description"],
        tags=tuple(entry["tags"]),
        pool=entry["work_pool"]["name"],
        limit=limit["limit"],
        collision=limit["collision_strategy"],
        parameters=entry.get("parameters", {}),
        schedules=tuple(entry.get("schedules", [])),
    )
