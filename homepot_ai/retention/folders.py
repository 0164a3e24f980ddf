"""Files that nobody needs any more: indexes that were moved aside, logs of long ago, halves of archives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homepot_ai.settings import Settings

_ASIDE = re.compile(r"\.aside-(\d{8}T\d{6})(-\d+)?$")


@dataclass(frozen=True)
class OldFile:
    """A file or folder that nobody needs any more, and its size in bytes."""

    path: Path
    bytes: int


def aside_since(name: str) -> datetime | None:
    """When a folder was moved aside, by its name; None: it is none.

    >>> aside_since("chroma.aside-20261120T031500-1").isoformat()
    '2026-11-20T03:15:00+00:00'
    >>> aside_since("chroma") is None
    True
    """
    found = _ASIDE.search(name)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None


def old_files(settings: Settings, now: datetime) -> list[OldFile]:
    """What would be removed. What cannot be looked at is left alone."""
    before = now - timedelta(days=settings.retention.aside_days)
    return [OldFile(path, _size(path)) for path in _found(settings, before)]


def remove(files: list[OldFile]) -> list[str]:
    """Remove them; returns why some of them could not be."""
    failed = []
    for old in files:
        try:
            if old.path.is_dir() and not old.path.is_symlink():
                shutil.rmtree(old.path)
            else:
                old.path.unlink(missing_ok=True)
        except OSError as error:
            failed.append(f"{old.path.name} could not be removed: {error.strerror or error}")
    return failed


def _found(settings: Settings, before: datetime) -> Iterator[Path]:
    for path in sorted((settings.var_dir / "memory").glob("*.aside-*")):
        since = aside_since(path.name)
        if since is not None and since < before:
            yield path
    for path in sorted((settings.var_dir / "log").glob("*.log*")):
        if path.is_file() and not path.is_symlink() and _written(path) < before:
            yield path
    for path in sorted((settings.var_dir / "archive").rglob("*.part")):
        if path.is_file() and _written(path) < before:
            yield path


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())
    return path.stat().st_size
