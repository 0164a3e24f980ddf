"""`homepot-ai pod`: other fleets on the same host."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console

from deployments import lock, processes
from deployments.pod import check as pod_check
from deployments.pod import profiles, rendering
from homepot_ai.errors import HomepotAIError, SettingsError
from homepot_ai.settings import Settings, settings_for
from homepot_ai.store.checks import SYMBOLS
from homepot_ai.text import table

app = typer.Typer(help="Other fleets on this host: profiles in deployments/pods.", no_args_is_help=True)
console = Console(highlight=False)

UP_PATIENCE_S, DOWN_PATIENCE_S = 900.0, 120.0
FIRST_PORT = 8310
Name = Annotated[str, typer.Argument(help="The pod's name: that of its profile.")]

SKELETON = """\
# Another fleet on this host: see docs/pods.md. Secrets go into {name}.env.
description: Say whose fleet this is.
settings:
  # Its own PostgreSQL is embedded, unless HOMEPOT_AI_DATABASE_URL stands in {name}.env.
  database: {{schema_name: {name}, homepot_schema: public}}
  api: {{port: {port}}}
  mail:
    host: mail.example.org
    port: 587
    security: starttls
    sender: "Reports <reports@example.org>"
    domain: example.org
  reports: {{organisation: {title}, timezone: UTC}}
# recipients:
#   - {{email: ops@example.org, kind: daily}}
"""
SECRETS = """\
# Secrets of the pod {name}, one HOMEPOT_AI_NAME=value a line; for its owner's eyes only.
# HOMEPOT_AI_DATABASE_URL=postgresql://{name}:password@localhost/homepot
# HOMEPOT_AI_MAIL__PASSWORD=
"""


def say(line: str) -> None:
    """One line for the operator."""
    console.print(line, markup=False, soft_wrap=True)


def the_host() -> Settings:
    """The host's own settings.

    Raises:
        SettingsError: this is said from within a pod.
    """
    host = settings_for(None)
    if host.pod:
        raise SettingsError(
            f"this is the environment of the pod {host.pod}; pods are looked after from the host's: unset "
            "HOMEPOT_AI_SETTINGS_FILE and HOMEPOT_AI_POD"
        )
    return host


@app.command()
def add(
    name: Name,
    file: Annotated[Path | None, typer.Option(help="A profile to take; else one is begun.")] = None,
) -> None:
    """Begin a pod: write its profile and its file of secrets where they are missing, and check them."""
    host = the_host()
    profiles.check_name(name)
    folder = host.pods_folder
    profile, made = folder / f"{name}.yaml", []
    if file is not None and profile.exists():
        raise SettingsError(f"{profile} is there already: edit it, or give the pod another name")
    if file is not None and not file.is_file():
        raise SettingsError(f"there is no profile {file}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not profile.exists():
            text = SKELETON.format(name=name, title=name.capitalize(), port=_free_port(host, folder))
            profile.write_text(file.read_text(encoding="utf-8") if file else text, encoding="utf-8")
            made.append(profile)
        secrets = profile.with_suffix(".env")
        if not secrets.exists():
            handle = os.open(secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            made.append(secrets)
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(SECRETS.format(name=name))
        found = pod_check.require(profiles.load(folder, name), host)
    except HomepotAIError:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    for path in made:
        say(f"● {path} written")
    _show(found)
    say(f"Edit {profile}, then: homepot-ai pod check {name}; homepot-ai pod up {name}")


def _free_port(host: Settings, folder: Path) -> int:
    taken = {host.api.port}
    for name in profiles.names(folder):
        try:
            taken.add(int(profiles.load(folder, name).profile.settings["api"]["port"]))
        except (HomepotAIError, KeyError, TypeError, ValueError):
            continue
    ports = range(FIRST_PORT, 65535, 10)
    return next(p for p in ports if p not in taken and processes.who_listens("127.0.0.1", p) is None)


@app.command("list")
def listing() -> None:
    """Every pod: whether it is up, and what it has of its own."""
    host = the_host()
    rows = []
    for name in profiles.names(host.pods_folder):
        try:
            pod = profiles.load(host.pods_folder, name)
            tree = rendering.rendered(pod, host)
            folder = rendering.var_dir(pod, host)
            up = lock.running(folder)
            state = "down" if up is None else "up" if up.ready else "starting"
            schema, door = str(tree["database"]["schema_name"]), tree.get("api") or {}
            port = "-" if door.get("enabled") is False else str(door.get("port", "-"))
            rows.append((name, state, schema, port, pod.profile.description))
        except HomepotAIError as error:
            rows.append((name, "▲ wrong", "-", "-", str(error).splitlines()[0]))
    if not rows:
        say(f"no pod has a profile in {host.pods_folder}: homepot-ai pod add NAME begins one")
        return
    say(table(("pod", "state", "schema", "api port", "what it is"), rows, "0< 0< 0< 0< 0<"))


@app.command()
def check(name: Annotated[str, typer.Argument(help="One pod; else all of them.")] = "") -> None:
    """Whether profiles, secrets, templates, schedules, code and databases are as they should be."""
    host = the_host()
    bad = False
    for one in [name] if name else profiles.names(host.pods_folder):
        say(f"{one}:")
        try:
            found = pod_check.examine(profiles.load(host.pods_folder, one), host)
        except HomepotAIError as error:
            bad = True
            say(f"  {SYMBOLS['down']}  {error}")
            continue
        bad = bad or any(item.state == "down" for item in found)
        _show(found)
    raise typer.Exit(1 if bad else 0)


def _show(found: list[pod_check.ServiceCheck]) -> None:
    for one in found:
        say(f"  {SYMBOLS[one.state]:<11} {one.service}: {one.detail}")


@app.command()
def up(
    names: Annotated[list[str], typer.Argument(help="Pods; several need --detach.")],
    detach: Annotated[bool, typer.Option("--detach", help="In the background; wait until it is up.")] = False,
) -> None:
    """Start a pod (database if embedded, workers, HTTP door) beside the host's own fleet."""
    host = the_host()
    if len(names) > 1 and not detach:
        raise SettingsError("one pod stays in the foreground; start several with --detach")
    # All of them are looked at before the first one is started.
    known = [profiles.load(host.pods_folder, name) for name in dict.fromkeys(names)]
    for pod in known:
        for one in pod_check.require(pod, host):
            if one.state != "ok":
                say(f"{pod.name}: {SYMBOLS[one.state]} {one.service}: {one.detail}")
    for pod in known:
        settings, env = rendering.ready(pod, host)
        words = rendering.command("up")
        if detach:
            _start(pod, settings, env, words)
        else:
            os.chdir(host.home)
            os.execve(words[0], words, env)  # noqa: S606 - our own command line, without a shell


def _start(pod: profiles.Pod, settings: Settings, env: dict[str, str], words: list[str]) -> None:
    if (holder := lock.running(settings.var_dir)) is not None:
        say(f"● {pod.name} is up already (process {holder.pid})")
        return
    log = settings.var_dir / "log" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        begun = log.stat().st_size
        child = processes.spawn(words, env=env, cwd=settings.home, output=output)
    deadline = time.monotonic() + UP_PATIENCE_S
    with console.status(f"{pod.name} is starting; {log} tells"):
        while not ((holder := lock.running(settings.var_dir)) and holder.ready):
            if child.poll() is not None or time.monotonic() > deadline:
                said = log.read_bytes()[begun:].decode(errors="replace").strip()[-1500:]
                raise HomepotAIError(f"the pod {pod.name} did not come up; {log} ends:\n{said}")
            time.sleep(0.3)
    say(f"● {pod.name} is up (process {child.pid}); its log is {log}")


@app.command()
def down(names: Annotated[list[str], typer.Argument(help="Pods.")]) -> None:
    """Stop a pod in order; the others and the host go on."""
    host = the_host()
    for name in names:
        pod = profiles.load(host.pods_folder, name)
        folder = rendering.var_dir(pod, host)
        holder = lock.running(folder)
        if holder is None:
            _end_left_behind(folder)
            say(f"● {name} is not up")
            continue
        os.kill(holder.pid, signal.SIGTERM)
        try:
            psutil.Process(holder.pid).wait(DOWN_PATIENCE_S)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            raise HomepotAIError(
                f"the pod {name} (process {holder.pid}) has not stopped within {DOWN_PATIENCE_S:.0f} s: look "
                f"at {rendering.var_dir(pod, host) / 'log'}"
            ) from None
        say(f"● {name} is stopped")


def _end_left_behind(folder: Path) -> None:
    """End what a pod that was killed has left running: it would go on with work and hold its database."""
    for one in processes.end_marked(lock.mark_of(folder)):
        say(f"● left behind by a pod that was killed, and stopped now: {one}")


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def execute(
    name: Name,
    words: Annotated[list[str], typer.Argument(help="Any command of homepot-ai: status, run deliver ...")],
) -> None:
    """Say a command of homepot-ai as this pod: `homepot-ai pod exec east status`."""
    host = the_host()
    _, env = rendering.ready(profiles.load(host.pods_folder, name), host)
    whole = rendering.command(*words)
    os.execve(whole[0], whole, env)  # noqa: S606 - our own command line, without a shell


@app.command()
def remove(
    name: Name,
    data: Annotated[bool, typer.Option("--data", help="Also its schema, its roles and its folder.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a pod off the Prefect server, with its secrets there. Its data stay unless --data is said."""
    host = the_host()
    pod = profiles.load(host.pods_folder, name)
    folder = rendering.var_dir(pod, host)
    if (holder := lock.running(folder)) is not None:
        raise SettingsError(
            f"the pod {name} is up (process {holder.pid}): `homepot-ai pod down {name}` first"
        )
    what = f"the pod {name} with its schema, its roles and {folder}" if data else f"the pod {name}"
    if not yes and not typer.confirm(f"Remove {what}?"):
        raise typer.Exit(1)
    _end_left_behind(folder)
    settings, env = rendering.ready(pod, host)
    _in_pod(env, "deployments.pod.remove", *(["--data"] if data else []))
    kept = folder / "profile"
    if data:
        shutil.rmtree(settings.var_dir, ignore_errors=True)
        kept = host.var_dir / "pods" / f"{name}.removed"
    kept.mkdir(parents=True, exist_ok=True)
    for file in (pod.file, pod.env_file):
        if file.exists():
            shutil.move(str(file), kept / file.name)
    say(f"● profile and secrets are kept in {kept}")


def _in_pod(env: dict[str, str], module: str, *arguments: str) -> None:
    code = subprocess.run([sys.executable, "-m", module, *arguments], env=env, check=False).returncode
    if code != 0:
        raise HomepotAIError("nothing was removed here; what is printed above says why")
