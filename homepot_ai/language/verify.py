"""Whether a claim says what its facts say: by rules, refusing what is not proved.

    read ─► every word known ─► whose (subjects) ─► of what (metrics) ─► how (rules of assertion)

Each rule raises :class:`~homepot_ai.language.reading.Refused` with its name. A claim that passes asserts
nothing beyond its facts as far as these rules can see; what they cannot see is in docs/language.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homepot_ai.language import assertions, owners
from homepot_ai.language.facts import Book, Claim
from homepot_ai.language.reading import Refused, read
from homepot_ai.language.words import words_of

Reason = str


@dataclass(frozen=True)
class Verdict:
    """A claim, and the rule that refused it; "" for one that passed."""

    claim: Claim
    reason: Reason

    @property
    def passed(self) -> bool:
        """Whether it may be said."""
        return not self.reason


def refusal(claim: Claim, book: Book) -> Reason:
    """The name of the rule that refuses a claim; "" when all are kept.

    >>> from homepot_ai.language.booking import Builder
    >>> b = Builder("x"); d = b.device("Till 3")
    >>> fell = b.delta(d, "health score", -0.2, "0.20", better_up=True); b.say(f"{d} lost {fell}.")
    >>> refusal(Claim("The health score of {D1} fell by {f1}.", ("f1",)), b.book())
    ''
    >>> refusal(Claim("The health score of {D1} rose by {f1}.", ("f1",)), b.book())
    'direction'
    >>> refusal(Claim("The health score of {D1} fell by 3.", ("f1",)), b.book())
    'number'
    """
    words = words_of(book.language)
    try:
        found = read(claim, book, words)
        owned = owners.settle(found, book, words)
        assertions.check(found, owned, claim, book, words)
    except Refused as error:
        return str(error)
    return ""


def judge(claims: Sequence[Claim], book: Book) -> tuple[Verdict, ...]:
    """A verdict on each claim, in order; one said twice is refused the second time.

    A sentence of the book's own template, given back as it stands, passes: it is ours.
    """
    verdicts: list[Verdict] = []
    ours = {_bare(claim.text) for claim in book.template if claim.stance == "fact"}
    said: set[str] = set()
    for claim in claims:
        bare = _bare(claim.text)
        own = bare in ours and claim.stance == "fact"
        verdicts.append(Verdict(claim, "repeated" if bare in said else "" if own else refusal(claim, book)))
        said.add(bare)
    return tuple(verdicts)


def _bare(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")
