"""`homepot-ai up`: everything on this machine, from one command.

The demo is this same command with the demo profile: it adds the sample fleet, the
replay of its recordings and a mail server that keeps mails as files.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homepot_ai.errors import HomepotAIError, SettingsError
from homepot_ai.settings import Settings, settings_for

console = Console(highlight=False)


def say(line: str) -> None:
    """One line for the operator."""
    console.print(line, markup=False, soft_wrap=True)


def command(
    profile: Annotated[
        str | None, typer.Option(help="`demo`: sample fleet, replay and a local mail sink.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Run one whole cycle to a mailed report, then stop.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget everything in the state folder first.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="In the background: come back when all is up; `down` stops it.")
    ] = False,
) -> None:
    """Start everything (PostgreSQL unless configured, Prefect, workers), keep it running; Ctrl-C stops it."""
    try:
        wanted = profile or os.environ.get("HOMEPOT_AI_PROFILE") or "default"
        if detach and once:
            raise SettingsError("--once ends by itself: leave out --detach")
        settings = settings_for(wanted)
        code = detached(settings, forget=reset) if detach else up(settings, once=once, forget=reset)
    except HomepotAIError as error:
        console.print(f"homepot-ai up: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    raise typer.Exit(code)


def require_own_server(settings: Settings) -> None:
    """Refuse where the Prefect server is somebody else's; that of a pod always is, and it is asked for it.

    Raises:
        SettingsError: with what to start instead.
    """
    if settings.prefect.url and not settings.pod:
        raise SettingsError(
            f"prefect.url says that the Prefect server at {settings.prefect.url} is not a part of this "
            "machine's `up`. Where units run it: `systemctl start homepot-ai.target`. Else start a worker "
            "for it (`homepot-ai worker --pool minute`), or unset it"
        )


def up(settings: Settings, *, once: bool = False, forget: bool = False) -> int:
    """Start everything and stay until stopped.

    Args:
        once: run one whole cycle through the workers, then stop.
        forget: empty the state folder first.

    Returns:
        The exit code: 0 when stopped in order, 1 when the cycle failed.

    Raises:
        HomepotAIError: something does not start; the message says what to do.
    """
    from deployments import lock, private, supervisor

    require_own_server(settings)
    demo = settings.profile == "demo"
    private.keep_private(settings.var_dir)
    with lock.hold(settings) as (holder, leftovers):
        if leftovers:
            say("The last run was killed and left these behind; they are stopped now:")
            for leftover in leftovers:
                say(f"  {leftover}")
        if forget:
            _stop_embedded(settings.var_dir)
            supervisor.reset(settings)
        parts = supervisor.Supervisor(settings, holder, say)
        with supervisor.heed_signals(parts.stopping):
            try:
                with parts:
                    parts.start_endpoint()
                    parts.say(
                        f"Starting homepot-ai ({settings.profile}); state and logs are in {settings.var_dir}"
                    )
                    if not once:
                        parts.require_api_port()
                    if not settings.pod:  # a pod's work is on the host's server
                        parts.start_server()  # takes some seconds: meanwhile the database gets ready
                    if demo:
                        parts.start_mail_sink()
                    parts.start_postgres()
                    parts.run_step("deployments.prepare")
                    parts.wait_for_server()
                    # For one cycle the schedules rest: nothing may come between its parts.
                    parts.run_step("deployments.bootstrap", "--solo", *(["--on-demand"] if once else []))
                    parts.start_workers()
                    parts.announce_ready()
                    if once:
                        parts.run_step("deployments.cycle")
                        return 0
                    parts.start_api()
                    _introduce(settings)
                    parts.watch()
                    parts.say("Stopping ...")
            except supervisor.Stopped:
                parts.say("Stopped before everything was up.")
                return 130 if once else 0
        parts.say("Everything is stopped.")
    return 0


def detached(settings: Settings, *, forget: bool = False, patience_s: float = 900.0) -> int:
    """Start `homepot-ai up` in the background and come back when it is up.

    Returns:
        0 when everything is up; the code of the one that gave up meanwhile.

    Raises:
        HomepotAIError: it is not up after so long; it goes on trying, and the message says where to look.
    """
    from deployments import environment, lock, processes

    output = settings.var_dir / "run" / "up.out"
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "homepot_ai.cli", "up", *(["--reset"] if forget else [])]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with output.open("wb") as file:
        started = processes.spawn(
            command, env=environment.child_environment(settings), cwd=settings.home, output=file
        )
    deadline = time.monotonic() + patience_s
    while not ((holder := lock.running(settings.var_dir)) and holder.pid == started.pid and holder.ready):
        if started.poll() is not None:
            say(output.read_text(encoding="utf-8", errors="replace").rstrip())
            return started.returncode or 1
        if time.monotonic() > deadline:
            raise HomepotAIError(
                f"not up after {patience_s:.0f} s (process {started.pid}); what it said so far is in {output}"
            )
        time.sleep(0.2)
    say(f"homepot-ai is up in the background (process {started.pid}). Prefect's screens: {_ui(settings)}")
    say(f"  its parts      {_ourselves()} parts      (the same over HTTP: {holder.health_url})")
    say(f"  what is said   tail -F {settings.var_dir / 'log' / 'homepot-ai.log'}")
    say(f"  stop it        {_ourselves()} down")
    return 0


def _ui(settings: Settings) -> str:
    return settings.prefect.api_url.removesuffix("/api")


def _introduce(settings: Settings) -> None:
    """What there is to see, and where."""
    from deployments import supervisor

    ui = _ui(settings)
    us = _ourselves()
    lines = [
        "",
        f"homepot-ai is up. Prefect's screens: {ui}",
        "",
        "What to look at:",
        f"  what each minute found         {ui}/artifacts/key/score-health",
        f"  what each hour foretells       {ui}/artifacts/key/predict-failures",
        f"  what runs when                 {ui}/deployments",
        f"  the fleet in one screen        {us} status",
        f"  run something now              {us} run daily-report",
        f"  the parts, and one log of all  {us} parts; {settings.var_dir / 'log' / 'homepot-ai.log'}",
    ]
    if settings.api.enabled:
        lines.append(f"  answers for programs           {supervisor.api_url(settings)}/api/ai/status")
    if settings.profile == "demo":
        lines += [
            f"  the mails that were sent       {us} mailbox",
            f"  what really happened           {us} demo-truth",
            "",
            "At a first start yesterday's reports are made and mailed now: give them half a minute.",
            "The recorded telemetry goes on minute by minute; labelled incidents come within ten minutes.",
        ]
    lines += ["", "Ctrl-C stops everything."]
    for line in lines:
        say(line)


def _ourselves() -> str:
    """How to call this program from here: its name where it is on the path, else its place."""
    if shutil.which("homepot-ai"):
        return "homepot-ai"
    return os.path.relpath(Path(sys.executable).parent / "homepot-ai")


def _stop_embedded(var_dir: Path) -> None:
    """A database left by a killed run would hold files that are about to go."""
    from homepot_ai.store import embedded

    if embedded.running_url(var_dir) is not None:
        embedded.start(var_dir).stop()
