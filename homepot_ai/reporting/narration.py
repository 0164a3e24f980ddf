"""A report's passage in words: worded once for an edition, before it is rendered, and kept with it for ever.

Without a model the same facts give the same words. What a model worded was verified against its facts
(`homepot_ai.language`); the page says so, and how many of its sentences were refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from homepot_ai.language.model import Model, NoModel, Outcome
from homepot_ai.language.narrate import Narration, Sentence, narrate
from homepot_ai.reporting.build import voice_of
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.modes import mode
from homepot_ai.reporting.passage import book_of

Narrations = Mapping[Edition, Narration | None]


def words(
    facts: ReportFacts, editions: Iterable[Edition], model: Model, templates: Path, *, deadline_s: float
) -> dict[Edition, Narration | None]:
    """The passage of each edition; papers of one mode and language share it.

    Args:
        deadline_s: for all of them together; each has its part of it.

    Returns:
        None where there is nothing to say: a quiet day, no devices.
    """
    wanted = list(editions)
    books = {}
    for edition in wanted:
        voice = voice_of(facts, edition, templates)
        books[edition.mode, edition.language] = book_of(facts, edition, mode(templates, edition.mode), voice)
    each = deadline_s / max(1, sum(book is not None for book in books.values()))
    told = {
        key: None if book is None else narrate(book, model, deadline_s=each, wait_s=each)
        for key, book in books.items()
    }
    return {edition: told[edition.mode, edition.language] for edition in wanted}


def by_template(facts: ReportFacts, edition: Edition, templates: Path) -> Narration | None:
    """The passage of an edition as it is without a model."""
    return words(facts, [edition], NoModel(), templates, deadline_s=1)[edition]


def stored(narration: Narration | None) -> dict[str, Any] | None:
    """As it is kept with its edition."""
    if narration is None:
        return None
    return {
        "sentences": [
            {"text": s.text, "facts": list(s.facts), "hypothesis": s.hypothesis, "by_model": s.by_model}
            for s in narration.sentences
        ],
        "outcome": narration.outcome.value,
        "model": narration.model,
        "digest": narration.digest,
        "figures": narration.figures,
        "verified": narration.verified,
        "refused": narration.refused,
        "reasons": dict(narration.reasons),
    }


def restored(kept: Mapping[str, Any] | None) -> Narration | None:
    """Back from how it was kept.

    >>> said = Narration((Sentence("All is well.", ("f1",)),), Outcome.OFF, figures=1)
    >>> restored(stored(said)) == said, restored(None)
    (True, None)
    """
    if kept is None:
        return None
    return Narration(
        tuple(
            Sentence(s["text"], tuple(s["facts"]), s["hypothesis"], s["by_model"]) for s in kept["sentences"]
        ),
        Outcome(kept["outcome"]),
        kept["model"],
        kept["digest"],
        kept["figures"],
        kept["verified"],
        kept["refused"],
        tuple(sorted(kept["reasons"].items())),
    )
