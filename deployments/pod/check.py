"""Is a pod as it should be? Asked before anything is changed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deployments import catalogue, lock
from deployments.pod import profiles, rendering
from deployments.pod import templates as pod_templates
from deployments.pod.profiles import Pod, Schedule
from homepot_ai.errors import DatabaseError, HomepotAIError, SettingsError
from homepot_ai.settings import Settings
from homepot_ai.store import pods as sharing
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Database
from homepot_ai.watch import remote
from tasks.names import flow_of

PROBE_PATIENCE_S = 120
# In a zone with daylight saving these hours do not exist, or come twice, once a year.
LOST_HOURS = frozenset({1, 2, 3})


@dataclass(frozen=True)
class Neighbour:
    """Another fleet on this host: what it takes for itself."""

    name: str
    settings: Settings


def require(pod: Pod, host: Settings) -> list[ServiceCheck]:
    """Everything that was found, if nothing of it is broken.

    Raises:
        SettingsError: naming everything that is broken.
    """
    found = examine(pod, host)
    if bad := [f"{one.service}: {one.detail}" for one in found if one.state == "down"]:
        raise SettingsError(f"the pod {pod.name} is not as it should be:\n  " + "\n  ".join(bad))
    return found


def examine(pod: Pod, host: Settings) -> list[ServiceCheck]:
    """Look at everything. Nothing is changed and nothing is raised: all of it is told."""
    found = []
    with tempfile.TemporaryDirectory(prefix="hp-pod-") as scratch:
        file = rendering.write(rendering.rendered(pod, host), Path(scratch) / "settings.yaml")
        try:
            settings = rendering.settings_of(pod, host, file)
        except HomepotAIError as error:
            return [ServiceCheck("settings", "down", str(error))]
        found.append(ServiceCheck("settings", "ok", f"schema {settings.database.schema_name}"))
        found += _told("neighbours", _neighbours(pod, host, settings), "takes nothing that another one has")
        found += _told("schedules", _schedules(pod, host), f"{len(pod.profile.schedules)} of its own")
        found += _told(
            "templates", _templates(pod, host), "as the host's" if pod.templates is None else "good"
        )
        found += _told("recipients", _recipients(pod), f"{len(pod.profile.recipients)} named")
        found += _told("own code", _code(pod, host, file), _amount(pod))
    return [*found, _database(settings), _server(settings)]


def _told(what: str, wrong: Iterator[str], good: str) -> list[ServiceCheck]:
    try:
        found = [ServiceCheck(what, "down", said) for said in wrong]
    except HomepotAIError as error:
        found = [ServiceCheck(what, "down", str(error))]
    return found or [ServiceCheck(what, "ok", good)]


def _amount(pod: Pod) -> str:
    flows, sections = len(pod.profile.deployments), len(pod.profile.sections)
    return f"{flows} flows and {sections} sections" if flows or sections else "none"


def neighbours(pod: Pod, host: Settings) -> list[Neighbour]:
    """The host's own fleet, and every other pod whose settings can be read."""
    found = [Neighbour("the host", host)]
    for name in profiles.names(pod.file.parent):
        if name == pod.name:
            continue
        try:
            other = profiles.load(pod.file.parent, name)
            with tempfile.TemporaryDirectory(prefix="hp-pod-") as scratch:
                file = rendering.write(rendering.rendered(other, host), Path(scratch) / "settings.yaml")
                found.append(Neighbour(f"the pod {name}", rendering.settings_of(other, host, file)))
        except HomepotAIError:
            continue  # its own check tells
    return found


def _neighbours(pod: Pod, host: Settings, mine: Settings) -> Iterator[str]:
    for other in neighbours(pod, host):
        theirs = other.settings
        if mine.var_dir.resolve() == theirs.var_dir.resolve():
            yield f"var_dir {mine.var_dir} is that of {other.name}: each needs a folder of its own"
        if mine.backup.second_dir is not None and mine.backup.second_dir == theirs.backup.second_dir:
            yield (
                f"backup.second_dir {mine.backup.second_dir} is that of {other.name}: each lets go of "
                "backups there as if all were its own; name a folder below it"
            )
        if mine.backup.dir is not None and mine.backup.dir == theirs.backup.dir:
            yield f"backup.dir {mine.backup.dir} is that of {other.name}: each needs a folder of its own"
        same = _place(mine) == _place(theirs)
        if same and mine.database.schema_name == theirs.database.schema_name:
            yield (
                f"database.schema_name {mine.database.schema_name} in the same database is that of "
                f"{other.name}: choose another"
            )
        if same and mine.database.homepot_schema == theirs.database.homepot_schema:
            yield (
                f"database.homepot_schema {mine.database.homepot_schema} in the same database is the "
                f"fleet of {other.name}: a pod is another fleet"
            )
        taken = {port: name for name, port in _ports(theirs).items()}
        for name, port in _ports(mine).items():
            if port in taken:
                yield f"{name} {port} is {taken[port]} of {other.name}: choose another"


def _ports(settings: Settings) -> dict[str, int]:
    taken = {}
    if settings.api.enabled:
        taken["api.port"] = settings.api.port
    if settings.profile == "demo":
        taken["demo.mail_port"] = settings.demo.mail_port
    return taken


def _place(settings: Settings) -> tuple[str, ...]:
    """Which database it is, as far as its address says it."""
    if settings.database_url is None:
        return ("embedded", str(settings.var_dir.resolve()))
    try:
        parts = psycopg.conninfo.conninfo_to_dict(settings.database_url.get_secret_value())
    except psycopg.Error:
        return ("unknown", settings.database_url.get_secret_value())
    return tuple(
        str(parts.get(name, usual)) for name, usual in (("host", ""), ("port", 5432), ("dbname", ""))
    )


def _schedules(pod: Pod, host: Settings) -> Iterator[str]:
    known = {entry.name for entry in catalogue.deployments(host.home)}
    own = [entry.name for entry in pod.profile.deployments]
    for name in own:
        if name in known:
            yield f"the deployment {name} is one of the house: give yours another name"
    for name in sorted({name for name in own if own.count(name) > 1}):
        yield f"two deployments are called {name}"
    for name, wanted in pod.profile.schedules.items():
        if flow_of(name) not in known | set(own):
            yield f"schedules: there is no deployment {name}; `homepot-ai pod exec {pod.name} run` lists them"
        elif isinstance(wanted, Schedule):
            yield from _schedule(name, wanted)
    for entry in pod.profile.deployments:
        if entry.schedule is not None:
            yield from _schedule(entry.name, entry.schedule)


def _schedule(name: str, wanted: Schedule) -> Iterator[str]:
    if wanted.cron is None:
        return
    from prefect.client.schemas.schedules import CronSchedule

    try:
        CronSchedule(cron=wanted.cron, timezone=wanted.timezone or "UTC")
    except ValueError:
        yield f"schedules.{name}: {wanted.cron!r} is no cron line; write for example '0 7 * * *'"
        return
    hours = wanted.cron.split()[1]
    local = wanted.timezone not in (None, "UTC") or name in catalogue.MORNINGS
    if local and (not hours.isdecimal() or int(hours) in LOST_HOURS):
        yield (
            f"schedules.{name}: {wanted.cron!r} is local time, where an hour between 01:00 and 04:00 does "
            "not exist once a year: choose a fixed hour after that, or UTC"
        )


def _templates(pod: Pod, host: Settings) -> Iterator[str]:
    if pod.templates is not None:
        yield from pod_templates.wrong(host.home / "templates", pod.templates)


def _recipients(pod: Pod) -> Iterator[str]:
    from homepot_ai.errors import MailError
    from homepot_ai.reporting.mail import bare_address

    for one in pod.profile.recipients:
        try:
            bare_address(one.email)
        except MailError as error:
            yield f"{one.email!r}: {error}"


def _code(pod: Pod, host: Settings, file: Path) -> Iterator[str]:
    """What its own code would fail of, seen in a process with its environment."""
    if pod.python_path is not None and not pod.python_path.is_dir():
        yield f"python_path: the folder {pod.python_path} is not there"
        return
    if not pod.profile.deployments and not pod.profile.sections:
        return
    env = rendering.environment_of(pod, host, file)
    command = [sys.executable, "-m", "deployments.pod.probe"]
    try:
        answer = subprocess.run(
            command, env=env, cwd=host.home, capture_output=True, text=True, timeout=PROBE_PATIENCE_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        yield f"its own code could not be loaded within {PROBE_PATIENCE_S} s"
        return
    try:
        # What a module prints while it is imported comes before.
        yield from json.loads(answer.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        yield f"its own code ends Python (code {answer.returncode}): {answer.stderr.strip()[-300:]}"


def _database(settings: Settings) -> ServiceCheck:
    if settings.database_url is None:
        return ServiceCheck("database", "ok", f"its own embedded PostgreSQL under {settings.var_dir}")
    db = Database.from_settings(settings)
    try:
        if not sharing.has_fleet(db):
            said = f"HOMEPOT's tables are not in the schema {db.homepot_schema}: set database.homepot_schema"
            return ServiceCheck("database", "down", said)
        seen = sharing.others_seen(db)
    except (DatabaseError, psycopg.Error) as error:
        return ServiceCheck("database", "down", str(error).strip())
    if seen:
        said = (
            f"this login may also read {', '.join(seen)}: give the pod a login of its own (docs/pods.md), so "
            "that PostgreSQL itself keeps them apart"
        )
        return ServiceCheck("database", "degraded", said)
    return ServiceCheck("database", "ok", "the login sees this fleet only")


def _server(settings: Settings) -> ServiceCheck:
    if (up := lock.running(settings.var_dir)) is not None:
        return ServiceCheck("running", "ok", f"since {up.started}, process {up.pid}")
    prefect = settings.prefect
    if remote.prefect_server(settings).state == "down":
        said = (
            f"{prefect.api_url} does not answer: start the host first, with `homepot-ai up` or, where units "
            "run it, `systemctl start homepot-ai.target`"
        )
        return ServiceCheck("prefect", "degraded", said)
    return ServiceCheck("prefect", "ok", f"the shared server is {prefect.api_url}")
