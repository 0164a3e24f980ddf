"""In which mode a report is read: maintenance, predictive or executive. Data in `templates/modes`.

A mode has a vocabulary, the sections of each kind of report in their order, how many rows of which table
are shown, and the words of each level. It never changes a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homepot_ai.errors import ReportError
from homepot_ai.reporting.document import Level
from homepot_ai.reporting.facts import Kind

MODES = ("maintenance", "predictive", "executive")
TILES = ("health", "devices", "anomalies", "availability", "forecasts")


class AnswerLength(BaseModel):
    """How much of an answer a mode shows: sentences from its beginning, and rows of its table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentences: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=0)]


class Mode(BaseModel):
    """One mode, as its file says it.

    Attributes:
        title: who reads it, in a word; stands over the report.
        tone: what a level is called.
        words: the English term of the code to the one that this mode uses; both are keys of the catalogues.
        tiles: which big numbers, in which order.
        rows: how many rows of a table, by its name.
        sections: which sections a kind of report has, in which order. One that does not exist yet, or that
            has nothing to do with the report's scope, is not there.
        quiet: those of a day on which nothing happened.
        sentences: what the passage in words says, in which order: of a `period`, of an `incident`; longest:
            how many of them.
        answer: how long the answer to a question is; what it leaves out is counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    tone: Mapping[Level, str]
    words: Mapping[str, str] = Field(default_factory=dict)
    tiles: tuple[str, ...]
    rows: Mapping[str, int] = Field(default_factory=dict)
    sections: Mapping[Kind, tuple[str, ...]]
    quiet: tuple[str, ...]
    sentences: Mapping[Literal["period", "incident"], tuple[str, ...]]
    longest: Annotated[int, Field(ge=1, le=8)] = 5
    answer: AnswerLength = AnswerLength(sentences=8, rows=200)

    def keys(self, kind: Kind, *, quiet: bool) -> tuple[str, ...]:
        """Sections of a report, in order."""
        return self.quiet if quiet else self.sections[kind]


@lru_cache(maxsize=16)
def mode(templates: Path, name: str) -> Mode:
    """Read a mode's file.

    Raises:
        ReportError: there is no such mode, or its file says something that is not understood.
    """
    if name not in MODES:
        raise ReportError(f"there is no mode {name!r}; there are: {', '.join(MODES)}")
    file = templates / "modes" / f"{name}.yaml"
    try:
        found = Mode.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ReportError(f"the mode {name!r} cannot be read: {error}") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise ReportError(f"{file.name} is not a mode: {error}; see docs/reports.md") from error
    missing = [kind for kind in get_args(Kind) if kind not in found.sections]
    missing += [level for level in get_args(Level) if level not in found.tone]
    strange = [tile for tile in found.tiles if tile not in TILES]
    if missing or strange:
        raise ReportError(
            f"{file.name} is not a mode: missing {', '.join(missing) or 'nothing'}; "
            f"unknown tiles: {', '.join(strange) or 'none'}; see docs/reports.md"
        )
    return found
