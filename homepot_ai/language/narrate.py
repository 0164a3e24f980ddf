"""A book as sentences: a model's verified claims, or the template's."""

from __future__ import annotations

from dataclasses import dataclass

from homepot_ai.language.facts import Book
from homepot_ai.language.model import Model, Outcome


@dataclass(frozen=True)
class Sentence:
    """A sentence as it stands on the page.

    Attributes:
        facts: aliases of the facts it mentions; hypothesis: it was put with 'may'.
        by_model: a model worded it.
    """

    text: str
    facts: tuple[str, ...]
    hypothesis: bool = False
    by_model: bool = False


@dataclass(frozen=True)
class Narration:
    """What a passage says, and how that came about.

    Attributes:
        figures: values put in by code; verified: claims that passed; refused: claims that were dropped,
            reasons: counted by name of the rule that refused.
        outcome: of the call; `note` says it in one clause where the template stepped in.
    """

    sentences: tuple[Sentence, ...]
    outcome: Outcome
    model: str = ""
    digest: str = ""
    figures: int = 0
    verified: int = 0
    refused: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    note: str = ""

    @property
    def by_model(self) -> bool:
        """Whether a model worded it."""
        return any(sentence.by_model for sentence in self.sentences)


def narrate(
    book: Book, model: Model, *, deadline_s: float, wait_s: float, name: str | None = None
) -> Narration:
    """Say what a book holds.

    Args:
        deadline_s: seconds after which the template speaks; wait_s: of them, for the model's slot.
        name: the model wanted; None: the configured one.
    """
    raise NotImplementedError("CLAIM builds this")
