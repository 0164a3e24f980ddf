"""What must be told while the database is away: remembered and sent from a folder of this machine.

`alarms.json` has the rows that `ai_watch_alarms` would have, `known.json` those that it had when it was last
seen, `outbox/` one file for each mail or message that is still to leave. All are written beside their name,
synced and renamed: a killed process leaves whole files only. A letter's file goes once somebody took it;
between the two lies the same window as with every alert, and there it goes again.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from homepot_ai.store.outbox import OutboxMail
from homepot_ai.watch.alarm_rules import Alarm

#: Nobody is told a week later that something was wrong for an hour.
TOO_OLD = timedelta(days=3)
# More than this and something else is wrong: the disk is not filled with mails about itself.
MOST = 500
_TIMES = ("first_at", "last_at", "told_at", "resolved_at")


@dataclass(frozen=True)
class Letter:
    """A mail (`channel` empty) or a channel's message, as its outbox would hold it."""

    channel: str
    mail: OutboxMail


@dataclass(frozen=True)
class Waiting:
    """A letter that is still to leave, since when, and its file."""

    letter: Letter
    since: datetime
    file: Path


class Spool:
    """The folder. Use it inside `held()`: several processes may want to tell at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows = folder / "alarms.json"
        self._known = folder / "known.json"
        self._out = folder / "outbox"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile."""
        self._out.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def used(self) -> bool:
        """Whether anything is remembered or waits; cheap."""
        return self._rows.exists() or (self._out.is_dir() and any(self._out.iterdir()))

    def alarms(self) -> dict[str, Alarm]:
        """What happened since the database is away. A file that cannot be read counts as empty: better told
        twice than not at all.
        """
        return _read(self._rows)

    def remember(self, alarms: Mapping[str, Alarm]) -> None:
        """Replace that."""
        if alarms:
            _write(self._rows, orjson.dumps([asdict(alarm) for alarm in alarms.values()]))
        else:
            self._rows.unlink(missing_ok=True)

    def known(self) -> dict[str, Alarm]:
        """What was open when the database was last seen."""
        return _read(self._known)

    def mirror(self, alarms: Iterable[Alarm]) -> None:
        """Replace that; without it, everything that is open would be told again by an outage."""
        found = {alarm.key: alarm for alarm in alarms}
        if found != self.known():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self._known, orjson.dumps([asdict(alarm) for alarm in found.values()]))

    def put(self, letter: Letter, now: datetime) -> None:
        """Keep a letter until it left; the same key is kept once."""
        name = hashlib.sha256(f"{letter.channel} {letter.mail.key}".encode()).hexdigest()[:24]
        if len(list(self._out.glob("*.json"))) >= MOST:
            return
        body = asdict(letter.mail) | {"payload": base64.b64encode(letter.mail.payload).decode()}
        _write(
            self._out / f"{name}.json", orjson.dumps({"channel": letter.channel, "since": now, "mail": body})
        )

    def waiting(self, now: datetime) -> list[Waiting]:
        """What is to leave, the oldest first. What is too old, or no letter, is removed."""
        found = []
        for file in self._out.glob("*.json"):
            try:
                kept = orjson.loads(file.read_bytes())
                payload = base64.b64decode(kept["mail"].pop("payload"))
                since = datetime.fromisoformat(kept["since"])
                letter = Letter(str(kept["channel"]), OutboxMail(payload=payload, **kept["mail"]))
            except (OSError, ValueError, TypeError, KeyError):
                self.gone(file)
                continue
            if now - since > TOO_OLD:
                self.gone(file)
            else:
                found.append(Waiting(letter, since, file))
        return sorted(found, key=lambda one: (one.since, one.file.name))

    def uncertain(self, file: Path) -> None:
        """Nobody knows whether it was taken: it goes once more, and not for ever."""
        try:
            kept = orjson.loads(file.read_bytes())
        except (OSError, ValueError):
            return self.gone(file)
        if kept.get("uncertain"):
            return self.gone(file)
        return _write(file, orjson.dumps(kept | {"uncertain": True}))

    def gone(self, file: Path) -> None:
        """A letter left."""
        with contextlib.suppress(FileNotFoundError):
            file.unlink()


def _read(file: Path) -> dict[str, Alarm]:
    try:
        rows = orjson.loads(file.read_bytes())
        return {row["key"]: _alarm(row) for row in rows}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _alarm(row: dict[str, Any]) -> Alarm:
    times = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in _TIMES}
    return Alarm(**(row | times))


def _write(file: Path, content: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    with part.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
