"""All, none and not: proved of exactly what is named, or not said."""

from __future__ import annotations

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.reading import Refused
from homepot_ai.language.scene import TAGS, Scene, kinds


def negations(scene: Scene) -> None:
    """A negation needs a fact that proves none of what the clause speaks of, or a change of nothing."""
    words = scene.words
    denying = [w for w in scene.clause.words if words.among(w, "none", "not")]
    if not denying:
        return
    if len(denying) > 1:
        raise Refused("negation")
    if scene.has("change") and any(f.kind == "delta" and f.direction == 0 for f in scene.scope):
        return
    if denying[0] in words.sets["not"]:
        raise Refused("negation")
    if scene.has("ever") or not any(_proves(fact, "none", scene) for fact in scene.scope):
        raise Refused("negation")


def universals(scene: Scene) -> None:
    """All, every, always need a fact that proves it of what the clause speaks of."""
    if not scene.has("all"):
        return
    universal = [word for word in scene.clause.words if scene.words.among(word, "all")]
    proving = [fact for fact in scene.scope if _proves(fact, "all", scene)]
    if scene.has("ever"):
        # Of all the time only a share of it tells.
        proving = [fact for fact in proving if fact.kind == "share"]
    if not proving or len(universal) > 1:
        raise Refused("universal")


def _proves(fact: Fact, what: str, scene: Scene) -> bool:
    """Whether a fact proves all or none, and of exactly what the clause names."""
    none = fact.kind in {"count", "share"} and fact.value == 0
    if fact.universal != what and not (what == "none" and none):
        return False
    own = metrics.own(fact, scene.words)
    named = {
        token.stem
        for token in scene.clause.tokens
        if token.kind == "word" and _content(token.text, token.stem, scene)
    }
    if named - own - kinds(scene):
        return False
    # What qualifies the fact must be said: "no devices" is not "no critical devices".
    needed = metrics.qualifiers(fact, scene.words)
    # "Nothing was closed" does not say nothing of what.
    nouns = own - scene.words.stem_set("state", "qualifier") - metrics.generics(scene.words)
    return bool(named & (nouns or own)) and needed <= named


def _content(word: str, stem: str, scene: Scene) -> bool:
    """A word that names something, or says what it is like."""
    words = scene.words
    if words.among(word, "state", "highest", "lowest", "best", "worst", "up", "down"):
        return True
    if words.among(word, *TAGS) or word in words.sets["function"] or stem in metrics.generics(words):
        return stem in {words.stem(noun) for noun in words.kinds_flat()}
    return True
