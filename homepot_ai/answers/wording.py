"""A book as the words of an answer, and how they were come by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homepot_ai.answers.contracts import Grounded
from homepot_ai.language.narrate import Narration, narrate

if TYPE_CHECKING:
    from homepot_ai.language.facts import Book
    from homepot_ai.language.model import Model
    from homepot_ai.settings import Settings


def word(book: Book, model: Model, settings: Settings, name: str | None = None) -> tuple[str, Grounded]:
    """Say what a book holds, within the time that an answer may take."""
    limits = settings.ollama
    said = narrate(
        book, model, deadline_s=limits.answer_deadline_seconds, wait_s=limits.answer_wait_seconds, name=name
    )
    return " ".join(sentence.text for sentence in said.sentences), grounded(said)


def grounded(said: Narration) -> Grounded:
    """How a narration came about, as an answer tells it."""
    return Grounded(
        figures=said.figures,
        verified=said.verified,
        refused=said.refused,
        worded_by="model" if said.by_model else "template",
        note=said.note,
    )
