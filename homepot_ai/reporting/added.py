"""Sections of one's own: plugins of another package, named in the settings.

Such a section is a :class:`homepot_ai.reporting.plugin.Plugin`, like those of the house, whose `gather`
returns plain JSON (texts, numbers, lists, mappings); its `build` finds it again in
`facts.added[plugin.key]`. Whatever it raises is told in its place and takes nothing else along.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from homepot_ai.errors import ReportError, SettingsError
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.document import Paragraph, Section
from homepot_ai.reporting.facts import Kind, ReportFacts
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.source import Parts, Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.settings import load_settings
from homepot_ai.text import clean

#: Sections about the report itself end it: what is added stands before them.
TAIL = ("telemetry", "classes", "checks", "counted", "appendix")


@lru_cache(maxsize=4)
def load(names: tuple[str, ...]) -> tuple[Plugin, ...]:
    """The plugins of these dotted names.

    Raises:
        SettingsError: a name leads nowhere, or to something else, or to a key that is taken.
    """
    found: list[Plugin] = []
    for name in names:
        module, _, attribute = name.rpartition(".")
        try:
            plugin = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            raise SettingsError(
                f"the section {name} cannot be loaded: {type(error).__name__}: {error}; see docs/pods.md"
            ) from error
        if not isinstance(plugin, Plugin):
            raise SettingsError(f"{name} is no Plugin of homepot_ai.reporting.plugin; see docs/pods.md")
        taken = {one.key for one in (*PLUGINS, *found)} | set(ReportFacts.model_fields)
        if plugin.key in taken:
            raise SettingsError(f"the section {name} is called {plugin.key!r}, as another one is: rename it")
        found.append(plugin)
    return tuple(found)


def plugins(kind: Kind) -> tuple[Plugin, ...]:
    """Those that this process's settings name, for a kind of report."""
    return tuple(one for one in load(load_settings().reports.own_sections) if kind in one.kinds)


def gather(source: Source, parts: Parts, kind: Kind) -> dict[str, Any] | None:
    """The facts of all of them; None where there are none, so that reports without keep their hash."""
    made: dict[str, Any] = {}
    for plugin in plugins(kind):

        def read(plugin: Plugin = plugin) -> Any:
            try:
                found = plugin.gather(source)
                return None if found is None else orjson.loads(orjson.dumps(found))
            except Exception as error:
                raise ReportError(f"{type(error).__name__}: {error}") from error

        if (facts := parts.make(plugin.key, read)) is not None:
            made[plugin.key] = facts
    return made or None


def section(plugin: Plugin, facts: ReportFacts, voice: Voice) -> Section | None:
    """The section, or the sentence that says why it is not there."""
    title = voice.term(plugin.title)
    problem = facts.problem(plugin.key)
    if problem is None and plugin.key in (facts.added or {}):
        try:
            return plugin.build(facts, voice)
        except Exception as error:
            problem = clean(f"{type(error).__name__}: {error}", 200)
    if problem is None:
        return None
    said = voice.t("This section could not be made: {reason}.", reason=problem)
    return Section(plugin.key, title, (Paragraph(said, "missing"),), line=True)


def placed(keys: Sequence[str], own: Sequence[Plugin]) -> list[str]:
    """The sections of a mode in their order; those of one's own that it does not list stand before its tail.

    >>> placed(["kpis", "worst", "checks"], ())
    ['kpis', 'worst', 'checks']
    """
    rest = [plugin.key for plugin in own if plugin.key not in keys]
    end = next((number for number, key in enumerate(keys) if key in TAIL), len(keys))
    return [*keys[:end], *rest, *keys[end:]]
