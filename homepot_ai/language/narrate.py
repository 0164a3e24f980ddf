"""A book as sentences: a model's verified claims, or the template's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from homepot_ai.language import metrics
from homepot_ai.language.claims import ClaimsReply
from homepot_ai.language.facts import Book, Claim
from homepot_ai.language.model import Model, Outcome
from homepot_ai.language.prompts import prompt
from homepot_ai.language.render import placeholders, render
from homepot_ai.language.verify import judge
from homepot_ai.language.words import words_of

#: What a small model does on a machine without a graphics card, and what JSON costs around a sentence.
TOKENS_A_SECOND, CHARACTERS_A_TOKEN, AROUND_A_CLAIM = 40.0, 4.0, 14
#: Until the first token comes.
READING_S = 0.45


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
    """Say what a book holds: in a model's words where they pass every check, else in the template's.

    Args:
        deadline_s: seconds after which the template speaks; wait_s: of them, for the model's slot.
        name: the model wanted; None: the configured one.

    Returns:
        Always sentences that say all that the template says. What the model left out is added in the
        template's words; where most of its claims were refused, the template speaks alone.

    Raises:
        LanguageError: the book or the language's files are wrong. Whatever the model does raises nothing.

    >>> from homepot_ai.language.booking import Builder
    >>> from homepot_ai.language.model import NoModel
    >>> b = Builder("answer.status"); d = b.device("Till 3"); f = b.value(d, "health score", 0.6, "0.60")
    >>> b.say("The health score of {d} is {f}.", d=d, f=f)
    >>> said = narrate(b.book(), NoModel(), deadline_s=1.0, wait_s=0.0)
    >>> said.sentences[0].text, said.by_model, said.figures, said.note
    ('The health score of Till 3 is 0.60.', False, 1, 'no language model is configured')
    """
    asked = prompt(_lead(book, deadline_s))
    call = model.ask(asked, ClaimsReply, deadline_s=deadline_s, wait_s=wait_s, model=name)
    if call.reply is None or call.outcome not in {Outcome.OK, Outcome.CACHED}:
        return _template(book, call.outcome, note=words_of(book.language).notes.get(call.outcome.value, ""))
    told = worded(book, [reply.claim() for reply in call.reply.claims])
    model.verdicts(call.record, verified=told.verified, refused=told.refused, reasons=dict(told.reasons))
    return replace(told, outcome=call.outcome, model=call.model, digest=call.digest)


def _lead(book: Book, deadline_s: float) -> Book:
    """As much of a book, from its beginning, as a model here can word in time; one sentence at least.

    What is left out the template says, as it says all else that a model does not.
    """
    room = (deadline_s - READING_S) * TOKENS_A_SECOND * CHARACTERS_A_TOKEN
    kept = 0
    for claim in book.template:
        room -= len(claim.text) + AROUND_A_CLAIM
        if kept and room < 0:
            break
        kept += 1
    if kept == len(book.template):
        return book
    template = book.template[:kept]
    shown = {alias for claim in template for alias in (*placeholders(claim.text), *claim.fact_ids)}
    facts = tuple(fact for fact in book.facts if fact.id in shown)
    about = shown | {fact.subject for fact in facts} | {fact.other for fact in facts}
    subjects = tuple(subject for subject in book.subjects if subject.alias in about)
    return replace(book, template=template, facts=facts, subjects=subjects, at_most=kept)


def worded(book: Book, claims: Sequence[Claim]) -> Narration:
    """A model's claims as a passage: verified, the rest dropped, what is missing said by the template. Pure.

    >>> from homepot_ai.language.booking import Builder
    >>> b = Builder("x"); d = b.device("Till 3"); f = b.value(d, "health score", 0.6, "0.60")
    >>> b.say("Health score of {d}: {f}.", d=d, f=f)
    >>> true = Claim("{D1} has a health score of {f1}.", ("f1",))
    >>> told = worded(b.book(), [true, Claim("All is well.", ())])
    >>> [sentence.text for sentence in told.sentences], told.verified, told.refused, told.reasons
    (['Till 3 has a health score of 0.60.'], 1, 1, (('no fact', 1),))
    """
    verdicts = judge(claims, book)
    passed = [verdict.claim for verdict in verdicts if verdict.passed]
    reasons = Counter(verdict.reason for verdict in verdicts if not verdict.passed)
    counts = {
        "verified": len(passed),
        "refused": len(verdicts) - len(passed),
        "reasons": tuple(sorted(reasons.items())),
    }
    kept = passed[: book.at_most]
    missing = [place for place, claim in enumerate(book.template) if not _said(claim, kept, book)]
    if len(passed) * 2 < len(verdicts) or len(missing) == len(book.template):
        note = words_of(book.language).notes["checked"]
        return replace(_template(book, Outcome.OK, note=note), **counts)  # type: ignore[arg-type]
    # A headline that the model left out still comes first.
    first = [place for at, place in enumerate(missing) if at == place]
    parts = [
        *(_sentence(book.template[place], book, False) for place in first),
        *(_sentence(claim, book, True) for claim in kept),
        *(_sentence(book.template[place], book, False) for place in missing if place not in first),
    ]
    return Narration(tuple(parts), Outcome.OK, figures=_figures(parts), **counts)  # type: ignore[arg-type]


def _template(book: Book, outcome: Outcome, *, note: str) -> Narration:
    parts = tuple(_sentence(claim, book, False) for claim in book.template)
    return Narration(parts, outcome, figures=_figures(parts), note=note)


def _sentence(claim: Claim, book: Book, by_model: bool) -> Sentence:
    shown = tuple(dict.fromkeys(alias for alias in placeholders(claim.text) if book.fact(alias)))
    return Sentence(render(claim, book), shown, claim.stance == "hypothesis", by_model)


def _figures(parts: Sequence[Sentence]) -> int:
    return sum(len(sentence.facts) for sentence in parts)


def _said(template: Claim, kept: Sequence[Claim], book: Book) -> bool:
    """Whether verified claims say all that a template sentence shows, and rest on all that it rests on.

    A sentence that shows no fact has nothing that could be recognised: it is always said.
    """
    if any(claim.text.strip().rstrip(".") == template.text.strip().rstrip(".") for claim in kept):
        return True
    facts = [claim for claim in kept if claim.stance == "fact"]
    shown = {alias for claim in facts for alias in placeholders(claim.text)}
    shown |= {alias for claim in facts for alias in claim.fact_ids if _in_words(alias, claim, book)}
    cited = shown | {alias for claim in facts for alias in claim.fact_ids}
    wanted = set(placeholders(template.text))
    return bool(wanted) and wanted <= shown and set(template.fact_ids) <= cited


def _in_words(alias: str, claim: Claim, book: Book) -> bool:
    """Whether a state, or that there is none or all of something, is said without its placeholder."""
    fact, words = book.fact(alias), words_of(book.language)
    if fact is None or not (fact.kind == "state" or fact.universal):
        return False
    named = words.stems(fact.metric) if fact.kind == "state" else frozenset()
    telling = metrics.own(fact, words) - metrics.generics(words) - named
    return bool(telling & words.stems(claim.text))
