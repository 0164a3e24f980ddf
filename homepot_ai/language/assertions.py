"""The rules of assertion: which words a claim may have at all, and the order in which rules are held."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homepot_ai.language import metrics
from homepot_ai.language.causes import causes, transitive
from homepot_ai.language.comparing import directions, pairs, ranks
from homepot_ai.language.facts import Book, Claim
from homepot_ai.language.levels import levels
from homepot_ai.language.owners import Owned
from homepot_ai.language.proofs import negations, universals
from homepot_ai.language.reading import Read, Refused
from homepot_ai.language.scene import TAGS, Scene, fills, kinds, scope
from homepot_ai.language.states import agents, bare, future, identity, orders, states
from homepot_ai.language.times import since, times
from homepot_ai.language.words import Words

#: What a word is refused for in every case, by its set.
_NEVER = {
    "refused_number": "number",
    "refused_quantity": "quantifier",
    "refused_advice": "advice",
    "refused_judgement": "judgement",
    "refused_time": "time",
    "refused_doubt": "hedge",
    "refused_cause": "cause",
}


_REFUSED_JOINED = {"nolonger": "negation", "atleast": "quantifier", "hadto": "judgement"}


_JOINED = frozenset({"because", "asof", "nodata", "notscored", "daybefore", "monthbefore", "weekbefore"})


def check(found: Read, owned: Sequence[Owned], claim: Claim, book: Book, words: Words) -> None:
    """Hold every clause against the rules.

    Raises:
        Refused: with the rule's name.
    """
    scenes = [
        Scene(clause, who, scope(clause, who, found, book, words), found, claim, book, words)
        for clause, who in zip(found.clauses, owned, strict=True)
    ]
    if claim.stance == "hypothesis" and len(found.facts) < 2:
        raise Refused("supposition")
    for scene in scenes:
        known(scene)
        negations(scene)
        universals(scene)
        states(scene)
        directions(scene)
        ranks(scene)
        future(scene)
        agents(scene)
        since(scene)
        transitive(scene)
        identity(scene)
    bare(scenes)
    orders(scenes)
    metrics.check(found, book, words)
    levels(scenes)
    pairs(scenes)
    causes(scenes)
    times(scenes)


def known(scene: Scene) -> None:
    """Every word is neutral, asserts something that a rule looks at, or is a cited fact's own."""
    words = scene.words
    nouns = kinds(scene)
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word":
            continue
        word, stem = token.text, token.stem
        if token.span:
            continue  # held against the periods with the times
        own = {fact.id for fact in scene.told_by(stem, scene.found.facts)}
        for name, reason in _NEVER.items():
            # A metric or period may have such a word in its name; it is then its name.
            if word in words.sets[name] and not (own and name != "refused_number" and _named(word, scene)):
                raise Refused(reason)
        if word in _REFUSED_JOINED:
            raise Refused(_REFUSED_JOINED[word])
        if own or stem in nouns or any(stem in metrics.period(f, words) for f in scene.scope):
            continue
        if fills(place, scene) or _tagged(word, words) or word in words.sets["function"] or word in _JOINED:
            continue
        raise Refused("word")


def _tagged(word: str, words: Words) -> bool:
    return words.among(word, *TAGS)


def _named(word: str, scene: Scene) -> bool:
    """Whether a word is part of a metric's name (not only of a value that others wrote)."""
    return any(
        re.search(rf"\b{re.escape(word)}\b", f"{fact.metric} {fact.period}".lower())
        for fact in scene.found.facts
    )
