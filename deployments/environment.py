"""The environment that Prefect's processes run in: offline, quiet, bounded, under our own folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai import logs

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

# What a variable of the user's shell must not decide for our own server.
_NOT_INHERITED = ("PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_API_AUTH_STRING")


def prefect_home(settings: Settings) -> Path:
    """Where Prefect keeps its database in the embedded default."""
    return settings.var_dir / "prefect"


def prefect_environment(settings: Settings) -> dict[str, str]:
    """Prefect's own variables, as docs/prefect.md explains them."""
    prefect = settings.prefect
    return {
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
