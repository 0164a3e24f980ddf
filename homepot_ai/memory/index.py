"""The vector index: Chroma collections in a folder, made from PostgreSQL's record.

Who may write: the holder of the folder's lock file, for one batch at a time; readers share the lock, so
nobody reads half a batch, and a rebuild of minutes keeps nobody waiting for minutes. Chroma's persistent
client keeps what it read in memory, per process, and does not see what another process writes: it is used
again only while the database file in the folder is as it was after the last use, and opened anew otherwise.

Whatever is wrong with the folder becomes `IndexUnavailable` with the reason; the record is untouched then,
and `homepot-ai memory rebuild` makes the index again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import HomepotAIError, IndexUnavailable

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.memory import IndexRow

Matrix = npt.NDArray[np.float32]

DEVICE_PATTERNS = "device_patterns"
INCIDENT_HISTORY = "incident_history"
COLLECTIONS = {"course": DEVICE_PATTERNS, "incident": INCIDENT_HISTORY}
#: Written into the folder; another one means that the folder was made by another program.
FORMAT = "1"
BATCH = 512
_STAMP = "homepot-ai.version"
_DATABASE = "chroma.sqlite3"

Signature = tuple[int, int, int]
#: By folder: the client of the last use, and the state of the folder that it knows.
_open_clients: dict[Path, tuple[Any, Signature]] = {}
REBUILD = "run `homepot-ai memory rebuild`: the record is in PostgreSQL, nothing is lost"


@dataclass(frozen=True)
class Hit:
    """One neighbour: the pattern's id, its vector, and what the index knows of it."""

    id: int
    vector: Matrix
    hash: str
    category: str


@dataclass(frozen=True)
class Folder:
    """Where the index lies, and how long to wait for whoever uses it."""

    path: Path
    lock_seconds: float = 15.0

    @classmethod
    def of(cls, settings: Settings) -> Folder:
        """The folder of an installation, under its state folder."""
        return cls(settings.var_dir / "memory" / "chroma", settings.memory.lock_seconds)

    @contextmanager
    def reading(self) -> Iterator[Index]:
        """The index, while nobody writes it.

        Raises:
            IndexUnavailable: there is none, or it cannot be used.
        """
        if not (self.path / _DATABASE).is_file():
            _let_go(self.path)
            raise IndexUnavailable(f"there is no index in {self.path} yet, or it was removed: {REBUILD}")
        with self._locked(fcntl.LOCK_SH), self._opened() as index:
            yield index

    @contextmanager
    def writing(self) -> Iterator[Index]:
        """The index for one batch; everybody else waits.

        Raises:
            IndexUnavailable: it cannot be used.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_EX), self._opened() as index:
            yield index

    def set_aside(self, now: datetime) -> Path | None:
        """Move a folder that cannot be used out of the way; returns where to. Nothing is deleted."""
        with self._locked(fcntl.LOCK_EX):
            _let_go(self.path)
            if not self.path.exists():
                return None
            target = self.path.with_name(f"{self.path.name}.aside-{now:%Y%m%dT%H%M%S}")
            number = 0
            while target.exists():
                number += 1
                target = self.path.with_name(f"{self.path.name}.aside-{now:%Y%m%dT%H%M%S}-{number}")
            self.path.rename(target)
            return target

    def copy_to(self, target: Path) -> int:
        """Copy the folder as it is between two batches; returns the bytes.

        Others read meanwhile, who writes waits. The database in it is copied by SQLite itself, so that what
        a killed writer left in its journal is in the copy as well.

        Raises:
            IndexUnavailable: there is none, or its database cannot be read.
        """
        with self._locked(fcntl.LOCK_SH):
            database = self.path / _DATABASE
            if not database.is_file():
                raise IndexUnavailable(f"there is no index in {self.path} yet, or it was removed: {REBUILD}")
            shutil.copytree(self.path, target, ignore=shutil.ignore_patterns(f"{_DATABASE}*"))
            try:
                with (
                    contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
                    contextlib.closing(sqlite3.connect(target / _DATABASE)) as copy,
                ):
                    source.backup(copy)
            except sqlite3.Error as error:
                raise IndexUnavailable(
                    f"the index in {self.path} is damaged or cannot be read ({error}): {REBUILD}"
                ) from error
        return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())

    def close(self) -> None:
        """Let go of the files: for a folder that is about to be packed or removed."""
        _let_go(self.path)
        self._lock_file.unlink(missing_ok=True)

    @contextmanager
    def exchanged(self, new: Path | None, aside: Path) -> Iterator[None]:
        """Hold the folder; at the good end of the block it is set aside, and `new` takes its place."""
        with self._locked(fcntl.LOCK_EX):
            yield
            _let_go(self.path)
            if self.path.exists():
                self.path.rename(aside)
            if new is not None:
                new.rename(self.path)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        # Beside the folder, not in it: it stays when the folder is moved aside.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("a+") as file:
            self._wait(file, how)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)

    @property
    def _lock_file(self) -> Path:
        return self.path.parent / f"{self.path.name}.lock"

    def _wait(self, file: IO[str], how: int) -> None:
        deadline = time.monotonic() + self.lock_seconds
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                return
            except OSError as error:
                if time.monotonic() >= deadline:
                    raise IndexUnavailable(
                        f"the index in {self.path} was locked by another process for "
                        f"{self.lock_seconds:g} s: try "
                        "again; if it stays so, look which process holds "
                        f"{file.name} (`fuser {file.name}`)"
                    ) from error
                time.sleep(0.05)

    @contextmanager
    def _opened(self) -> Iterator[Index]:
        self._same_version()
        with explained(self.path):
            client = _client(self.path, self._signature())
        try:
            self._stamp()
            with explained(self.path):
                yield Index(client, self.path)
        except BaseException:
            _let_go(self.path)
            raise
        _remember(self.path, client, self._signature())

    def _signature(self) -> Signature:
        """What changes with every write, whoever writes."""
        try:
            stat = (self.path / _DATABASE).stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def _same_version(self) -> None:
        made = _made_by(self.path)
        if made is not None and made != _version():
            raise IndexUnavailable(
                f"the index in {self.path} was made by another version ({made}; here {_version()}): {REBUILD}"
            )

    def _stamp(self) -> None:
        if _made_by(self.path) is None:
            (self.path / _STAMP).write_text(_version() + "\n", encoding="utf-8")


class Index:
    """An open index. Names of collections are those that `name_of` makes."""

    def __init__(self, client: Any, path: Path) -> None:
        self._client = client
        self._path = path

    def names(self) -> list[str]:
        """Every collection that is there."""
        return sorted(collection.name for collection in self._client.list_collections())

    def make(self, name: str) -> None:
        """Create an empty collection, or keep the one that is there."""
        self._client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine", "ef_search": 100}}
        )

    def drop(self, name: str) -> None:
        """Remove a collection if it is there."""
        if name in self.names():
            self._client.delete_collection(name)

    def put(self, name: str, ids: Sequence[int], vectors: Matrix, facts: Sequence[Mapping[str, str]]) -> None:
        """Write vectors by id; the same id again replaces what was there.

        Args:
            facts: per vector what can be filtered by, and `hash`, the content hash of the text.
        """
        if len(ids):
            self._of(name).upsert(
                ids=[str(number) for number in ids], embeddings=vectors, metadatas=[dict(f) for f in facts]
            )

    def remove(self, name: str, ids: Sequence[int]) -> None:
        """Remove vectors by id."""
        if ids:
            self._of(name).delete(ids=[str(number) for number in ids])

    def nearest(self, name: str, vector: Matrix, count: int) -> list[Hit]:
        """The nearest vectors, the nearest first."""
        found = self._of(name).query(
            query_embeddings=vector[None],
            n_results=count,
            include=["embeddings", "metadatas"],
        )
        return [
            Hit(
                int(number),
                np.asarray(row, dtype=np.float32),
                str((facts or {}).get("hash", "")),
                str((facts or {}).get("category", "")),
            )
            for number, row, facts in zip(
                found["ids"][0], found["embeddings"][0], found["metadatas"][0], strict=True
            )
        ]

    def hashes(self, name: str) -> dict[int, str]:
        """The content hash of every vector, by id."""
        collection, found, step = self._of(name), {}, 5000
        for offset in range(0, collection.count(), step):
            part = collection.get(include=["metadatas"], limit=step, offset=offset)
            for number, facts in zip(part["ids"], part["metadatas"], strict=True):
                found[int(number)] = str((facts or {}).get("hash", ""))
        return found

    def count(self, name: str) -> int:
        """How many vectors a collection holds."""
        return int(self._of(name).count())

    def _of(self, name: str) -> Any:
        if name not in self.names():
            raise IndexUnavailable(f"the index in {self._path} has no collection {name}: {REBUILD}")
        return self._client.get_collection(name, embedding_function=None)


def name_of(collection: str, model: str, number: int) -> str:
    """The name of a collection: what it holds, the models that made it, and which build it is.

    >>> name_of("incident_history", "minilm-l6-v2.use-m3", 3)
    'incident_history.minilm-l6-v2.use-m3.3'
    """
    return f"{collection}.{model}.{number}"


def in_force(row: IndexRow | None, model: str) -> str:
    """The collection that is to be asked.

    Raises:
        IndexUnavailable: none was built yet, or with another model.
    """
    if row is None or not row.active:
        raise IndexUnavailable(f"no index was built yet: {REBUILD}")
    if row.model != model:
        raise IndexUnavailable(
            f"the index in force was made with {row.model}, here the model is {model}: {REBUILD}"
        )
    return row.active


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn whatever Chroma raises into IndexUnavailable. Its Rust part panics past `Exception`."""
    try:
        yield
    except (HomepotAIError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        # Errors of ours and of a test are not Chroma's: only what comes out of its modules is explained.
        module = type(error).__module__
        if isinstance(error, Exception) and not module.startswith(
            ("chromadb", "pyo3", "builtins", "sqlite3")
        ):
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        said = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise IndexUnavailable(
            f"the index in {path} is damaged or cannot be read ({said}): {REBUILD}"
        ) from error


def _client(path: Path, signature: Signature) -> Any:
    """The client of the last use when nobody has written since, else a new one."""
    known = _open_clients.get(path)
    if known is not None and known[1] == signature:
        return known[0]
    _let_go(path)
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    return chromadb.PersistentClient(
        str(path), settings=ChromaSettings(anonymized_telemetry=False, allow_reset=False)
    )


def _remember(path: Path, client: Any, signature: Signature) -> None:
    _open_clients[path] = (client, signature)


def _let_go(path: Path) -> None:
    from chromadb.api.shared_system_client import SharedSystemClient

    known = _open_clients.pop(path, None)
    if known is not None:
        with contextlib.suppress(Exception):
            known[0].close()
    # Chroma keeps what it opened for the life of the process, by folder, also of one that was replaced.
    _open_clients.clear()
    with contextlib.suppress(Exception):
        SharedSystemClient.clear_system_cache()


def _version() -> str:
    return f"format {FORMAT}, chromadb {'.'.join(version('chromadb').split('.')[:2])}"


def _made_by(path: Path) -> str | None:
    try:
        return (path / _STAMP).read_text(encoding="utf-8", errors="replace").strip()[:100]
    except FileNotFoundError:
        return None
