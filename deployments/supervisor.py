"""One supervisor for everything on this machine: start in order, keep alive, stop in reverse."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Literal

from deployments import environment, health, lock, processes, release
from deployments.doors import Door, answers
from deployments.onelog import OneLog
from deployments.processes import Child
from homepot_ai import pod_names
from homepot_ai.errors import DatabaseUnreachable, HomepotAIError, SettingsError
from homepot_ai.hosts import reached_at

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.embedded import EmbeddedServer

Say = Callable[[str], None]

SERVER_PATIENCE_S, HOST_PATIENCE_S = 90.0, 60.0
LOOK_EVERY_S = 0.2
TRIM_EVERY_S = 300.0
# Four times what a worker needs after a start.
WORKER_MOST_BYTES = 400 * 2**20
POSTGRES_PAUSE_S = 5.0
# Not forgotten with the rest: the lock that we hold, what belongs to pods, the operators' own pages, and
# backups, which are what one resets with a quiet mind for.
KEPT = frozenset({"run", "pods", "backup", "runbooks"})
# How often in a row a part may be silent. The Prefect server gets two minutes: its database may hold it up.
API_SILENT, SERVER_SILENT = 4, 8
# After so long without the Prefect server somebody is told, by a mail that does not need it.
TELL_AFTER_S, TELL_EVERY_S = 180.0, 300.0


class Stopped(Exception):
    """Ctrl-C or SIGTERM while something was under way."""


class StepFailed(HomepotAIError):
    """One step of the start ended with an error; what it printed says why."""


class Supervisor:
    """Starts and stops the parts; used as a context manager, it stops them all at its end.

    Args:
        settings: of the whole installation; the profile decides about the demo's parts.
        holder: the lock's record, whose mark every child carries.
        say: prints one line for the operator.
    """

    def __init__(self, settings: Settings, holder: lock.Holder, say: Say) -> None:
        self.settings = settings
        self.holder = holder
        self._print = say
        self.children: list[Child] = []
        self.stopping = threading.Event()
        self._postgres: EmbeddedServer | None = None
        self._step: subprocess.Popen[bytes] | None = None
        self._doors: dict[str, Door] = {}
        self._teller: tuple[float, subprocess.Popen[bytes] | None] = (0.0, None)
        self.env = environment.child_environment(settings)
        self.env[processes.MARK] = holder.mark
        self.logs = settings.var_dir / "log"
        self.log = OneLog(
            self.logs / "homepot-ai.log", level=settings.log.level, json_lines=settings.log.json_lines
        )
        self._since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        self._endpoint: health.Endpoint | None = None

    def say(self, line: str, level: str = "info") -> None:
        """One line for the operator, on the screen and in the log."""
        self._print(line)
        self.log.write("supervisor", line, level)

    # -- the parts, in the order of their start ---------------------------------

    def start_endpoint(self) -> None:
        """Tell the state of the parts to whoever asks on this machine."""
        wanted = self.settings.up.health_port
        self._endpoint = health.Endpoint(self.state, wanted)
        if wanted and self._endpoint.port != wanted:
            self.say(f"port {wanted} is taken, so the state of the parts is told at {self._endpoint.url}")
        self.holder = dataclasses.replace(self.holder, health_url=self._endpoint.url)
        lock.write(self.settings.var_dir, self.holder)

    def state(self) -> health.State:
        """What runs, for the health endpoint; called from its threads."""
        now = time.monotonic()
        silent = {name for name, door in tuple(self._doors.items()) if door.silent > 1}
        parts = tuple(_part(child, now, child.name in silent) for child in tuple(self.children))
        if self.stopping.is_set():
            return health.State("stopping", self._since, parts)
        if not self.holder.ready:
            return health.State("starting", self._since, parts)
        good = all(part.state == "running" for part in parts)
        return health.State("ok" if good else "degraded", self._since, parts)

    def start_postgres(self) -> None:
        """The embedded PostgreSQL, unless an address is configured."""
        if self.settings.database_url is not None:
            return
        from homepot_ai.store import embedded

        self._postgres = embedded.start(self.settings.var_dir)

    def start_server(self) -> None:
        """The Prefect server with its UI. It is not waited for."""
        prefect = self.settings.prefect
        environment.require_guarded(self.settings)
        _require_free("the Prefect server", prefect.host, prefect.port, "HOMEPOT_AI_PREFECT__PORT")
        self._keep(
            "prefect-server",
            server_command(self.settings),
            env=self.env | environment.server_environment(self.settings),
        )
        url = f"{prefect.api_url}/health"
        self._doors["prefect-server"] = Door(url, SERVER_SILENT, time.monotonic())

    def require_api_port(self) -> None:
        """See at once, and not when all the rest is up, that the HTTP door can have its port."""
        api = self.settings.api
        if api.enabled:
            _require_free("the HTTP door", api.host, api.port, "HOMEPOT_AI_API__PORT")

    def start_api(self) -> None:
        """The HTTP door. It is not waited for: it loads its models meanwhile."""
        if self.settings.api.enabled:
            self._keep("api", [sys.executable, "-m", "homepot_ai.api.serve"])
            self._doors["api"] = Door(api_url(self.settings) + "/health", API_SILENT, time.monotonic())

    def start_mail_sink(self) -> None:
        """The demo's mail server: it keeps every mail as a file."""
        port = self.settings.demo.mail_port
        _require_free("the demo's mail server", "127.0.0.1", port, "HOMEPOT_AI_DEMO__MAIL_PORT")
        folder = self.settings.var_dir / "mail"
        folder.mkdir(parents=True, exist_ok=True)
        self._keep(
            "mail-sink",
            [sys.executable, "-m", "homepot_ai.testing.mail_sink", "--port", str(port), "--dir", str(folder)],
        )

    def start_workers(self) -> None:
        """One worker for each pool: a report of ten minutes never holds a place that scoring needs."""
        for name in environment.LIMITS:
            limit = environment.worker_limit(self.settings, name)
            pool = pod_names.slug(name, self.settings.pod)
            self._keep(
                f"worker-{name}",
                [
                    *bounded(self.settings.workers.memory_mb),
                    *worker_command(pool, limit, environment.worker_name(pool)),
                ],
                on_death=partial(self._release, pool),
                most_bytes=WORKER_MOST_BYTES,
            )

    def wait_for_server(self) -> None:
        """Wait until the Prefect server answers.

        Raises:
            HomepotAIError: it does not; the message names its log.
        """
        url = f"{self.settings.prefect.api_url}/health"
        deadline = time.monotonic() + (HOST_PATIENCE_S if self.settings.pod else SERVER_PATIENCE_S)
        server = next((child for child in self.children if child.name == "prefect-server"), None)
        while not answers(url):
            self._pause(LOOK_EVERY_S)
            if server is None:  # a pod's: it is the host's, and may be starting as well
                if time.monotonic() > deadline:
                    raise HomepotAIError(
                        f"no Prefect server answers at {url}: start the host's first, with `homepot-ai up`"
                    )
                continue
            if not server.running or time.monotonic() > deadline:
                raise HomepotAIError(
                    f"the Prefect server does not answer at {url}; its log is {server.log}, which ends:\n"
                    f"{_tail(server)}"
                )

    def run_step(self, module: str, *arguments: str) -> None:
        """Run one of our modules to its end, its output on the operator's screen.

        A process of its own, so that what it imports (NumPy, Prefect) does not stay in
        the supervisor's memory.

        Raises:
            StepFailed: it ended with an error.
            Stopped: the operator stopped us meanwhile.
        """
        command = [sys.executable, "-m", module, *arguments]
        self._step = processes.spawn(command, env=self.env, cwd=self.settings.home)
        while self._step.poll() is None:
            self._pause(LOOK_EVERY_S / 2)
            self._revive()
        code, self._step = self._step.returncode, None
        if code != 0:
            raise StepFailed(f"{module} ended with code {code}; what it printed above says why")

    def announce_ready(self) -> None:
        """From now on, `homepot-ai run` goes through this server and its workers."""
        self.holder = dataclasses.replace(self.holder, ready=True)
        lock.write(self.settings.var_dir, self.holder)

    # -- keeping alive ----------------------------------------------------------

    def watch(self) -> None:
        """Restart whatever dies, until somebody stops us."""
        last_trim = time.monotonic()
        with contextlib.suppress(Stopped):
            while True:
                self._pause(1.0)
                self._revive()
                self._look_at_doors()
                if time.monotonic() - last_trim > TRIM_EVERY_S:
                    last_trim = time.monotonic()
                    for child in self.children:
                        self.log.rotate_part(child.name, child.trim_log)
                        if news := child.renew():
                            self.say(news)

    def _revive(self) -> None:
        for child in self.children:
            if news := child.revive(time.monotonic()):
                self.say(news, "warning")
        self.log.look()
        if self._postgres is not None:
            from homepot_ai.store import embedded

            if embedded.running_url(self.settings.var_dir) is None:
                self.say("the embedded PostgreSQL was gone; it starts again")
                try:
                    self._postgres = embedded.start(self.settings.var_dir)
                except DatabaseUnreachable as error:
                    self.say(f"{error}; tried again in {POSTGRES_PAUSE_S:.0f} s")
                    self._pause(POSTGRES_PAUSE_S)

    def _look_at_doors(self) -> None:
        """A part that lives but does not answer is stopped; what died is started again."""
        now = time.monotonic()
        for child in self.children:
            door = self._doors.get(child.name)
            if door is not None and door.look(child, now):
                self.say(f"{child.name} has not answered {door.most} times; it is started again", "warning")
                child.stop()
        server = self._doors.get("prefect-server")
        if server is not None and now - server.answered > TELL_AFTER_S:
            self._tell_of_server(now)

    def _tell_of_server(self, now: float) -> None:
        """Who is on call hears that nothing runs, from a process of its own: it takes imports and mail."""
        told, teller = self._teller
        if now - told < TELL_EVERY_S or (teller is not None and teller.poll() is None):
            return
        self.say("the Prefect server is away: whoever is named in watch.mail_to is told", "error")
        words = [sys.executable, "-m", "homepot_ai.cli", "alarms", "check-server", "--patience", "5"]
        self._teller = (now, processes.spawn(words, env=self.env, cwd=self.settings.home))

    def _pause(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Stopped

    def _release(self, pool: str) -> None:
        """Free the places of runs that died with their worker, where no other one may be at them."""
        prefect = self.settings.prefect
        try:
            if others := release.others(
                prefect.api_url, pool, environment.worker_name(pool), login=prefect.login
            ):
                self.say(f"runs of {pool} are left as they are, since {', '.join(others)} may work on them")
                return
            marked = release.release(prefect.api_url, pool, login=prefect.login)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.say(f"runs of the pool {pool} could not be marked ({error}); their places free themselves")
        else:
            if marked:
                self.say(f"{marked} runs of the pool {pool} died with their worker; the next ones catch up")

    def _keep(
        self,
        name: str,
        command: Sequence[str],
        on_death: Callable[[], None] = lambda: None,
        env: Mapping[str, str] | None = None,
        most_bytes: int | None = None,
    ) -> None:
        child = Child(
            name=name,
            command=command,
            log=self.logs / f"{name}.log",
            env=self.env if env is None else env,
            cwd=self.settings.home,
            on_death=on_death,
            most_bytes=most_bytes,
        )
        child.trim_log()
        self.log.follow(name, child.log)
        child.start()
        self.children.append(child)

    # -- the end ----------------------------------------------------------------

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything, workers first and the database last; no process is left."""
        self.stopping.set()
        if self._step is not None:
            processes.end_group(self._step, grace_s=2.0)
        workers = [child for child in self.children if child.name.startswith("worker-")]
        others = [child for child in self.children if child not in workers]
        # At once, not one after the other: each may take its grace.
        for group in (workers, others):
            threads = [threading.Thread(target=child.stop) for child in group]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        processes.end_marked(self.holder.mark)
        if self._postgres is not None:
            self._postgres.stop()
            self._postgres = None
        self.log.look()
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None


@contextlib.contextmanager
def heed_signals(stopping: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stopping`, also where a script made us ignore them."""

    def heed(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # with nohup, the terminal may go away
        heeded.append(signal.SIGHUP)
    before = {number: signal.signal(number, heed) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _part(child: Child, now: float, silent: bool) -> health.Part:
    process = child.process
    running = process is not None and child.running
    alive: Literal["running", "does not answer"] = "does not answer" if silent else "running"
    return health.Part(
        name=child.name,
        state=alive if running else "waits to start again" if child.waiting else "stopped",
        pid=process.pid if process is not None and running else None,
        seconds=round(now - child.started, 1) if running else 0.0,
        restarts=child.restarts,
        last_exit=child.last_exit,
        log=str(child.log),
    )


def api_url(settings: Settings) -> str:
    """Where the HTTP door is, from this machine."""
    return reached_at(settings.api.host, settings.api.port)


def reset(settings: Settings) -> None:
    """Forget everything in the state folder.

    Raises:
        SettingsError: the folder does not look like ours, so nothing is touched.
    """
    folder = settings.var_dir
    if not folder.exists():
        return
    known = {
        *KEPT, "log", "postgres", "prefect", "mail", "reports", "sample", "archive", "memory",
        "before-upgrade", "calendars", "keys", "training", "watch",
    }  # fmt: skip
    strange = sorted(entry.name for entry in folder.iterdir() if entry.name not in known)
    if strange:
        raise SettingsError(
            f"--reset would delete {folder}, but it holds {', '.join(strange[:5])}, which is not ours: "
            "move that away, or delete the folder yourself"
        )
    for entry in folder.iterdir():
        if entry.name in KEPT:
            continue
        shutil.rmtree(entry)


def worker_command(pool: str, limit: int, name: str) -> list[str]:
    """A worker of Prefect's that takes so many runs of a pool at a time."""
    program = [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--name", name]
    return [*program, "--pool", pool, "--limit", str(limit)]


def server_command(settings: Settings) -> list[str]:
    """Prefect's own server with its UI."""
    prefect = settings.prefect
    program = [sys.executable, "-m", "deployments.prefect_server"]
    return [*program, "server", "start", "--host", prefect.host, "--port", str(prefect.port)]


def bounded(memory_mb: int | None) -> list[str]:
    """What is put before a command so that its processes cannot take more memory, each for itself.

    Raises:
        SettingsError: this machine has no such program.
    """
    if memory_mb is None:
        return []
    program = shutil.which("prlimit")
    if program is None:
        raise SettingsError("workers.memory_mb needs the program prlimit (util-linux): install it, or unset")
    return [program, f"--data={memory_mb * 1024 * 1024}", "--"]


def _require_free(what: str, host: str, port: int, setting: str) -> None:
    if who := processes.who_listens(host, port):
        raise SettingsError(
            f"{what} needs port {port} on {host}, which {who} uses: stop that, "
            f"or take another port: {setting}={port + 1}"
        )


def _tail(child: Child, lines: int = 15) -> str:
    if not child.log.exists():
        return ""
    return "\n".join(child.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
