"""Of whom each clause speaks, and whether the values in it are theirs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from homepot_ai.language.facts import Book, Fact
from homepot_ai.language.reading import Clause, Read, Refused
from homepot_ai.language.words import Words


@dataclass(frozen=True)
class Owned:
    """Of whom a clause speaks: `subjects` in order, without places; empty: of the passage as a whole.

    Attributes:
        compared: its two subjects stand on both sides of a comparison.
    """

    subjects: tuple[str, ...]
    compared: bool = False


def settle(found: Read, book: Book, words: Words) -> list[Owned]:
    """Of whom each clause speaks.

    Raises:
        Refused: `subject`: a value or name stands where it does not belong.
    """
    _every_subject_has_a_fact(found, book)
    _pronouns(found, book, words)
    owned = [_own(clause, found, book, words) for clause in found.clauses]
    settled = [_inherited(place, owned, found) for place in range(len(owned))]
    for clause, who in zip(found.clauses, settled, strict=True):
        for place, fact in clause.facts:
            if not fact.other and not _belongs(place, fact, clause, who, found, book):
                raise Refused("subject")
    if not found.subjects:
        _nobody_named(found, book)
    return settled


def whole(alias: str, book: Book) -> bool:
    """Whether an alias stands for everything: no subject, or the fleet."""
    subject = book.subject(alias)
    return not alias or (subject is not None and subject.kind == "fleet")


def same(first: str, second: str, book: Book) -> bool:
    """Whether two aliases are the same subject."""
    return first == second or (whole(first, book) and whole(second, book))


def _every_subject_has_a_fact(found: Read, book: Book) -> None:
    owning = {fact.subject for fact in found.facts} | {fact.other for fact in found.facts}
    for alias in found.subjects:
        if alias in owning or (whole(alias, book) and "" in owning):
            continue
        placed = any(
            book.about.get(other) == alias or book.about.get(alias) == other
            for other in [*found.subjects, *owning]
            if other
        )
        named = any(names(fact, alias, book) for fact in found.facts)
        if not placed and not named:
            raise Refused("subject")


def names(fact: Fact, alias: str, book: Book) -> bool:
    """Whether a fact's value is this subject (who acknowledged, which device was hit)."""
    subject = book.subject(alias)
    return subject is not None and fact.kind in {"state", "cause"} and fact.value in {subject.name, alias}


def _pronouns(found: Read, book: Book, words: Words) -> None:
    """It and its are the one subject named before them in their clause, or the only one of the claim."""
    real = [alias for alias in found.subjects if not _place_only(alias, found, book)]
    for clause in found.clauses:
        for place, token in enumerate(clause.tokens):
            if token.kind != "word" or token.text not in words.sets["pronoun"]:
                continue
            near = {t.text for t in clause.tokens[:place] if t.kind == "subject"}
            if len(near) != 1 and len(real) > 1:
                raise Refused("pronoun")


def _place_only(alias: str, found: Read, book: Book) -> bool:
    return any(book.about.get(other) == alias for other in found.subjects) and not any(
        fact.subject == alias for fact in found.facts
    )


def _own(clause: Clause, found: Read, book: Book, words: Words) -> Owned:
    places = {
        alias
        for alias in clause.subjects
        if any(book.about.get(other) == alias for other in clause.subjects)
        or (_place_only(alias, found, book) and len(found.subjects) > 1)
    }
    subjects = tuple(dict.fromkeys(alias for alias in clause.subjects if alias not in places))
    return Owned(subjects, any(word in words.sets["than"] for word in clause.words) and len(subjects) > 1)


def _inherited(place: int, owned: list[Owned], found: Read) -> Owned:
    """A clause without a subject speaks of the one before it, the first ones of the one behind."""
    if owned[place].subjects:
        return owned[place]
    for before in range(place - 1, -1, -1):
        if owned[before].subjects:
            # Behind a comparison it is the first that goes on.
            first = owned[before].subjects[:1] if owned[before].compared else owned[before].subjects
            return Owned(first)
    for behind in range(place + 1, len(owned)):
        if owned[behind].subjects and not any(clause.ends_sentence for clause in found.clauses[place:behind]):
            return Owned(owned[behind].subjects[:1])
    return Owned(())


def _belongs(place: int, fact: Fact, clause: Clause, who: Owned, found: Read, book: Book) -> bool:
    """The nearest subject before a value, or else behind it, must be the one that it is about."""
    if not who.subjects:
        # Nobody is named in this clause: what is of the whole, or of the only one there is.
        return whole(fact.subject, book) or not found.subjects
    near = [
        (at, token.text)
        for at, token in enumerate(clause.tokens)
        if token.kind == "subject" and token.text in who.subjects
    ]
    if not near:
        return len(who.subjects) == 1 and same(fact.subject, who.subjects[0], book)
    before = [alias for at, alias in near if at < place]
    if before and _grouped(clause, near):
        return len(who.subjects) == 1 and same(fact.subject, who.subjects[0], book)
    return same(fact.subject, before[-1] if before else near[0][1], book)


def _grouped(clause: Clause, near: list[tuple[int, str]]) -> bool:
    return any(
        second - first == 2 and clause.tokens[first + 1].text in {"and", "und", ","}
        for (first, _), (second, _) in pairwise(near)
    )


def _nobody_named(found: Read, book: Book) -> None:
    """Without a name a reader takes the whole, the only subject, or what the passage is mainly about.

    The last is an incident, and only where nobody else has a fact of that metric.
    """
    about = {fact.subject for fact in found.facts}
    if all(whole(alias, book) for alias in about):
        return
    if len(about) > 1:
        raise Refused("subject")
    owners = {fact.subject for fact in book.facts}
    places = {book.about[alias] for alias in owners if alias in book.about}
    named = {subject.alias for subject in book.subjects if subject.kind not in {"fleet", "person"}}
    if owners | named <= about | places:
        return
    main = book.subjects[0] if book.subjects else None
    if main is None or main.kind != "incident":
        raise Refused("subject")
    rivals = {fact.metric for fact in book.facts if fact.subject != main.alias}
    if about != {main.alias} or any(fact.metric in rivals for fact in found.facts):
        raise Refused("subject")
