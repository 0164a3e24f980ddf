"""The environment that Prefect's processes run in: offline, quiet, bounded, under our own folder."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai import logs
from homepot_ai.errors import SettingsError
from homepot_ai.hosts import is_loopback

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

HOUR_S = 3600
DAY_S = 24 * HOUR_S

# Kinds of events that make up most of Prefect's database (329 of 392 KB per run,
# measured) and that nobody asks for after the fact.
CHATTY_EVENTS = (
    "prefect.flow-run.heartbeat",
    "prefect.flow-run.Scheduled",
    "prefect.flow-run.Pending",
    "prefect.flow-run.Submitting",
    "prefect.flow-run.Running",
    "prefect.task-run.Pending",
    "prefect.task-run.Running",
    "prefect.task-run.Completed",
    "prefect.worker.submitted-flow-run",
    "prefect.worker.executed-flow-run",
    "prefect.artifact.created",
    "prefect.artifact-collection.created",
    "prefect.artifact-collection.updated",
    "prefect.block.fleet-database.loaded",
    "prefect.block.mail-server.loaded",
    "prefect.concurrency-limit.acquired",
    "prefect.concurrency-limit.released",
)

# Runs at a time of one worker, by pool, beside a server on SQLite.
LIMITS = {"minute": 2, "batch": 1}

# What a variable of the user's shell must not decide for our own server.
_NOT_INHERITED = (
    "PREFECT_API_KEY",
    "PREFECT_PROFILE",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_SERVER_API_AUTH_STRING",
)


def prefect_home(settings: Settings) -> Path:
    """Where Prefect keeps its database in the embedded default."""
    return settings.var_dir / "prefect"


def require_guarded(settings: Settings) -> None:
    """Refuse a Prefect server that others could reach and that asks nobody who they are.

    Its API starts any flow with any parameters and hands out the blocks with their secrets.

    Raises:
        SettingsError: `prefect.host` is not loopback and `prefect.auth` is not set.
    """
    prefect = settings.prefect
    if prefect.auth is None and not is_loopback(prefect.host):
        raise SettingsError(
            f"the Prefect server would listen on {prefect.host or 'every address'} and let everybody in who "
            "reaches it: set HOMEPOT_AI_PREFECT__AUTH=user:password (on the workers' machines too), or keep "
            "HOMEPOT_AI_PREFECT__HOST=127.0.0.1"
        )


def prefect_environment(settings: Settings) -> dict[str, str]:
    """Prefect's own variables, as docs/prefect.md explains them."""
    prefect = settings.prefect
    guarded = {}
    if prefect.auth is not None:
        # What the server asks for, and what its clients show.
        login = prefect.auth.get_secret_value()
        guarded = {"PREFECT_SERVER_API_AUTH_STRING": login, "PREFECT_API_AUTH_STRING": login}
    return guarded | {
        "PREFECT_HOME": str(prefect_home(settings)),
        "PREFECT_API_URL": prefect.api_url,
        "PREFECT_SERVER_API_HOST": prefect.host,
        "PREFECT_SERVER_API_PORT": str(prefect.port),
        # Offline and quiet.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_CLI_COLORS": "false",
        # Bounded: by default nothing is ever deleted.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": str(HOUR_S),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(settings.retention.prefect_days * DAY_S),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": json.dumps(
            dict.fromkeys(CHATTY_EVENTS, HOUR_S)
        ),
        # ISO 8601: plain seconds make every prefect command fail.
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P1D",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        # A killed run is noticed by its missing heartbeat; an on-demand run starts within seconds.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        # A run that waits its turn (ENQUEUE) looks again after so long; by default 30.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        # `homepot-ai run` without a server starts one of its own: a busy machine needs more than 20 s.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        # SQLite answers 503 while another process writes: on a busy machine five attempts are too few.
        "PREFECT_CLIENT_MAX_RETRIES": "10",
        "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
        **logs.prefect_variables(settings.log),
    }


def server_environment(settings: Settings) -> dict[str, str]:
    """What the Prefect server alone gets: the address of its database, when that is not SQLite."""
    url = settings.prefect.database_url
    return (
        {} if url is None else {"PREFECT_SERVER_DATABASE_CONNECTION_URL": asyncpg_url(url.get_secret_value())}
    )


def asyncpg_url(url: str) -> str:
    """A libpq address as Prefect's server wants it.

    >>> asyncpg_url("postgresql://prefect@db.example.org/prefect?sslmode=require")
    'postgresql+asyncpg://prefect@db.example.org/prefect?ssl=require'
    """
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+asyncpg"} or not rest:
        raise SettingsError(
            "prefect.database_url is an address like postgresql://prefect:secret@127.0.0.1/prefect"
        )
    return f"postgresql+asyncpg://{rest.replace('sslmode=', 'ssl=')}"


def worker_limit(settings: Settings, pool: str) -> int:
    """How many runs of a pool one worker takes at a time.

    SQLite takes one writer at a time; PostgreSQL carries more.
    """
    chosen: int | None = getattr(settings.workers, pool)
    if chosen is not None:
        return chosen
    one_writer = settings.prefect.database_url is None and not settings.prefect.url
    return LIMITS[pool] if one_writer else 2 * LIMITS[pool]


def worker_name(pool: str) -> str:
    """What this machine's worker of a pool is called on Prefect's screens: `db1-minute`."""
    return f"{socket.gethostname()}-{pool}"


def child_environment(settings: Settings, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a process that the supervisor starts.

    The project's folder is put first on the path and the interpreter's folder first
    among programs, so that a worker finds `flows` and runs `python` from the same
    environment, wherever it was started. No path of this machine goes to the server.
    """
    source = dict(os.environ if inherited is None else inherited)
    env = {name: value for name, value in source.items() if name not in _NOT_INHERITED}
    paths = [str(settings.home), *filter(None, [source.get("PYTHONPATH")])]
    programs = [str(Path(sys.executable).parent), *filter(None, [source.get("PATH")])]
    env.update(
        PYTHONPATH=os.pathsep.join(paths),
        PATH=os.pathsep.join(programs),
        PYTHONUNBUFFERED="1",
        HOMEPOT_AI_HOME=str(settings.home),
        HOMEPOT_AI_VAR_DIR=str(settings.var_dir),
        HOMEPOT_AI_PROFILE=settings.profile,
    )
    env.update(prefect_environment(settings))
    return env
