"""What is no question to this program: empty, too long, another language, a command, an attack, elsewhere."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from homepot_ai.questions.lexicon import fold, lexicon

Refusal = Literal["empty", "long", "language", "command", "hostile", "elsewhere"]
LONGEST = 2000
_POLITE = (
    r"(?:(?:please|pls|bitte|kindly|now|just|ok|okay|hey|hi|hello|hallo|and|und|then|dann|go and|can you|"
    r"could you|"
    r"would you|will you|you (?:must|should|have to|need to)|i (?:want|need) you to|kannst du|koenntest du|"
    r"wuerdest du|kann man|du (?:musst|sollst)|sofort|immediately|i want to|i would like to|let us|lets|"
    r"homepot(?:-ai)?|computer|quickly|schnell|mal|jetzt)[ ,:]+)*"
)


def refused(text: str) -> Refusal | None:
    """Why a text is no question to this program, or None.

    >>> refused("restart till 3"), refused("¿Cómo está la caja 3?"), refused("how is till 3")
    ('command', 'language', None)
    """
    if not any(character.isalnum() for character in text):
        return None if text.strip() == "?" else "empty"
    if len(text) > LONGEST:
        return "long"
    lowered = unicodedata.normalize("NFKC", text).casefold()
    if re.search(lexicon().hostile, lowered):
        return "hostile"
    if _foreign(lowered):
        return "language"
    folded = " ".join(fold(text).split())
    commands, elsewhere = _patterns()
    if commands.match(folded):
        return "command"
    if elsewhere.search(folded):
        return "elsewhere"
    return None


def _foreign(lowered: str) -> bool:
    """Written in another script, or with more words of other languages than of ours."""
    letters = [character for character in lowered if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    if letters and latin < len(letters) / 2:
        return True
    words = re.findall(r"[^\W\d_]+", lowered)
    others = sum(word in lexicon().other_languages for word in words)
    ours = sum(fold(word) in _ours() for word in words)
    return others > 0 and others >= ours


@lru_cache(maxsize=1)
def _ours() -> frozenset[str]:
    return frozenset(
        [
            "the",
            "is",
            "are",
            "was",
            "what",
            "which",
            "how",
            "who",
            "why",
            "when",
            "where",
            "of",
            "at",
            "for",
            "and",
            "do",
            "does",
            "did",
            "has",
            "have",
            "any",
            "my",
            "me",
            "show",
            "list",
            "tell",
            "there",
            "been",
            "with",
            "on",
            "to",
            "it",
            "this",
            "will",
            "can",
            "be",
            "not",
            "der",
            "die",
            "das",
            "ist",
            "sind",
            "welche",
            "welcher",
            "welches",
            "wie",
            "wer",
            "warum",
            "wann",
            "wo",
            "von",
            "in",
            "fuer",
            "und",
            "hat",
            "haben",
            "gibt",
            "mir",
            "zeige",
            "liste",
            "den",
            "dem",
            "seit",
            "mit",
            "auf",
            "zu",
            "wird",
            "werden",
            "bei",
            "geht",
            "gab",
            "wurde",
        ]
    )


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = lexicon()
    return (
        re.compile(rf"{_POLITE}(?:{words.commands})\b(?! incidents\b| (?:to|first)\b)"),
        re.compile(rf"(?<![\w-])(?:{words.elsewhere})(?![\w-])"),
    )
