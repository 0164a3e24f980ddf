"""What can be asked: every named question with its words and slots.

Data in `templates/questions/catalogue.yaml`.

text ─► understand (by `examples`) ─► slots ─► resolve ─► `answer` (one query of `queries/`) ─► Found
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args

import yaml
from psycopg.errors import QueryCanceled
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homepot_ai.errors import QuestionError
from homepot_ai.language.facts import Language
from homepot_ai.questions.types import Asker, Found, SlotName, Slots
from homepot_ai.settings import project_home
from homepot_ai.store.database import Connection

#: Slots whose field in `Slots` has another name.
_FIELDS: Mapping[str, str] = {
    "type": "device_type", "period": "span", "since": "span", "horizon": "horizon_hours",
}  # fmt: skip
#: Rows of an answer's table where nobody says otherwise: what a named query reads at most.
SHOWN = 500
Find = Callable[[Connection, Slots, Asker, datetime], Found]
#: Words that stand for a slot where an example is shown to somebody.
SAMPLE_WORDS: Mapping[Language, Mapping[SlotName, str]] = MappingProxyType(
    {
        "en": {
            "device": "POS 3", "site": "Berlin", "other_site": "Hamburg", "type": "gateways",
            "metric": "temperature", "period": "last week", "since": "yesterday morning",
            "horizon": "7 days", "incident": "12", "n": "3", "severity": "critical",
            "category": "connectivity", "person": "ops@example.org",
        },
        "de": {
            "device": "Kasse 3", "site": "Berlin", "other_site": "Hamburg", "type": "Gateways",
            "metric": "Temperatur", "period": "letzte Woche", "since": "gestern früh",
            "horizon": "7 Tagen", "incident": "12", "n": "3", "severity": "kritische",
            "category": "Verbindung", "person": "ops@example.org",
        },
    }
)  # fmt: skip


class _Entry(BaseModel):
    """One question, as the file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Mapping[Language, str]
    needs: tuple[tuple[SlotName, ...], ...] = ()
    takes: tuple[SlotName, ...] = ()
    defaults: Mapping[SlotName, str] = Field(default_factory=dict)
    en: Annotated[tuple[str, ...], Field(min_length=5)]
    de: Annotated[tuple[str, ...], Field(min_length=5)]


@dataclass(frozen=True)
class Intent:
    """A named question.

    Attributes:
        key: its name, as in `Understood.intent`.
        title: by language, as it is offered.
        needs: groups of slots; of each group, one must be said.
        takes: what may be said besides.
        defaults: the words that are taken where a slot is not said.
        examples: by language; slots stand in braces: "how is {device}".
    """

    key: str
    title: Mapping[Language, str]
    needs: tuple[tuple[SlotName, ...], ...]
    takes: tuple[SlotName, ...]
    defaults: Mapping[SlotName, str]
    examples: Mapping[Language, tuple[str, ...]]

    @property
    def slots(self) -> tuple[SlotName, ...]:
        """Every slot that it knows, needed ones first.

        >>> intents()["device_status"].slots
        ('device', 'site')
        """
        return tuple(dict.fromkeys([slot for group in self.needs for slot in group] + list(self.takes)))

    def missing(self, said: Mapping[str, object]) -> tuple[SlotName, ...]:
        """The first slot of each needed group of which none was said.

        >>> intents()["metric_now"].missing({"device": "POS 3"})
        ('metric',)
        """
        return tuple(group[0] for group in self.needs if not any(said.get(slot) for slot in group))

    def shown(self, language: Language, index: int = 0) -> str:
        """An example as somebody would write it.

        >>> intents()["compare_sites"].shown("en")
        'compare Berlin with Hamburg'
        """
        return self.examples[language][index].format_map(
            {str(slot): words for slot, words in SAMPLE_WORDS[language].items()}
        )


def intents() -> Mapping[str, Intent]:
    """Every named question, in order of how often people ask it.

    >>> len(intents()) >= 32
    True
    """
    return _load(project_home() / "templates" / "questions" / "catalogue.yaml")


def intent(key: str) -> Intent:
    """The named question of a key.

    Raises:
        QuestionError: there is none.
    """
    found = intents().get(key)
    if found is None:
        raise QuestionError(f"there is no question named {key!r}; there are: {', '.join(intents())}")
    return found


def answer(
    conn: Connection, key: str, slots: Slots, asker: Asker, now: datetime, *, max_rows: int = SHOWN
) -> Found:
    """Run a named question.

    Args:
        conn: of :meth:`homepot_ai.store.database.Database.asker`: it sees what the asker may see, no more.
        slots: resolved; what the question needs must be there.
        now: the moment of the question, aware.
        max_rows: rows that its table may have; what is cut is counted in `more`.

    Raises:
        QuestionError: there is no such question, or a slot that it needs is empty.
        NotFound: what a slot names is not there, or is not for this asker.
    """
    # Here, not above: the queries read the rest of the program, the router needs only the words.
    from homepot_ai.questions.queries.finds import FINDS

    asked = intent(key)
    missing = asked.missing(vars(slots) | {"type": slots.device_type, "period": slots.span})
    if missing:
        raise QuestionError(f"the question {key!r} needs a {missing[0].replace('_', ' ')}: name one")
    # What the question does not take would narrow it in silence.
    taken = {_FIELDS.get(slot, slot) for slot in asked.slots}
    kept = replace(Slots(), **{name: value for name, value in vars(slots).items() if name in taken})
    find: Find = FINDS[key]
    try:
        found = find(conn, kept, asker, now)
    except QueryCanceled as error:
        raise QuestionError(
            "the question took too long to answer: narrow it to a site or device, or to a shorter period"
        ) from error
    found = _with_states(conn, found, now)
    if found.table is None or len(found.table[1]) <= max_rows:
        return found
    heads, rows = found.table
    return replace(found, table=(heads, rows[:max_rows]), more=found.more + len(rows) - max_rows)


def _with_states(conn: Connection, found: Found, now: datetime) -> Found:
    """With the state of every device that the answer is about, also where its sentences say none."""
    from homepot_ai.questions.page import STALE
    from homepot_ai.questions.queries.reading import SQL

    ids = [device.id for device in found.devices if not device.status]
    if not ids:
        return found
    given = {"ids": ids, "now": now}
    # A score of hours ago says nothing about now.
    states = {
        id_: status if now - at <= STALE else "no_data"
        for id_, status, at in conn.execute(SQL["states"], given)
    }
    devices = tuple(
        device if device.status else replace(device, status=states.get(device.id, "not_scored"))
        for device in found.devices
    )
    return replace(found, devices=devices)


@lru_cache(maxsize=4)
def _load(file: Path) -> Mapping[str, Intent]:
    try:
        data: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        entries = {key: _Entry.model_validate(entry) for key, entry in data.items()}
    except OSError as error:
        raise QuestionError(f"the catalogue of questions cannot be read: {error}") from error
    except (yaml.YAMLError, ValidationError, AttributeError) as error:
        raise QuestionError(f"{file.name} is not a catalogue of questions: {error}") from error
    found = {
        key: Intent(
            key, entry.title, entry.needs, entry.takes, entry.defaults, {"en": entry.en, "de": entry.de}
        )
        for key, entry in entries.items()
    }  # fmt: skip
    names = set(get_args(SlotName))
    for item in found.values():
        for example in (*item.examples["en"], *item.examples["de"]):
            strange = {name for _, name, _, _ in string.Formatter().parse(example) if name} - set(item.slots)
            if strange:
                raise QuestionError(
                    f"{file.name}: {item.key} does not take {', '.join(sorted(strange))} of {example!r}"
                )
    assert all(set(item.slots) <= names for item in found.values())
    return MappingProxyType(found)
