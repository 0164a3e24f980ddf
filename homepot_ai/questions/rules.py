"""Telling questions apart: `templates/questions/rules.yaml`, in order, the first rule that fits decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from homepot_ai.errors import QuestionError
from homepot_ai.questions.catalogue import intents
from homepot_ai.questions.lexicon import rules_data
from homepot_ai.questions.mentions import Reading


@dataclass(frozen=True)
class Rule:
    """What a question of an intent looks like.

    Attributes:
        pattern: of the masked text.
        needs: mentions of which one must be there; none, nothing need be.
        unless: mentions that must not.
    """

    intent: str
    pattern: re.Pattern[str]
    needs: frozenset[str]
    all_of: bool
    unless: frozenset[str]


def place(reading: Reading) -> str | None:
    """The intent of the first rule that fits, or None.

    >>> from homepot_ai.questions.mentions import read
    >>> place(read("who acknowledged incident 12?")), place(read("how do I cook pasta"))
    ('who_acknowledged', None)
    """
    there = {mention.kind for mention in reading.mentions}
    for rule in rules():
        if there & rule.unless:
            continue
        if rule.needs and not (rule.needs <= there if rule.all_of else rule.needs & there):
            continue
        if rule.pattern.search(reading.masked):
            return rule.intent
    return None


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Every rule, read once per process.

    Raises:
        QuestionError: the file is no list of rules.
    """
    macros, listed = rules_data()["macros"], rules_data()["rules"]
    known = intents()
    found = []
    for line in listed:
        intent, pattern, *more = line
        when: Mapping[str, list[str]] = more[0] if more else {}
        if intent not in known:
            raise QuestionError(f"rules.yaml: there is no question named {intent!r}")
        for name, value in macros.items():
            pattern = pattern.replace(f"{{{name}}}", value)
        needs = frozenset(when.get("if", ()))
        found.append(
            Rule(
                intent,
                re.compile(pattern),
                needs,
                # Beside a metric or a moment, both are asked for; of names, one.
                bool(needs & {"metric", "when", "since"}),
                frozenset(when.get("unless", ())),
            )
        )
    return tuple(found)
