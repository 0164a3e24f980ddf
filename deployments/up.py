"""`homepot-ai up`: everything on this machine, from one command.

The demo is this same command with the demo profile: it adds the sample fleet, the
replay of its recordings and a mail server that keeps mails as files.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homepot_ai.errors import HomepotAIError
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
) -> None:
    """Start everything (PostgreSQL unless configured, Prefect, workers), keep it running; Ctrl-C stops it."""
    try:
        wanted = profile or os.environ.get("HOMEPOT_AI_PROFILE") or "default"
        code = up(settings_for(wanted), once=once, forget=reset)
    except HomepotAIError as error:
        console.print(f"homepot-ai up: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    raise typer.Exit(code)


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
    from deployments import lock, supervisor

    demo = settings.profile == "demo"
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
                    say(f"Starting homepot-ai ({settings.profile}); state and logs are in {settings.var_dir}")
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
                    say("Stopping ...")
            except supervisor.Stopped:
                say("Stopped before everything was up.")
                return 130 if once else 0
        say("Everything is stopped.")
    return 0


def _introduce(settings: Settings) -> None:
    """What there is to see, and where."""
    from deployments import supervisor

    ui = f"http://{settings.prefect.host}:{settings.prefect.port}"
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
