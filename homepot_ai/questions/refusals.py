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
    r"(?:(?:please|pls|bitte|kindly|now|just|ok|okay|hey|hi|hello|hallo|and|und|then|dann|go and|can you|could you|"
    r"would you|will you|you (?:must|should|have to|need to)|i (?:want|need) you to|kannst du|koenntest du|"
    r"wuerdest du|kann man|du (?:musst|sollst)|sofort|immediately|i want to|i would like to|let us|lets|"
    r"homepot(?:-ai)?|computer|quickly|schnell|mal|jetzt)[ ,:]+)*"
)
_HOSTILE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|vergiss|ignoriere)\b.*\b(?:instruction|rule|prompt|previous|above|anweisung"
    r"|regel|everything|alles)|system ?prompt|you are now|\bjailbreak|developer mode|\bpretend\b|\bact as\b|roleplay"
    r"|\breveal\b|\bpasswor[dt]s?\b|\bkennwort|\bsecrets?\b|\btokens?\b|api.?keys?\b|credentials?|private keys?|zugangsdaten"
    r"|environment variables?|umgebungsvariablen|/etc/|\brm -|\bsudo\b|\bchmod\b|\bcurl\b|\bwget\b|powershell|/bin/"
    r"|drop (?:table|schema|database)|delete from|insert into|\bunion (?:all )?select|select .{1,60}\bfrom\b.*(?:_|\*|;|where)"
    r"|select \*|information_schema|pg_(?:shadow|user|sleep|catalog|read)|;\s*(?:drop|delete|update|insert|select|alter)|--\s*$"
    r"|\bor\s+'?1'?\s*=\s*'?1|xp_cmdshell|<\s*/?\s*(?:script|img|iframe|svg)|javascript:|onerror\s*=|\$\{|\{\{|\}\}|<%|`.+`"
    r"|\bother (?:sites|customers|users|tenants)['’ ]|\bexfiltrat|\bhack\b|\bexploit\b|base64|all (?:users|customers) data"
)
_OTHERS = frozenset(
    ["como", "cómo", "esta", "está", "estan", "están", "qué", "que", "cual", "cuál", "donde", "dónde", "hay", "cuántos", "cuantos", "cuántas", "los", "las", "por", "para", "favor", "caja", "comment", "quel", "quelle", "quels", "quelles", "où", "combien", "pourquoi", "est", "les", "une", "dans", "avec", "caisse", "votre", "sont", "état", "quanti", "quale", "quali", "perché", "dove", "stato", "della", "delle", "sono", "cassa", "hoe", "gaat", "het", "waarom", "welke", "hoeveel", "zijn", "van", "naar", "kassa", "jak", "się", "jest", "gdzie", "dlaczego", "hur", "mår", "vilka", "varför", "hvordan", "går", "nasıl", "durum", "quantos", "quais", "onde", "estado", "são", "uma", "você"]
)  # fmt: skip


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
    if _HOSTILE.search(lowered):
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
    others = sum(word in _OTHERS for word in words)
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
