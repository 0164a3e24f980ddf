"""What the commands share: the clock, the database, how lines are printed and moments are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homepot_ai.errors import ReportError, SettingsError
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database

console = Console(highlight=False)

#: The largest number that PostgreSQL gives a row.
LARGEST = 2**63 - 1
#: The number of an incident.
Number = Annotated[
    int,
    typer.Argument(max=LARGEST, help="The incident's number, as `homepot-ai incidents` lists it."),
]
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def utc_now() -> datetime:
    """The one place where a command looks at the clock."""
    return datetime.now(UTC)


def opened() -> tuple[Settings, Database]:
    """The settings in force and the database they name."""
    settings = load_settings()
    return settings, Database.from_settings(settings)


def say(text: str) -> None:
    """Print a line as it is: numbers and names are there to be copied, so it may wrap, but nothing is cut."""
    console.print(text, markup=False, soft_wrap=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; what stood there before stays until then.

    For what the database keeps and what can be asked for again.

    Raises:
        ReportError: there is no room, or no right to write there.
    """
    special = path.exists() and not path.is_file()  # a device or a pipe
    target = path if special else path.with_name(f".{path.name}.part")
    try:
        target.write_bytes(content)
        if target is not path:
            target.replace(path)
    except OSError as error:
        if target is not path:
            target.unlink(missing_ok=True)
        raise ReportError(
            f"{path} could not be written: {error.strerror}. What is in it is kept in the database: make "
            "room, or name another file, and say the same command again"
        ) from error


def moment(text: str, at: datetime, *, back: bool = False) -> datetime:
    """A moment as people type it: a date, a time, or a length from `at` on (`back`: before it).

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> moment("4h", noon, back=True).isoformat(), moment("2026-11-20T08:15", noon).isoformat()
    ('2026-11-20T08:00:00+00:00', '2026-11-20T08:15:00+00:00')
    """
    try:
        if text[:-1].isdecimal() and text[-1:] in _UNITS:
            length = int(text[:-1]) * _UNITS[text[-1]]
            return at - length if back else at + length
        typed = datetime.fromisoformat(text)
        return typed.replace(tzinfo=UTC) if typed.tzinfo is None else typed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{text!r} is no moment; write for example 2026-11-20, 2026-11-20T08:15, or 4h, 7d"
        ) from None
