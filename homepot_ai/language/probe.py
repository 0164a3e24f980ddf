"""Which way of asking works with which model: schema and thinking break each other differently.

Some models ignore a schema unless thinking is off, some refuse to be told about thinking, some think all
the same. So each model (by digest) is asked one small thing in each way until an answer is right; the way
is kept in a file of the state folder, beside what was installed when somebody last looked.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from homepot_ai.language.model import Outcome, Prompt
from homepot_ai.language.talk import Failed, Installed, Said, Think
from homepot_ai.language.wire import Letter, compose, form_of, read

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """How a model is asked: held to a schema, to JSON or to nothing; told to think, not to, or neither."""

    form: Literal["schema", "json", "text"] = "schema"
    think: Think = False

    def asked_for(self, form: dict[str, Any]) -> dict[str, Any] | Literal["json"] | None:
        """What goes with the question."""
        return form if self.form == "schema" else "json" if self.form == "json" else None


#: In this order: what holds a model best and costs least comes first.
WAYS = (
    Way("schema", False),
    Way("schema", None),
    Way("json", False),
    Way("json", None),
    Way("schema", "low"),
    Way("text", False),
    Way("text", None),
)


class Colour(BaseModel):
    """What a model is probed with."""

    colour: Literal["green", "red"]
    sure: bool


QUESTION = Prompt(
    "probe",
    'Answer in JSON: "nonce" is the word of the page, "colour" is the colour that the data names '
    '(green or red), "sure" is true.',
    "The light is green.",
)


def probe(letter: Letter, ask: Callable[[Way, Letter, dict[str, Any]], Said]) -> Way:
    """The first way in which a model answers as asked.

    Args:
        letter: :data:`QUESTION`, composed; ask: asks the model in a way.

    Raises:
        Failed: none works, or the server does not answer (what is not the model's doing ends the probing).
    """
    form = form_of(Colour)
    tried = []
    for way in WAYS:
        try:
            if read(ask(way, letter, form), letter, Colour).colour == "green":
                return way
            tried.append("answered red")
        except Failed as failure:
            if failure.outcome in (Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.CUT, Outcome.MISSING):
                raise
            tried.append(failure.detail)
    raise Failed(Outcome.WRONG_SCHEMA, f"no way of asking works with this model; the last one: {tried[-1]}")


def question(num_ctx: int, nonce: str, tag: str) -> Letter:
    """What a model is probed with, composed."""
    return compose(QUESTION, num_ctx=num_ctx, nonce=nonce, tag=tag)


@dataclass(frozen=True)
class Seen:
    """A model as it was when somebody last looked."""

    digest: str
    size: int
    at: datetime


@dataclass
class Notes:
    """The file in which is kept what was found out about models.

    A file that is missing or damaged is an empty one: everything in it can be found out again.
    """

    path: Path
    _ways: dict[str, Way] = field(default_factory=dict)
    _read_at: int = -1

    def way(self, digest: str) -> Way | None:
        """The way that works with a model; None: not found out yet."""
        # Another process may have found out meanwhile.
        stamp = self._stamp()
        if stamp != self._read_at:
            self._ways = _ways(self._load().get("ways"))
            self._read_at = stamp
        return self._ways.get(digest)

    def keep_way(self, digest: str, way: Way) -> None:
        """Note a way down."""
        told = self._load()
        known = {name: [one.form, one.think] for name, one in _ways(told.get("ways")).items()}
        self._save(told | {"ways": known | {digest: [way.form, way.think]}})

    def seen(self, url: str) -> dict[str, Seen]:
        """What a server held when somebody last looked; empty: nobody has."""
        try:
            found: Mapping[str, Any] = self._load()["seen"][url]
            return {
                name: Seen(one["digest"], one["size"], datetime.fromisoformat(one["at"]))
                for name, one in found.items()
            }
        except (KeyError, TypeError, AttributeError, ValueError):
            return {}

    def keep_seen(self, url: str, models: list[Installed], at: datetime) -> None:
        """Note down what a server holds."""
        told = self._load()
        now = {one.name: {"digest": one.digest, "size": one.size, "at": at.isoformat()} for one in models}
        seen = told.get("seen")
        self._save(told | {"seen": (seen if isinstance(seen, dict) else {}) | {url: now}})

    def _stamp(self) -> int:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def _load(self) -> dict[str, Any]:
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _save(self, told: Mapping[str, Any]) -> None:
        part = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(told, indent=1), encoding="utf-8")
            part.replace(self.path)
        except OSError as error:
            # It is found out again the next time, which costs a moment and nothing else.
            _log.warning("what was found out about models could not be kept in %s: %s", self.path, error)


def _ways(told: object) -> dict[str, Way]:
    """The ways in a file, whatever is in it."""
    entries = told.items() if isinstance(told, dict) else ()
    return {
        str(name): Way(*parts)
        for name, parts in entries
        if isinstance(parts, list)
        and len(parts) == 2
        and parts[0] in ("schema", "json", "text")
        and isinstance(parts[1], bool | str | None)
    }
