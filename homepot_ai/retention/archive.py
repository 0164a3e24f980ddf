"""Archives: Parquet files that anybody can read, each with a row that says what it held when it was made.

A file is written beside its name, synced, read back with the checksum of every page, and renamed; its row
is committed together with the removal of what it holds. So a file without a row is a half-done one, and
the next run writes it anew; a row without its file, or with another hash, is a loss that `check` tells.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from homepot_ai.errors import ArchiveError
from homepot_ai.settings import Settings
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("retention/sql/retention.sql")
MANIFEST = "manifest.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Column:
    """A column of the archive: the PostgreSQL type's number, and the scale of a `numeric`."""

    name: str
    type: int
    scale: int | None = None


@dataclass(frozen=True)
class Rows:
    """A piece of what is archived."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Archived:
    """A row of `ai_archives`; `path` below the archive's folder, `bytes` and `sha256` of the file."""

    path: str
    source: str
    first_at: datetime | None
    until_at: datetime | None
    row_count: int
    bytes: int
    sha256: str
    made_at: datetime


@dataclass(frozen=True)
class Checked:
    """An archive looked at again; `wrong` is None where it is what it was."""

    archive: Archived
    wrong: str | None


def folder_of(settings: Settings) -> Path:
    """Where archives lie."""
    return settings.var_dir / "archive"


def folder_name(table: str) -> str:
    """The folder of a table's archives.

    >>> folder_name("ai_health_scores")
    'health-scores'
    """
    return table.removeprefix("ai_").replace("_", "-")


def free_name(conn: Connection, root: Path, table: str, label: str) -> str:
    """A path below the archive's folder under which nothing is recorded.

    What a killed run left there is no archive yet: it is written anew.
    """
    folder, number, said = folder_name(table), 1, _said(root)
    while True:
        name = f"{folder}/{label}.parquet" if number == 1 else f"{folder}/{label}-{number}.parquet"
        (taken,) = conn.execute(_SQL["is_archived"], {"path": name}).fetchone() or (False,)
        if not taken and name not in said:
            return name
        number += 1


def write(path: Path, pieces: Iterable[Rows]) -> int:
    """Write pieces of one table to a Parquet file and read it back; returns how many rows.

    No piece, or only empty ones, leave no file.

    Raises:
        ArchiveError: the disk is full or damaged. What stood under this name before stands there still.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    part = path.with_name(f"{path.name}.part")
    writer: Any = None
    schema: Any = None
    written = 0
    with _told(part):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            for piece in pieces:
                if not piece.rows:
                    continue
                if writer is None:
                    schema = pa.schema([(column.name, _arrow(column)) for column in piece.columns])
                    writer = pq.ParquetWriter(part, schema, compression="zstd", write_page_checksum=True)
                columns = [list(column) for column in zip(*piece.rows, strict=True)]
                arrays = [
                    pa.array(_storable(values, field.type), field.type)
                    for values, field in zip(columns, schema, strict=True)
                ]
                writer.write_table(pa.table(arrays, schema=schema))
                written += len(piece.rows)
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            return 0
        _sync(part)
        read = _read_back(part)
        if read != written:
            raise ArchiveError(
                f"the archive {part.name} holds {read} of the {written} rows that were written to it: the "
                "disk may be damaged. Nothing was removed from the database"
            )
        part.replace(path)
        _sync(path.parent)
    return written


def record(
    conn: Connection,
    folder: Path,
    name: str,
    *,
    source: str,
    rows: int,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> None:
    """Note an archive down, in the transaction that removes what it holds."""
    path = folder / name
    made = Archived(name, source, since, until, rows, path.stat().st_size, digest(path), now)
    conn.execute(_SQL["put_archive"], asdict(made))


def listed(conn: Connection) -> list[Archived]:
    """Every archive that was made, by its path."""
    return [Archived(*row) for row in conn.execute(_SQL["archived"]).fetchall()]


def write_manifest(db: Database, folder: Path) -> Path | None:
    """Write what every archive holds beside them, to be read without the database; None: there is none."""
    with db.reader() as conn:
        known = listed(conn)
    if not known:
        return None
    path = folder / MANIFEST
    part = path.with_name(f"{MANIFEST}.part")
    with _told(part):
        folder.mkdir(parents=True, exist_ok=True)
        every = _said(folder) | {one.path: asdict(one) for one in known}
        content = [every[path] for path in sorted(every)]
        text = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
        part.write_bytes(text + b"\n")
        _sync(part)
        part.replace(path)
        _sync(folder)
    return path


def check(db: Database, settings: Settings) -> list[Checked]:
    """Look at every archive again: whether it is there, and has the hash that it was made with.

    What was moved elsewhere is told as missing: give its new place by a link, or forget it knowingly.
    """
    folder = folder_of(settings)
    with db.reader() as conn:
        known = listed(conn)
    return [Checked(one, _wrong(folder / one.path, one)) for one in known]


def unrecorded(db: Database, settings: Settings) -> list[Path]:
    """Files below the archive's folder that no row knows: left by a killed run, or put there by somebody."""
    folder = folder_of(settings)
    with db.reader() as conn:
        known = {one.path for one in listed(conn)}
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [p for p in found if p.name != MANIFEST and p.relative_to(folder).as_posix() not in known]


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _said(folder: Path) -> dict[str, dict[str, Any]]:
    """What the manifest lists and is there: also what a database that was lost or restored does not know."""
    with suppress(OSError, orjson.JSONDecodeError, KeyError, TypeError):
        listed = orjson.loads((folder / MANIFEST).read_bytes())
        return {str(one["path"]): one for one in listed if (folder / str(one["path"])).is_file()}
    return {}


def _wrong(path: Path, one: Archived) -> str | None:
    try:
        size = path.stat().st_size
        if size != one.bytes:
            return f"has {size} bytes instead of {one.bytes}"
        return None if digest(path) == one.sha256 else "has another content than it was made with"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _read_back(path: Path) -> int:
    """Rows of a file, each of its pages decompressed and its checksum compared.

    Raises:
        ArchiveError: a page is not what was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return sum(batch.num_rows for batch in file.iter_batches())
    except pa.ArrowException as error:
        raise ArchiveError(
            f"the archive {path.name} cannot be read back ({error}): the disk may be damaged. Nothing was "
            "removed from the database"
        ) from error


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A full disk is one sentence, and what was written of the file goes."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise ArchiveError(
            f"the archive {path.with_suffix('').name} could not be written ({error.strerror or error}): free "
            f"space under {path.parent} (homepot-ai doctor). Nothing was removed from the database"
        ) from error


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _arrow(column: Column) -> Any:
    """The Arrow type of a PostgreSQL type; what is none of these is kept as its text."""
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    if column.type == 1700:
        return pa.decimal128(38, 2 if column.scale is None else column.scale)
    known: dict[int, Any] = {
        16: pa.bool_(), 17: pa.binary(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 700: pa.float32(),
        701: pa.float64(), 1082: pa.date32(), 1083: pa.time64("us"), 1184: moment,
        1005: pa.list_(pa.int16()), 1007: pa.list_(pa.int32()), 1009: pa.list_(pa.string()),
        1016: pa.list_(pa.int64()), 1021: pa.list_(pa.float32()), 1022: pa.list_(pa.float64()),
    }  # fmt: skip
    return known.get(column.type, pa.string())


def _storable(values: Sequence[Any], kind: Any) -> Sequence[Any]:
    import pyarrow as pa

    if pa.types.is_string(kind):
        return [None if value is None else str(value) for value in values]
    if pa.types.is_decimal(kind):
        return [None if value is None else Decimal(value) for value in values]
    return values
