"""What a text asks: an intent of the catalogue and the words for its slots.

    text ─► refused? ─► mentions (a follow-up's subject is put in) ─► rules ─► nearest example ─► a model
         ─► slots: of what is mentioned, what the intent takes

Nothing is looked up here: slots are words of the question, or of the question that it follows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from homepot_ai.language.facts import Language
from homepot_ai.questions import nearest, refusals, rules
from homepot_ai.questions.catalogue import Intent, intents
from homepot_ai.questions.lexicon import fold, lexicon
from homepot_ai.questions.mentions import Mention, Names, Reading, language_of, read
from homepot_ai.questions.nearest import Near
from homepot_ai.questions.types import SlotName, Understood

#: Asked for what neither rules nor examples can place: the text and the intents that came close give an
#: intent and slots, or None.
Placer = Callable[[str, Sequence[str]], tuple[str, Mapping[str, str]] | None]
#: A rule that fits everything needs words that are all known: these say little themselves.
_GENERIC = frozenset({"device_status", "site_status", "fleet_status", "type_status"})
_ELLIPSIS = re.compile(
    r"^(?:and|und|what about|how about|was ist mit|wie ist es mit|wie siehts? .*aus mit|same|also|auch|or"
    r"|oder|now|then|dann|dasselbe|das gleiche|ok and|so)\b"
)
_IT = re.compile(
    r"\b(?:its|it|that one|this one"
    r"|(?:this|that|the same|said) (?:device|machine|one|incident|site|store|problem)"
    r"|him|her|them|they|their|ihn|ihm|ihr|dessen|davon|damit|dabei|dafuer|es|er"
    r"|(?:dem|das|dieses|diesem|der|diese[rmn]?|den) (?:geraet|vorfall|standort|stoerung|filiale))\b"
)
_THERE = re.compile(
    r"(?<!is )(?<!are )(?<!was )(?<!were )\bthere\b(?! (?:is|are|was|were|any))|\bdort\b|\bda\b"
)
_SUBJECTS: tuple[SlotName, ...] = ("incident", "device", "site")
#: Mentions that are told where an answer cannot take them into account; without which it is about something
#: else; and all that a model's guess must have a slot for.
_TOLD = frozenset(
    {"when", "since", "ahead", "device", "site", "name", "metric", "severity", "category", "person"}
)
_NAMING = frozenset({"device", "site", "name", "incident", "person"})
_EVERY = _TOLD | _NAMING | {"type"}
#: Letters by which words of one stem are known; of so many intents at most is a word that tells one.
_ONLY = re.compile(r"\b(?:critical|kritisch\w*)\b")
_STEM, _SHARED = 6, 9
_SUBJECT_KINDS = frozenset({"device", "site", "name", "type", "incident"})


@dataclass(frozen=True)
class Parsed:
    """A text as it was understood, and what that rests on.

    Attributes:
        refusal: why it is no question of ours.
        unused: words of times and names that the intent cannot take into account.
        unplaced: of these, what the question is about: without it, something else would be answered.
    """

    understood: Understood
    reading: Reading
    refusal: refusals.Refusal | None = None
    unused: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()


def understand(
    text: str,
    *,
    names: Names | None = None,
    after: Understood | None = None,
    near: Near | None = None,
    placer: Placer | None = None,
    language: Language = "en",
) -> Understood:
    """What a text asks.

    Args:
        names: real ones that the asker may know; without, names are found by their form.
        after: what was understood of the question before: `it` and `there` refer to it.
        near: compares with examples; None: by letters.
        placer: a model; asked last.
        language: of a text that does not tell.

    >>> found = understand("How is Till 3 at Berlin doing?")
    >>> found.intent, dict(found.slots)
    ('device_status', {'device': 'Till 3', 'site': 'Berlin'})
    >>> sorted(understand("and what changed there since yesterday?", after=found).slots.items())
    [('device', 'Till 3'), ('since', 'yesterday'), ('site', 'Berlin')]
    >>> understand("what is the weather like").intent is None
    True
    """
    return parse(text, names=names, after=after, near=near, placer=placer, language=language).understood


def parse(
    text: str,
    *,
    names: Names | None = None,
    after: Understood | None = None,
    near: Near | None = None,
    placer: Placer | None = None,
    language: Language = "en",
) -> Parsed:
    """As `understand`, with what it rests on."""
    refusal = refusals.refused(text)
    if refusal == "elsewhere" and names is not None and names.said_in(text):
        refusal = None  # a device may be called Coffee machine
    if refusal is not None:
        nobody = Understood(None, {}, "none", 0.0, language)
        return Parsed(nobody, Reading(text[:200], "", (), ()), refusal)
    reading = read(text, names)
    said_in = language_of(fold(text)) or language
    spoken: Language = "de" if said_in == "de" else "en"
    found = _follow(reading, after, near) if after is not None and after.intent else None
    if found is None:
        found = _place(reading, near)
    if found.intent is None and placer is not None and (placed := placer(text, found.nearest)) is not None:
        slots = {name: words for name, words in placed[1].items() if fold(words) in fold(text)}
        guess = Understood(placed[0], slots, "model", 0.7, nearest=found.nearest)
        if _borne_out(reading, guess):
            found = guess
    found = replace(found, language=spoken)
    refusal = None if found.intent else "elsewhere"
    return Parsed(found, reading, refusal, _unused(reading, found), _unused(reading, found, _NAMING))


def _borne_out(reading: Reading, guess: Understood) -> bool:
    """Whether a model's guess fits: all that the text mentions has a slot, and a word of it tells that."""
    assert guess.intent is not None
    if _lacks_slots(guess) or _unused(reading, guess, _EVERY):
        return False
    said = {word[:_STEM] for word in re.findall(r"(?<![<\w])[a-z]{3,}(?![>\w])", reading.masked)}
    said |= {
        word[:_STEM] for mention in reading.mentions if mention.kind in ("metric", "category")
        for word in fold(mention.words).split()
    }  # fmt: skip
    return bool(said & _telling()[guess.intent])


def _lacks_slots(found: Understood) -> bool:
    assert found.intent is not None
    return bool(intents()[found.intent].missing(found.slots))


@lru_cache(maxsize=1)
def _telling() -> Mapping[str, frozenset[str]]:
    """Beginnings of the words by which an intent's questions are known: those that few others have."""
    words: dict[str, set[str]] = {}
    for key, intent in intents().items():
        texts = [*intent.title.values(), *(one for listed in intent.examples.values() for one in listed)]
        texts = [re.sub(r"\{\w+\}", " ", fold(one)) for one in texts]
        texts += [
            re.sub(r"<\w+>|\\[bwsd]", " ", rule.pattern.pattern)
            for rule in rules.rules()
            if rule.intent == key
        ]
        words[key] = {word[:_STEM] for one in texts for word in re.findall(r"[a-z]{3,}", one)}
    often = Counter(word for listed in words.values() for word in listed)
    small = {word[:_STEM] for word in lexicon().says_little}
    return {
        key: frozenset(word for word in listed if often[word] <= _SHARED and word not in small)
        for key, listed in words.items()
    }


def _place(reading: Reading, near: Near | None) -> Understood:
    """By a rule, else by the nearest example."""
    placed = rules.place(reading)
    if placed is not None and (placed not in _GENERIC or _plain(reading)):
        return _understood(reading, placed, "rule", 0.95 if not reading.unknown else 0.8)
    ranked = (near or nearest.by_letters)(reading)
    close = tuple(dict.fromkeys(key for key, _ in ranked))[:4]
    if ranked:
        key, likeness = ranked[0]
        sure = nearest.sure(ranked)
        # Beside other words than a status has, only what is nearly an example asks for one.
        least = 0.4 if placed not in _GENERIC else 0.75
        if placed is not None and key == placed and len(reading.unknown) <= 1 and likeness >= least:
            return replace(_understood(reading, placed, "rule", 0.7), nearest=close)
        told = key not in _GENERIC or _plain(reading)
        if sure and told and not reading.unknown and _answerable(reading, key):
            return replace(_understood(reading, key, "example", likeness), nearest=close)
    return Understood(None, {}, "none", 0.0, nearest=close)


def _plain(reading: Reading) -> bool:
    """Whether a question for a mere status says nothing else."""
    said = re.findall(r"(?<![<\w])[a-z]+(?![>\w])", reading.masked)
    return all(word in lexicon().plain for word in said)


def _answerable(reading: Reading, key: str) -> bool:
    return not intents()[key].missing(slots_of(reading, intents()[key]))


def _understood(reading: Reading, key: str, how: str, confidence: float) -> Understood:
    return Understood(key, slots_of(reading, intents()[key]), how, confidence)  # type: ignore[arg-type]


def _follow(reading: Reading, after: Understood, near: Near | None) -> Understood | None:
    """A question that leans on the one before it; None: it stands for itself."""
    assert after.intent is not None
    if after.slots.get("incident"):
        reading = _numbered(reading)
    own = {mention.kind for mention in reading.mentions}
    subject = next((name for name in _SUBJECTS if after.slots.get(name)), None)
    masked = reading.masked
    ellipsis = _ELLIPSIS.match(masked) is not None
    it, there = _IT.search(masked), _THERE.search(masked)
    bare = not own & _SUBJECT_KINDS
    leaned = reading
    if bare and there and after.slots.get("site"):
        placed = rules.place(at_site := _with(reading, "site", after.slots["site"], there))
        if placed is not None and placed not in _GENERIC and not _lacks(at_site, placed):
            found = _understood(at_site, placed, "follow-up", 0.85)
            if "device" not in found.slots:
                return _carried(found, after)
    if subject and bare and (it or there or ellipsis):
        leaned = _with(reading, subject, after.slots[subject], it or there)
    placed = rules.place(leaned)
    if subject and bare and placed is not None and (it or there or ellipsis):
        found = _understood(leaned, placed, "follow-up", 0.85)
        # A bare name or time matches `how is it` rules: then the question before is meant.
        meant = placed not in _GENERIC or not ellipsis or re.search(r"\b(?:how|status|wie)\b", masked)
        if meant and not intents()[placed].missing(found.slots):
            return _carried(found, after)
    if (subject and bare and placed is None) or (placed and subject and _lacks(leaned, placed)):
        appended = _with(reading, subject, after.slots[subject], None) if subject else reading
        again = placed if placed is not None and not _lacks(appended, placed) else rules.place(appended)
        if again is not None and bare and again not in _GENERIC:
            return _carried(_understood(appended, again, "follow-up", 0.8), after)
    if ellipsis or (own and not re.sub(r"<\w+>|[^a-z]|\b(?:for|at|in|on|of|the|von|fuer|bei)\b", "", masked)):
        slots = {**slots_of(reading, intents()[after.intent])}
        if placed is not None and placed not in _GENERIC and not _same_family(placed, after.intent):
            return None
        kept = {name: words for name, words in after.slots.items() if name not in _overridden(slots)}
        return Understood(after.intent, {**kept, **slots}, "follow-up", 0.8)
    return None


def _numbered(reading: Reading) -> Reading:
    """After a question for an incident, a number alone is another one's."""
    if len(reading.of("number")) != 1 or any(mention.kind in _SUBJECT_KINDS for mention in reading.mentions):
        return reading
    mentions = tuple(
        replace(mention, kind="incident") if mention.kind == "number" else mention
        for mention in reading.mentions
    )
    return replace(reading, masked=reading.masked.replace("<number>", "<incident>"), mentions=mentions)


def _same_family(one: str, other: str) -> bool:
    return one == other or one.partition("_")[0] == other.partition("_")[0]


def _lacks(reading: Reading, key: str) -> bool:
    return bool(intents()[key].missing(slots_of(reading, intents()[key])))


def _overridden(slots: Mapping[str, str]) -> set[str]:
    """What of the question before no longer holds."""
    gone = set(slots)
    if "device" in slots:
        gone |= {"site", "incident", "type"}
    if slots.keys() & {"period", "since"}:
        gone |= {"period", "since"}
    return gone


def _carried(found: Understood, after: Understood) -> Understood:
    """With the site that the device was said to be at."""
    assert found.intent is not None
    slots = dict(found.slots)
    if "device" in after.slots and slots.get("device", after.slots["device"]) == after.slots["device"]:
        for name in ("device", "site"):
            if name in intents()[found.intent].slots and name in after.slots:
                slots.setdefault(name, after.slots[name])
    return replace(found, slots=slots)


def _with(reading: Reading, subject: str, words: str, where: re.Match[str] | None) -> Reading:
    """The subject of the question before, put where the pronoun stood, or at the end."""
    mention = Mention(subject, words, -1, -1)
    if where is None:
        masked = re.sub(r"[ ?.!]+$", "", reading.masked) + f" <{subject}> ?"
    else:
        masked = f"{reading.masked[: where.start()]}<{subject}>{reading.masked[where.end() :]}"
    return replace(reading, masked=masked, mentions=(*reading.mentions, mention))


def slots_of(reading: Reading, intent: Intent) -> dict[str, str]:
    """Of what a text mentions, the words for the slots that an intent takes."""
    takes = set(intent.slots)
    slots: dict[str, str] = {}

    def first(kind: str) -> str | None:
        return next((mention.words for mention in reading.of(kind)), None)

    def fill(slot: SlotName, *kinds: str) -> None:
        if slot in takes and slot not in slots:
            words = next((said for kind in kinds if (said := first(kind))), None)
            if words:
                slots[slot] = words

    fill("metric", "metric")
    fill("since", "since")
    fill("period", "when", "ahead")
    fill("horizon", "ahead", "when")
    if "period" in takes and "since" not in takes and "period" not in slots and (said := reading.of("since")):
        slots["period"] = f"since {said[0].words}"
    fill("device", "device", "name")
    if "device" in takes and "device" not in slots and "type" not in takes:
        needed = any("device" in group for group in intent.needs)
        # A site's name may be a device's, where a device is asked for and nothing else fits.
        alone = intent.key in ("device_status", "why_unhealthy")
        fill("device", *(("type", "site") if needed and alone else ("type",)))
    sites = [mention.words for mention in reading.of("site") if mention.words != slots.get("device")]
    if "device" not in takes:
        sites += [mention.words for mention in reading.of("name")]
    if "site" in takes and sites:
        slots["site"] = sites[0]
    if "other_site" in takes and len(sites) > 1:
        slots["other_site"] = sites[1]
    fill("type", "type")
    fill("incident", "incident")
    if "incident" in slots:
        slots["incident"] = slots["incident"].lstrip("#")
    elif "incident" in takes and "device" not in slots:
        fill("incident", "number")
    fill("n", "n", "number")
    fill("severity", "severity")
    fill("category", "category")
    if "category" in takes and "metric" not in takes and "category" not in slots:
        said_metric = first("metric")
        if said_metric and re.fullmatch(lexicon().categories, fold(said_metric)):
            slots["category"] = said_metric
    fill("person", "person")
    return slots


def implied_metric(text: str) -> str | None:
    """The metric that an adjective stands for: `how hot` is about temperature.

    >>> implied_metric("how hot is till 3"), implied_metric("how is till 3")
    ('temperature', None)
    """
    folded = fold(text)
    for metric, words in lexicon().implied.items():
        if re.search(rf"\b(?:{words})\b", folded):
            return metric
    return None


def _unused(reading: Reading, found: Understood, kinds: frozenset[str] | None = None) -> tuple[str, ...]:
    """What was said (by default times and names) that the answer cannot take into account."""
    if found.intent is None:
        return ()
    used = {fold(words) for words in found.slots.values()}
    said = tuple(
        mention.words
        for mention in reading.mentions
        if mention.kind in (kinds or _TOLD) and not any(fold(mention.words) in words for words in used)
    )
    # Those with a warning are listed, too: their status stands beside them.
    only = _ONLY.search(reading.masked) if found.intent == "worst_devices" and kinds is None else None
    return (*said, only[0]) if only else said
