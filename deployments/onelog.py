"""One log of everything that `homepot-ai up` runs: `log/homepot-ai.log` in the state folder.

Each part writes into a file of its own, which it goes on doing whatever becomes of the supervisor; a
pipe would end it. The supervisor follows these files and writes each line down once more, with the
moment, the part and a level, as text or as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LEVELS = ("debug", "info", "warning", "error")
LIMIT_BYTES = 20_000_000
KEPT = 5
# A part may write faster than anybody reads: of one look, the rest is told as a number.
MOST_BYTES = 2_000_000
# Near the beginning of a line, as Prefect, uvicorn and our own programs put it.
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b")
_LOOK_AT = 60
_SAME = {"warn": "warning", "critical": "error", "fatal": "error"}


@dataclass
class Followed:
    """A part's own log, and how far it was read.

    Attributes:
        rest: the beginning of a line whose end is not there yet.
        level: of the last line that had one; the lines of a traceback have none.
    """

    part: str
    path: Path
    at: int
    rest: bytes = b""
    level: str = "info"


class OneLog:
    """Writes the log; rotated at 20 MB, five old ones are kept.

    Args:
        level: lines below it are left out.
        json_lines: an object a line, with `at`, `level`, `part` and `message`.
    """

    def __init__(
        self,
        path: Path,
        *,
        level: str = "info",
        json_lines: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.path = path
        self._least = LEVELS.index(level)
        self._json = json_lines
        self._now = now
        self._limit = limit_bytes
        self._followed: dict[str, Followed] = {}
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, part: str, message: str, level: str = "info") -> None:
        """One line of one part."""
        self._append([self._line(part, message, level)] if self._wanted(level) else [])

    def follow(self, part: str, path: Path) -> None:
        """From now on, what a part writes into its own log is written down here as well."""
        size = path.stat().st_size if path.exists() else 0
        self._followed.setdefault(part, Followed(part, path, size))

    def look(self) -> None:
        """Write down what the parts have written since the last look."""
        lines: list[str] = []
        for one in self._followed.values():
            for message in _new_lines(one):
                level, said, more = _read(message, one.level)
                one.level = level
                if self._wanted(level) and said.strip():
                    lines.append(self._line(one.part, said, level, more))
        self._append(lines)

    def rotate_part(self, part: str, rotate: Callable[[], None]) -> None:
        """Let a part's own log be emptied, after everything in it was read."""
        self.look()
        with contextlib.suppress(OSError):  # no room for the copy: later
            rotate()
        if one := self._followed.get(part):
            size = one.path.stat().st_size if one.path.exists() else 0
            one.at = min(one.at, size)

    def _wanted(self, level: str) -> bool:
        return LEVELS.index(level) >= self._least

    def _line(self, part: str, message: str, level: str, more: Mapping[str, Any] | None = None) -> str:
        at = f"{self._now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        if self._json:
            # What a part says of itself, the moment above all, is nearer to the truth than ours.
            record = {"at": at, **(more or {}), "level": level, "part": part, "message": message}
            return json.dumps(record, ensure_ascii=False)
        if more and "error" in more:
            message = f"{message}\n{more['error']}"
        return f"{at} {level.upper():<7} {part}: {message}"

    def _append(self, lines: list[str]) -> None:
        if not lines:
            return
        # Whoever keeps the parts alive must not die of a full disk: their own logs say it as well.
        with contextlib.suppress(OSError):
            if self.path.exists() and self.path.stat().st_size > self._limit:
                self._rotate()
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                file.write("\n".join(lines) + "\n")

    def _rotate(self) -> None:
        for number in range(KEPT, 0, -1):
            older = self._old(number)
            newer = self._old(number - 1) if number > 1 else self.path
            if newer.exists():
                os.replace(newer, older)

    def _old(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def _new_lines(one: Followed) -> list[str]:
    """The whole lines that are new; a log that became shorter was emptied, and is read from its beginning."""
    if not one.path.exists():
        return []
    size = one.path.stat().st_size
    if size < one.at:
        one.at, one.rest = 0, b""
    skipped = max(0, size - one.at - MOST_BYTES)
    with one.path.open("rb") as file:
        file.seek(one.at + skipped)
        read = file.read(MOST_BYTES)
    one.at += skipped + len(read)
    *whole, one.rest = ((b"" if skipped else one.rest) + read).split(b"\n")
    if skipped:
        whole = [f"WARNING {skipped} bytes left out here; all of it is in {one.path}".encode(), *whole]
    return [line.decode("utf-8", "replace").rstrip() for line in whole]


def _read(line: str, before: str) -> tuple[str, str, dict[str, Any]]:
    """Level, message and the rest of a part's line; a line without a level goes on with the one before.

    >>> _read("07:41:24.123 | WARNING | prefect.worker - late", "info")
    ('warning', '07:41:24.123 | WARNING | prefect.worker - late', {})
    >>> _read('{"level": "error", "message": "no room", "logger": "homepot_ai"}', "info")
    ('error', 'no room', {'logger': 'homepot_ai'})
    >>> _read("  File 'x.py', line 3", "error")
    ('error', "  File 'x.py', line 3", {})
    """
    if line.startswith("{"):
        record = _object(line)
        if record is not None and "message" in record:
            level, message = str(record.pop("level", "info")), str(record.pop("message"))
            return _named(level), message, record
    found = _LEVEL.search(line[:_LOOK_AT])
    return (_named(found[1]) if found else before), line, {}


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _named(level: str) -> str:
    low = level.lower()
    named = _SAME.get(low, low)
    return named if named in LEVELS else "info"
