"""Child processes: started with their own group and log, ended without a trace.

Why each child gets a session of its own: Ctrl-C in a terminal goes to the whole
foreground group, and everything would stop at once in no order. The supervisor
alone hears it and stops workers first, the server last.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

# Every process that the supervisor starts, and their children, carry this variable:
# so they are found again when the supervisor itself was killed.
MARK = "HOMEPOT_AI_SUPERVISOR"

LOG_LIMIT_BYTES = 20_000_000
BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
# A child that lived so long before it died starts again at once.
SETTLED_S = 120.0


@dataclass
class Child:
    """One process that is kept running.

    Attributes:
        name: in messages, and of its log file.
        command: argument vector.
        grace_s: seconds from SIGTERM to SIGKILL.
        on_death: called after it died by itself, before it is started again.
        most_bytes: of memory of its own, after which it is renewed; None: as much as it likes.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    grace_s: float = 10.0
    on_death: Callable[[], None] = lambda: None
    most_bytes: int | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    waiting: bool = False
    restarts: int = 0
    last_exit: int | None = None

    def start(self) -> None:
        """Start it; output goes to the end of its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = spawn(self.command, env=self.env, cwd=self.cwd, output=log)
        self.started = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def revive(self, now: float) -> str | None:
        """Start it again if it died, each time after a longer pause.

        Args:
            now: a monotonic time in seconds.

        Returns:
            What happened, for the operator; None when there is nothing to say.
        """
        if self.process is None or self.running:
            return None
        if not self.waiting:  # it died just now
            self.waiting = True
            self.last_exit = self.process.returncode
            lived = now - self.started
            # Its own children may have outlived it, and would go on beside those of the next one.
            end_group(self.process, grace_s=0.0)
            self.on_death()
            self.failures = 0 if lived > SETTLED_S else self.failures + 1
            pause = BACK_OFF_S[min(self.failures, len(BACK_OFF_S) - 1)]
            self.not_before = now + pause
            return (
                f"{self.name} ended with code {self.process.returncode} after {lived:.0f} s; "
                f"it starts again in {pause:.0f} s; its log is {self.log}"
            )
        if now >= self.not_before:
            try:
                self.start()
            except OSError as error:  # no room, no memory: the others go on, and this one is tried again
                self.not_before = now + BACK_OFF_S[-1]
                return f"{self.name} cannot be started ({error}); tried again in {BACK_OFF_S[-1]:.0f} s"
            self.waiting = False
            self.restarts += 1
            return f"{self.name} started again"
        return None

    def renew(self) -> str | None:
        """End it, for `revive` to start anew, if it has grown too large and has nothing under way.

        A worker that starts processes for weeks leaves something behind of each.
        """
        if self.most_bytes is None or self.process is None or not self.running:
            return None
        try:
            process = psutil.Process(self.process.pid)
            bytes_ = process.memory_info().rss
            if bytes_ <= self.most_bytes or process.children():
                return None
        except psutil.Error:  # it ended at this moment
            return None
        end_group(self.process, self.grace_s)
        return f"{self.name} has grown to {bytes_ / 2**20:.0f} MiB and is renewed between two runs"

    def stop(self) -> None:
        """End it and everything in its group."""
        if self.process is not None:
            end_group(self.process, self.grace_s)

    def trim_log(self) -> None:
        """Keep the log bounded: at the limit it moves to `.1`, replacing the one before."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            # The child holds the file open for appending: copy, then empty it in place.
            self.log.with_name(self.log.name + ".1").write_bytes(self.log.read_bytes())
            os.truncate(self.log, 0)


def spawn(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: IO[Any] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own.

    It gets the default handling of SIGINT and SIGTERM, provided that the caller handles
    both (handlers become defaults in a new program; ignored signals stay ignored, and a
    process started with `&` from a script ignores SIGINT, which is how Prefect passes
    SIGTERM on to itself).
    """
    return subprocess.Popen(
        list(command),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
    )


def end_group(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """SIGTERM to the process, then SIGKILL to whatever is left of its group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


def marked(mark_prefix: str) -> list[psutil.Process]:
    """Processes of this user whose mark begins so, but this one."""
    if not mark_prefix:  # every process on the machine begins so
        raise ValueError("an empty mark would be everybody's")
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if process.environ().get(MARK, "").startswith(mark_prefix):
                found.append(process)
        except psutil.Error:
            continue  # gone meanwhile, or somebody else's
    return found


def end_marked(mark_prefix: str, *, patience_s: float = 3.0) -> list[str]:
    """End every marked process: SIGTERM, then SIGKILL. Returns what they were."""
    processes = marked(mark_prefix)
    described = [describe(process) for process in processes]
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=patience_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=patience_s)
    return described


def describe(process: psutil.Process) -> str:
    """`python -m prefect worker (pid 4711)`, as an operator would recognise it."""
    try:
        words = process.cmdline()
    except psutil.Error:
        words = []
    text = " ".join([Path(words[0]).name, *words[1:5]]) if words else "a process"
    return f"{text} (pid {process.pid})"


def who_listens(host: str, port: int) -> str | None:
    """Who holds a TCP port, as far as this user may see; None when it is free."""
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a port in TIME_WAIT from the last stop counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            pass
        else:
            return None
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return describe(psutil.Process(connection.pid))
    return "another program"
