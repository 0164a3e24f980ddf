"""What an archive says of itself, and what making, questioning and restoring one came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: Another one: made by a program that packs otherwise.
FORMAT = 1
PROGRAM = "homepot-ai"
MANIFEST = "manifest.json"
DUMP = "database.dump"
INDEX = "chroma"
RUNBOOKS = "runbooks"
SETTINGS = "settings.yaml"
BLOCKS = "blocks.json"

DrillKind = Literal["nightly", "by hand", "restore"]


class _Read(BaseModel):
    """A part of the manifest. Unknown names are those of a later program of the same format."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Member(_Read):
    """A file in the archive."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Table(_Read):
    """A table when the dump was made.

    Attributes:
        digest: of all its rows, in whatever order; None where it is too large to be read for that.
    """

    rows: int
    digest: str | None = None


class Golden(_Read):
    """A question to memory and the patterns that it answered, the most similar first."""

    text: str
    category: str | None
    device_type: str | None
    metrics: tuple[str, ...]
    ids: tuple[int, ...]


class Manifest(_Read):
    """The first file of every archive.

    Attributes:
        migration: version of our tables. postgres: the server's major version.
        model: the embedding models that the index was made with.
        no_index: why the archive holds no index; None: it does.
        secrets: settings that are not in the archive and have to be given again.
    """

    program: str
    format: int
    name: str
    made_at: datetime
    schema_name: str
    homepot_schema: str
    whole: bool
    migration: str
    postgres: int
    model: str
    versions: dict[str, str]
    tables: dict[str, Table]
    homepot_tables: dict[str, Table]
    golden: tuple[Golden, ...]
    no_index: str | None
    secrets: tuple[str, ...]
    members: dict[str, Member]

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(table.rows for table in (*self.tables.values(), *self.homepot_tables.values()))


@dataclass(frozen=True)
class Stored:
    """An archive in a folder; it has a name of its own only after it was proven."""

    name: str
    path: Path
    made_at: datetime
    bytes: int
    encrypted: bool


@dataclass(frozen=True)
class Check:
    """One question that a restored backup was asked."""

    what: str
    passed: bool
    said: str


@dataclass(frozen=True)
class Drill:
    """A backup restored into a scratch place and questioned."""

    backup: str
    checks: tuple[Check, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every answer was right."""
        return all(check.passed for check in self.checks)

    @property
    def detail(self) -> str:
        """What was wrong, or that nothing was."""
        wrong = [f"{check.what}: {check.said}" for check in self.checks if not check.passed]
        return "; ".join(wrong) or f"{len(self.checks)} checks passed"


@dataclass(frozen=True)
class Place:
    """Where a copy lies, or why it does not."""

    where: str
    good: bool
    said: str


@dataclass(frozen=True)
class Made:
    """A backup that was made, proven and stored."""

    stored: Stored
    sha256: str
    manifest: Manifest
    drill: Drill
    places: tuple[Place, ...]
    removed: tuple[str, ...]
    seconds: float
