"""A PostgreSQL of Debian's in a folder of its own: what the wheel lacks (pg_trgm) is there."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
SECRET = "a-password-of-tests"


def why_not() -> str | None:
    """Why this machine cannot start one; None when it can."""
    if not INSTALLED:
        return "no PostgreSQL of Debian's is installed"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL refuses to run as root, and setpriv is not here"
    return None


@dataclass(frozen=True)
class Cluster:
    """A running server.

    Attributes:
        host: where others reach it; it listens on loopback as well.
    """

    host: str
    port: int

    def url(self, database: str, host: str | None = None) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres:{SECRET}@{host or self.host}:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """A new database; returns its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def cluster(host: str = "127.0.0.1") -> Iterator[Cluster]:
    """A server on this address that ends with the block, and its folder with it."""
    folder = Path(tempfile.mkdtemp(prefix="hp-deb-"))
    programs = INSTALLED[-1]
    as_owner: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    password = folder / "password"
    password.write_text(SECRET)
    password.chmod(0o644)
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = int(probe.getsockname()[1])
    control = [*as_owner, str(programs / "pg_ctl"), "-D", str(folder / "data"), "-s", "-w"]
    listen = ",".join(dict.fromkeys([host, "127.0.0.1"]))
    try:
        subprocess.run(
            [*as_owner, str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres",
             "-A", "scram-sha-256", "--pwfile", str(password), "--no-sync"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        (folder / "data" / "pg_hba.conf").write_text(
            "host all all samehost scram-sha-256\nhost all all samenet scram-sha-256\n"
        )
        options = f"-p {port} -c listen_addresses={listen} -c unix_socket_directories={folder} -c fsync=off"
        subprocess.run(
            [*control, "-l", str(folder / "log"), "-o", options, "start"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        yield Cluster(host, port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)
