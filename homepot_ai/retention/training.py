"""Training data: a file a month of the window, the same bytes for the same incidents.

    training/incidents-2026-10.jsonl   one example a line
    training/manifest.json             what each file holds, its hash, schema and licence

The key of the pseudonyms lies elsewhere (`keys/training.key`): who has the files has not the names.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import psycopg

from homepot_ai.errors import ArchiveError, SettingsError
from homepot_ai.retention import examples, rules, scrub
from homepot_ai.retention.examples import SCHEMA, Past
from homepot_ai.settings import Settings
from homepot_ai.store import audit, named_sql
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.memory import IncidentRow

_SQL = named_sql.load("retention/sql/training.sql")
MANIFEST = "manifest.json"
_FILE = re.compile(r"^incidents-\d{4}-\d\d\.jsonl$")
_KEY_BYTES = 32


@dataclass(frozen=True)
class MonthFile:
    """A file of examples. `left_out`: closed incidents of that month that nobody did anything about."""

    file: str
    month: str
    examples: int
    left_out: int
    bytes: int
    sha256: str
    changed: bool


@dataclass(frozen=True)
class Exported:
    """What an export wrote, or would write; `gone` are files of months that the window has left."""

    folder: Path
    files: tuple[MonthFile, ...]
    gone: tuple[str, ...]
    dry_run: bool

    @property
    def line(self) -> str:
        """One line for the list of runs."""
        count = sum(one.examples for one in self.files)
        return f"{count} examples of {len(self.files)} months" + (" (dry run)" if self.dry_run else "")

    def markdown(self) -> str:
        """What an operator reads first."""
        would = "would be " if self.dry_run else ""
        lines = [
            f"**Training data: {self.line}** in `{self.folder}`", "",
            "| file | examples | left out | bytes | |", "|---|---:|---:|---:|---|",
            *(
                f"| {one.file} | {one.examples} | {one.left_out} | {one.bytes} | "
                f"{would + 'written' if one.changed else 'as it was'} |"
                for one in self.files
            ),
            "", "Left out are incidents that a rule closed and nobody did anything about.",
        ]  # fmt: skip
        if self.gone:
            lines += ["", f"Files that the window has left: {', '.join(self.gone)} {would}removed."]
        return "\n".join(lines) + "\n"


def folder_of(settings: Settings) -> Path:
    """Where training data lie."""
    return settings.var_dir / "training"


def months(now: datetime, days: int) -> list[date]:
    """The months of the window that are over, the oldest first; of the oldest all of it is in the window.

    >>> [f"{month:%Y-%m}" for month in months(datetime(2026, 11, 20, tzinfo=UTC), 92)]
    ['2026-09', '2026-10']
    """
    month = rules.end(rules.first_kept(now, days), "month")
    found = []
    while rules.end(month, "month") <= now:
        found.append(month.date())
        month = rules.end(month, "month")
    return found


def export(
    db: Database,
    settings: Settings,
    now: datetime,
    *,
    month: date | None = None,
    folder: Path | None = None,
    dry_run: bool = False,
    actor: str = "export-training-data",
) -> Exported:
    """Write the months of the window that are over, or one of it; a file whose content is the same stays.

    Killed anywhere it is run again: a file is written beside its name and renamed.

    Args:
        month: its first day; also the present one, as far as it is.
        folder: None: `training` in the state folder.

    Raises:
        SettingsError: the month is outside of the window.
        ArchiveError: the files could not be written.
    """
    days = settings.retention.training_days
    window = months(now, days)
    wanted = window if month is None else [month]
    if month is not None and month not in window and month != rules.begin(now, "month").date():
        first = f"{window[0]:%Y-%m}" if window else f"{now:%Y-%m}"
        raise SettingsError(
            f"{month:%Y-%m} is outside of the training window, which begins with {first} and ends with this "
            f"month (retention.training_days is {days}); what is older is in the archive"
        )
    target = folder or folder_of(settings)
    scrubber = scrub.Scrubber(_names(db), _key(settings, dry_run=dry_run))
    licence = f"Private to {settings.reports.organisation}; not for publication"
    files, contents = [], {}
    for one in wanted:
        past = _closed(db, one)
        lines = [
            orjson.dumps(examples.example(each, scrubber, licence)) + b"\n" for each in past if each.teaches
        ]
        name, content = f"incidents-{one:%Y-%m}.jsonl", b"".join(lines)
        contents[name] = content
        files.append(
            MonthFile(
                name, f"{one:%Y-%m}", len(lines), len(past) - len(lines), len(content),
                hashlib.sha256(content).hexdigest(), _content(target / name) != content,
            )
        )  # fmt: skip
    kept = {f"incidents-{one:%Y-%m}.jsonl" for one in [*window, *wanted, rules.begin(now, "month").date()]}
    # A folder may be somebody's, with files of theirs.
    ours = {str(one["file"]) for one in _listed(target)}
    gone = tuple(sorted(path.name for path in target.glob("incidents-*.jsonl") if path.name in ours - kept))
    done = Exported(target, tuple(files), gone if month is None else (), dry_run)
    if not dry_run:
        _deliver(target, contents, done, licence)
        with db.writer() as conn:
            audit.record(
                conn, at=now, actor=actor, action="exported training data", subject=", ".join(contents),
                purpose="training", details={"examples": sum(one.examples for one in files)},
            )  # fmt: skip
    return done


def _closed(db: Database, month: date) -> list[Past]:
    since = datetime(month.year, month.month, 1, tzinfo=UTC)
    with db.reader() as conn:
        rows = conn.execute(
            _SQL["incidents"], {"since": since, "until": rules.end(since, "month")}
        ).fetchall()
    return [_past(row) for row in rows]


def _past(row: tuple[object, ...]) -> Past:
    *columns, initial, conclusion, closed_by, recurrence, flapping, mark, outcome, actions = row
    incident = IncidentRow(*columns)  # type: ignore[arg-type]
    if closed_by == "rule":
        # What a rule wrote at its close is no resolution.
        incident = IncidentRow(**{**vars(incident), "resolution": None})
    return Past(incident, initial, conclusion, recurrence, flapping, mark, outcome, actions)  # type: ignore[arg-type]


def _names(db: Database) -> scrub.Names:
    with db.reader() as conn:
        devices = dict(conn.execute(_SQL["devices"]).fetchall())
        sites = dict(conn.execute(_SQL["sites"]).fetchall())
        written = [str(name) for (name,) in conn.execute(_SQL["people"]).fetchall() if name]
        users = _users(conn)
    return scrub.Names(devices, sites, scrub.people([*written, *users]))


def _users(conn: Connection) -> list[str]:
    """Addresses of HOMEPOT's users; an older HOMEPOT has none, or does not let us see them."""
    try:
        with conn.transaction():
            return [str(mail) for (mail,) in conn.execute(_SQL["users"]).fetchall()]
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return []


def _key(settings: Settings, *, dry_run: bool) -> bytes:
    """The key of the pseudonyms: made once, readable by its owner only."""
    path = settings.var_dir / "keys" / "training.key"
    with suppress(FileNotFoundError):
        found = path.read_bytes()
        if len(found) == _KEY_BYTES:
            return found
        raise ArchiveError(
            f"{path} is damaged: it holds {len(found)} bytes instead of {_KEY_BYTES}. Bring it back from a "
            "backup, or remove it: pseudonyms will then differ from those of earlier exports"
        )
    made = secrets.token_bytes(_KEY_BYTES)
    if dry_run:
        return made
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    part.touch(mode=0o600)
    _write(part, made)
    try:
        # Never over one that another run made meanwhile.
        os.link(part, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        part.unlink()
    return made


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _deliver(folder: Path, contents: dict[str, bytes], done: Exported, licence: str) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in done.files:
            if one.changed:
                _replace(folder / one.file, contents[one.file])
        for name in done.gone:
            (folder / name).unlink(missing_ok=True)
        known = {one["file"]: one for one in _listed(folder)} | {
            one.file: {name: value for name, value in asdict(one).items() if name != "changed"}
            for one in done.files
        }
        there = [known[name] for name in sorted(known) if (folder / name).is_file()]
        manifest = {"schema": SCHEMA, "license": licence, "files": there}
        text = orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n"
        if _content(folder / MANIFEST) != text:
            _replace(folder / MANIFEST, text)
    except OSError as error:
        raise ArchiveError(
            f"training data could not be written to {folder} ({error.strerror or error}): free space or name "
            "another folder; the files that are there are whole"
        ) from error


def _listed(folder: Path) -> list[dict[str, object]]:
    content = _content(folder / MANIFEST)
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return [one for one in orjson.loads(content or b"{}")["files"] if _FILE.match(str(one["file"]))]
    return []


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    _write(part, content)
    part.replace(path)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
