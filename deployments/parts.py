"""The parts of `homepot-ai up` one by one, in the foreground: for systemd, containers, further machines.

`homepot-ai server`, `setup`, `worker` and `serve` are what `up` starts and keeps alive; here something
else does that.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from deployments import environment, release, supervisor
from deployments.doors import answers
from homepot_ai import pod_names
from homepot_ai.errors import HomepotAIError, NotMigrated, SettingsError
from homepot_ai.settings import load_settings, settings_for

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

console = Console(highlight=False)
Pool = Literal["minute", "batch"]
LOOK_EVERY_S = 0.5
ASK_S = 5.0


def say(line: str) -> None:
    """One line for whoever reads the log."""
    console.print(line, markup=False, soft_wrap=True)


def server() -> None:
    """Run Prefect's server with its UI, in the foreground (settings `prefect`). `up` has it as a part."""
    settings = settings_for(None)
    environment.require_guarded(settings)
    require_server_can(settings)
    replace_by(supervisor.server_command(settings), settings, environment.server_environment(settings))


def setup(
    wait: Annotated[float, typer.Option(help="Seconds to wait for the Prefect server.")] = 120.0,
) -> None:
    """Migrate our tables, tell the Prefect server what it needs. May be repeated; `up` does it too."""
    from deployments import bootstrap, prepare

    settings = settings_for(None)
    prepare.prepare(settings)
    wait_for_server(settings, wait)
    bootstrap.use_server(settings)
    bootstrap.bootstrap(settings)


def worker(
    pool: Annotated[
        Pool, typer.Option(help="`minute`: what must start on time; `batch`: what may take long.")
    ],
    server: Annotated[
        str | None, typer.Option(help="Another machine's: http://SERVER:4200/api. Default: as set.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="On Prefect's screens. Default: of machine and pool.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=64, help="Runs at a time.")] = None,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for the Prefect server and its pools.")
    ] = 120.0,
) -> None:
    """Take work from a pool, in the foreground: this is how another machine joins."""
    if server is not None:
        # In the environment, so that the runs of this worker see it as well.
        os.environ["HOMEPOT_AI_PREFECT__URL"] = server
        load_settings.cache_clear()
    settings = settings_for(None)
    wait_for_server(settings, wait)
    require_same_prefect(settings)
    ours = pod_names.slug(pool, settings.pod)
    require_pool(settings, ours, wait)
    require_database(settings)
    only_one_here(settings, ours)
    name = name or environment.worker_name(ours)
    free_places(settings, ours, name)
    many = limit or environment.worker_limit(settings, pool)
    say(f"{socket.gethostname()} takes {many} run(s) of {ours} at a time from {settings.prefect.api_url}")
    bounds = supervisor.bounded(settings.workers.memory_mb)
    replace_by([*bounds, *supervisor.worker_command(ours, many, name)], settings)


def check(part: Annotated[Literal["server", "api", "minute", "batch"], typer.Argument()]) -> None:
    """Exit with 0 when a part answers, or has lately asked for work: for health checks of containers."""
    settings = settings_for(None)
    if part == "server":
        good = answers(f"{settings.prefect.api_url}/health")
    elif part == "api":
        good = answers(f"{supervisor.api_url(settings)}/health")
    else:
        pool = pod_names.slug(part, settings.pod)
        workers = ask(settings, f"work_pools/{pool}/workers/filter", {})
        good = is_online(workers, environment.worker_name(pool))
    say(f"{part}: {'well' if good else 'does not answer'}")
    raise typer.Exit(0 if good else 1)


def is_online(workers: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether the server has heard of a worker lately.

    >>> is_online([{"name": "db1-minute", "status": "ONLINE"}], "db1-minute")
    True
    """
    return any(one.get("name") == name and one.get("status") == "ONLINE" for one in workers)


def require_server_can(settings: Settings) -> None:
    """See before the start whether Prefect's server can have its database.

    Raises:
        SettingsError: the address is wrong, nobody answers there, or `pg_trgm` is not to be had.
    """
    url = settings.prefect.database_url
    if url is None:
        return
    import psycopg

    from homepot_ai.watch.room import libpq_url

    environment.asyncpg_url(url.get_secret_value())
    try:
        with psycopg.connect(libpq_url(url.get_secret_value()), connect_timeout=int(ASK_S)) as conn:
            found = conn.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone()
            where = f"PostgreSQL {conn.info.server_version // 10000}, database {conn.info.dbname}"
    except psycopg.Error as error:
        # libpq repeats host, port and user here, never the password.
        raise SettingsError(
            f"prefect.database_url: no database answers there ({' '.join(str(error).split())}): start it, or "
            "make user and database as docs/deploy.md says"
        ) from None
    if found is None:
        raise SettingsError(
            f"prefect.database_url: {where} has no pg_trgm, which Prefect's server needs: install "
            "postgresql-contrib (Debian's postgresql has it), or leave it on SQLite by leaving it out"
        )


def wait_for_server(settings: Settings, patience_s: float) -> None:
    """Wait until the Prefect server answers.

    Raises:
        HomepotAIError: it does not within so many seconds.
    """
    url = f"{settings.prefect.api_url}/health"
    deadline = time.monotonic() + patience_s
    while not answers(url):
        if time.monotonic() > deadline:
            raise HomepotAIError(
                f"no Prefect server answers at {url} within {patience_s:.0f} s: is it started there "
                "(`homepot-ai server`, `homepot-ai up`), does a firewall lie between, is prefect.url right?"
            )
        time.sleep(LOOK_EVERY_S)


def require_same_prefect(settings: Settings) -> None:
    """Refuse to work for a server of another version: runs would fail in ways that name something else.

    Raises:
        HomepotAIError: naming both.
    """
    from importlib.metadata import version

    theirs, ours = str(ask(settings, "admin/version")), version("prefect")
    if theirs != ours:
        raise HomepotAIError(
            f"the Prefect server at {settings.prefect.api_url} is {theirs}, this machine has {ours}: "
            "bring both to the same version of homepot-ai (docs/deploy.md, Upgrade)"
        )


def require_pool(settings: Settings, pool: str, patience_s: float) -> None:
    """Wait for the pool: a worker would otherwise make one of its own that starts our runs wrongly.

    Raises:
        HomepotAIError: nobody made it within so many seconds.
    """
    deadline = time.monotonic() + patience_s
    while not any(one["name"] == pool for one in ask(settings, "work_pools/filter", {})):
        if time.monotonic() > deadline:
            raise HomepotAIError(
                f"the Prefect server at {settings.prefect.api_url} has no pool {pool}: run `homepot-ai "
                "setup` on the machine of the server first"
            )
        time.sleep(LOOK_EVERY_S)


def require_database(settings: Settings) -> None:
    """The fleet's database must be reachable from here too, and of this program's version.

    Raises:
        HomepotAIError: it is not; the message says what to do.
    """
    from homepot_ai.store import migrate
    from homepot_ai.store.database import Database

    if settings.database_url is None and settings.prefect.url:
        raise SettingsError(
            "database_url is not set, and a worker beside a server elsewhere needs the fleet's database: "
            "set HOMEPOT_AI_DATABASE_URL to the address that the other machines use"
        )
    try:
        migrate.require_current(Database.from_settings(settings))
    except NotMigrated as error:
        raise NotMigrated(f"{error} (all machines need the same version of homepot-ai)") from None


def only_one_here(settings: Settings, pool: str) -> None:
    """Hold this pool's lock of the state folder until the worker ends, whatever becomes of it.

    Raises:
        HomepotAIError: another worker of this pool works on the same state folder.
    """
    path = settings.var_dir / "run" / f"worker-{pool}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise HomepotAIError(
            f"a worker of {pool} works on {settings.var_dir} already: give it more to do (--limit), "
            "or this one a folder (HOMEPOT_AI_VAR_DIR) and a name (--name) of its own"
        ) from None
    # It stays open in the program that we become, and in none of that one's children.
    os.set_inheritable(file, True)


def free_places(settings: Settings, pool: str, name: str) -> None:
    """Mark what an earlier worker left unfinished, where nobody else can be working on it.

    Where other workers take from the pool, that is the automation's: it waits 90 s for a sign of life.
    """
    prefect = settings.prefect
    try:
        if release.others(prefect.api_url, pool, name, login=prefect.login):
            return
        marked = release.release(prefect.api_url, pool, login=prefect.login)
    except OSError as error:
        say(f"runs that an earlier worker left could not be marked ({error}); their places free themselves")
    else:
        if marked:
            say(f"{marked} run(s) of {pool} ended with an earlier worker; the next ones catch up")


def ask(settings: Settings, route: str, body: Mapping[str, Any] | None = None) -> Any:
    """One question to the Prefect server: GET, or POST with a body.

    Raises:
        HomepotAIError: it does not answer, or not with success.
    """
    url = f"{settings.prefect.api_url}/{route}"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if settings.prefect.login is not None:
        headers["Authorization"] = (
            "Basic " + base64.b64encode(":".join(settings.prefect.login).encode()).decode()
        )
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - our own http address
    try:
        with urllib.request.urlopen(request, timeout=ASK_S) as answer:  # noqa: S310
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise HomepotAIError(f"the Prefect server does not answer {url}: {error}") from None


def replace_by(command: Sequence[str], settings: Settings, more: Mapping[str, str] | None = None) -> NoReturn:
    """Become this command: whoever started us watches it from now on.

    Signals get their defaults back: a process started with `&` from a script ignores SIGINT, which is
    how Prefect passes SIGTERM on to itself.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    env = environment.child_environment(settings) | dict(more or {})
    sys.stdout.flush()
    os.chdir(settings.home)
    os.execve(command[0], list(command), env)  # noqa: S606 - no shell: our own interpreter and arguments
