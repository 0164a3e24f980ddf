"""A claim as a sentence: values and names are put in here and nowhere else."""

from __future__ import annotations

import re

from homepot_ai.errors import LanguageError
from homepot_ai.language.facts import Book, Claim

PLACEHOLDER = re.compile(r"\{([A-Za-z]\d{1,3})\}")
_BRACED = re.compile(r"\{([^{}]*)\}")
#: In front of a supposition that does not say itself that it is one.
_SUPPOSED = {"en": "It may be that ", "de": "Möglicherweise gilt: "}
_HEDGED = {
    "en": re.compile(r"\b(may|might|could|possibly|perhaps|maybe)\b", re.IGNORECASE),
    "de": re.compile(r"\b(könnten?|dürften?|möglicherweise|vielleicht|eventuell)\b", re.IGNORECASE),
}


def placeholders(text: str) -> list[str]:
    """What stands in braces, in order.

    >>> placeholders("{D1} is at {f2}, {D1} rose")
    ['D1', 'f2', 'D1']
    """
    return _BRACED.findall(text)


def render(claim: Claim, book: Book) -> str:
    """A claim with its values and names, as one or more whole sentences.

    Raises:
        LanguageError: it names what is not in the book.

    >>> from homepot_ai.language.booking import Builder
    >>> b = Builder("x"); d = b.device("Till 3"); f = b.value(d, "health", 0.6, "0.60")
    >>> b.say("Health of {d} is {f}.", d=d, f=f)
    >>> book = b.book()
    >>> render(book.template[0], book)
    'Health of Till 3 is 0.60.'
    >>> render(Claim("{D1} is slow because health is {f1}", ("f1",), "hypothesis"), book)
    'It may be that Till 3 is slow because health is 0.60.'
    """
    text = " ".join(claim.text.split())
    if claim.stance == "hypothesis" and not _HEDGED[book.language].search(text):
        word = text.split(" ", 1)[0]
        # A sentence's first word loses its capital unless it is a name, or a German noun (kept as it is).
        lower = book.language == "en" and word[:1].isupper() and word[1:].islower()
        text = _SUPPOSED[book.language] + (text[0].lower() + text[1:] if lower else text)
    shown = {subject.alias: subject.name for subject in book.subjects}
    shown |= {fact.id: fact.shown for fact in book.facts}

    def put(match: re.Match[str]) -> str:
        if match[1] not in shown:
            raise LanguageError(
                f"the passage {book.section!r} says {match[1]!r}, which is neither a fact nor a subject of it"
            )
        return shown[match[1]]

    text = _BRACED.sub(put, text)
    text = text[:1].upper() + text[1:] if claim.text[:1].islower() or claim.stance == "hypothesis" else text
    return text if text.endswith((".", "!", "?", ":", "“", "…")) else text + "."
