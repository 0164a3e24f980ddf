"""What is said around an answer: how it was understood, why there is none, what can be asked instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from homepot_ai.errors import NotFound
from homepot_ai.fleet import metrics
from homepot_ai.language.facts import Language
from homepot_ai.questions import times
from homepot_ai.questions.catalogue import intents
from homepot_ai.questions.refusals import Refusal
from homepot_ai.questions.resolve import Directory
from homepot_ai.questions.types import Ambiguous, Asker, SlotName, Slots, Span
from homepot_ai.reporting.terms import type_word
from homepot_ai.reporting.voice import Voice, message
from homepot_ai.settings import project_home
from homepot_ai.text import clean

#: Asked most: offered where nothing came close.
OFTEN = ("fleet_status", "device_status", "worst_devices", "open_incidents", "maintenance_due")
OFFERED = 5
_REFUSALS: Mapping[Refusal, str] = MappingProxyType(
    {
        "empty": message("Nothing was asked."),
        "long": message("The question is longer than 2,000 characters: say it shorter."),
        "language": message("Only English and German are understood."),
        "command": message("Questions only read: nothing is changed, sent or switched from here."),
        "hostile": message("This is no question about the fleet, and it is not answered."),
        "elsewhere": message("This was not understood as a question about the fleet."),
    }
)
_NOUNS: Mapping[SlotName, str] = MappingProxyType(
    {
        "device": message("a device"), "site": message("a site"),
        "other_site": message("a second site"),
        "type": message("a type of device"), "metric": message("a metric"),
        "incident": message("an incident"),
        "period": message("a period"), "person": message("a person"),
    }
)  # fmt: skip


def voice_of(asker: Asker) -> Voice:
    """How an asker is spoken to."""
    return Voice(asker.language, asker.timezone, templates=project_home() / "templates")


def refused(why: Refusal, examples_: Sequence[str], asker: Asker) -> str:
    """Why a text is not answered, and what can be asked.

    >>> refused("empty", ["how is POS 3"], Asker())
    'Nothing was asked. You can ask, for example: "how is POS 3".'
    """
    voice = voice_of(asker)
    listed = ", ".join(f'"{example}"' for example in examples_)
    return f"{voice.t(_REFUSALS[why])} {voice.t('You can ask, for example: {examples}.', examples=listed)}"


def examples(near: Sequence[str], language: Language) -> tuple[str, ...]:
    """Questions that came close, then those that are asked most."""
    keys = tuple(dict.fromkeys([*near[:3], *OFTEN]))[:OFFERED]
    return tuple(intents()[key].shown(language) for key in keys)


def ambiguous(found: Ambiguous, asker: Asker) -> str:
    """That a name fits several."""
    return voice_of(asker).t(
        '"{said}" fits several: {candidates}. Which one?',
        said=clean(found.said),
        candidates=", ".join(found.candidates),
    )


def missing(slot: SlotName, asker: Asker) -> str:
    """That a question lacks something."""
    voice = voice_of(asker)
    return voice.t("Say which: the question needs {what}.", what=voice.t(_NOUNS.get(slot, slot)))


def not_found(error: NotFound, asker: Asker) -> str:
    """That nothing bears a name, with the nearest that the asker may know."""
    said = str(error)
    return said[:1].upper() + said[1:] + ("" if said.endswith("?") else ".")


def too_slow(asker: Asker) -> str:
    """That the database took too long."""
    return voice_of(asker).t(
        "The answer took longer than it may: ask about one site or device, or a shorter period."
    )


def unused(words: Sequence[str], asker: Asker) -> str:
    """That something said could not be taken into account."""
    listed = ", ".join(f'"{clean(word, 60)}"' for word in words)
    return voice_of(asker).t("Not taken into account: {words}.", words=listed)


def unplaced(key: str, words: Sequence[str], asker: Asker) -> str:
    """That an answer would be about something else than what was named."""
    voice = voice_of(asker)
    listed = ", ".join(f'"{clean(word, 60)}"' for word in words)
    return voice.t(
        'The question "{title}" cannot be asked of {words}: name only what it is about, or ask it without.',
        title=intents()[key].title[asker.language],
        words=listed,
    )


def guessed(what: str, asker: Asker) -> str:
    """That a model, no rule, placed the question."""
    return voice_of(asker).t("{what} (a guess: say it in other words if this was not meant)", what=what)


def understood_as(
    key: str, slots: Slots, known: Directory, span: Span | None, asker: Asker, now: datetime
) -> str:
    """A question as it was taken: its title, the names that were found, the period on the asker's clock."""
    voice = voice_of(asker)
    parts: list[str] = []
    device = known.devices.one(slots.device) if slots.device is not None else None
    if device is not None:
        parts.append(f"{device.name} ({device.place})" if device.place else device.name)
    for number in (slots.site, slots.other_site):
        site = known.sites.one(number) if number is not None else None
        if site is not None and (device is None or site.name != device.place):
            parts.append(site.name)
    if slots.device_type:
        parts.append(type_word(slots.device_type))
    if slots.metric:
        parts.append(voice.t(metrics.label(slots.metric)))
    if slots.incident is not None:
        parts.append(voice.t("incident {number}", number=slots.incident))
    if slots.severity:
        parts.append(voice.t(slots.severity))
    if slots.category:
        parts.append(voice.t(slots.category.replace("_", " ")))
    if slots.person:
        parts.append(slots.person)
    if slots.n is not None and "n" in intents()[key].slots:
        parts.append(voice.t("at most {n}", n=slots.n))
    if span is not None:
        words = times.shown(span.start, span.end, now, asker.timezone, asker.language)
        parts.append(words)
    if slots.horizon_hours is not None:
        end = now + timedelta(hours=slots.horizon_hours)
        parts.append(voice.t("until {end}", end=times.until(end, now, asker.timezone, asker.language)))
    title = intents()[key].title[asker.language]
    return f"{title}: {', '.join(parts)}" if parts else title
