"""The words of questions: nouns of devices, sites and metrics, and every word that is no name.

Data: `templates/questions/words.yaml`. Everything here is folded (:func:`fold`): lower case, umlauts spelled
out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from homepot_ai.errors import QuestionError
from homepot_ai.questions.catalogue import intents
from homepot_ai.settings import project_home

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Lexicon:
    """Patterns (whole words, of folded text) and sets of words.

    Attributes:
        device_nouns, generic, site_nouns, metrics, categories, severities, numbers: patterns without anchors.
        implied: metric by pattern of the adjectives that stand for it.
        elsewhere: topics that are not ours; commands: verbs that want something done;
            plain: words of a question for a mere status; before_name, after_name: what stands around a name;
            before_called, no_part: what may stand before a device that is called by what it is, and what is
            no part of its name; says_little: words that do not tell one question from another;
            english, german: words that tell a text's language;
            hostile: pattern of attacks, of a text that is in lower case only.
        known: every word that is no name; stems: beginnings of such words; spelled: of the known, those that
            a typo may be corrected to.
    """

    device_nouns: str
    generic: str
    site_nouns: str
    before_site: str
    metrics: str
    categories: str
    severities: str
    numbers: str
    implied: Mapping[str, str]
    elsewhere: str
    commands: str
    hostile: str
    other_languages: frozenset[str]
    plain: frozenset[str]
    before_name: frozenset[str]
    after_name: frozenset[str]
    before_called: frozenset[str]
    no_part: frozenset[str]
    says_little: frozenset[str]
    english: frozenset[str]
    german: frozenset[str]
    known: frozenset[str]
    stems: tuple[str, ...]
    spelled: tuple[str, ...]

    def is_known(self, word: str) -> bool:
        """Whether a folded word is one of ours, and no name."""
        return (
            word in self.known
            or word.startswith(self.stems)
            or _whole(self.nouns).fullmatch(word) is not None
        )

    @property
    def nouns(self) -> str:
        """Every noun that has a pattern."""
        return "|".join(
            (self.device_nouns, self.generic, self.site_nouns, self.metrics, self.categories, self.severities)
        )


def fold(text: str) -> str:
    """Lower case, umlauts spelled out, other accents dropped.

    >>> fold("Köln, Café STRASSE")
    'koeln, cafe strasse'
    """
    spelled = unicodedata.normalize("NFC", text.casefold()).translate(_UMLAUTS)
    return "".join(mark for mark in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(mark))


@lru_cache(maxsize=512)
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern})")


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The words, read once per process.

    >>> lexicon().is_known("kiosks"), lexicon().is_known("berlin")
    (True, False)

    Raises:
        QuestionError: the file cannot be read.
    """
    file = project_home() / "templates" / "questions" / "words.yaml"
    try:
        data: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        patterns = {
            name: _longest(_listed(data[name]))
            for name in (
                "devices", "device", "sites", "before_site", "metrics", "categories", "severities", "numbers",
                "elsewhere", "commands",
            )
        }  # fmt: skip
        implied = {metric: _longest(_listed(words)) for metric, words in data["implied"].items()}
        common = set(data["common"].split())
        hostile = "|".join(data["hostile"])
        others = frozenset(data["other_languages"].split())
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise QuestionError(f"the words of questions cannot be read: {error!r}") from error
    examples = " ".join(
        re.sub(r"\{\w+\}", " ", example)
        for intent in intents().values()
        for texts in intent.examples.values()
        for example in texts
    )
    taught = set(_WORD.findall(fold(examples)))
    implied_words = {word for words in data["implied"].values() for word in _listed(words) if word.isalpha()}
    whole, stems = _of_rules()
    known = common | taught | implied_words | set(_listed(data["numbers"])) | whole
    return Lexicon(
        device_nouns=patterns["devices"],
        generic=patterns["device"],
        site_nouns=patterns["sites"],
        before_site=patterns["before_site"],
        metrics=patterns["metrics"],
        categories=patterns["categories"],
        severities=patterns["severities"],
        numbers=patterns["numbers"],
        implied=implied,
        elsewhere=patterns["elsewhere"],
        commands=patterns["commands"],
        hostile=hostile,
        other_languages=others,
        plain=frozenset(data["plain"].split()),
        before_name=frozenset(data["before_name"].split()),
        after_name=frozenset(data["after_name"].split()),
        before_called=frozenset(data["before_called"].split()),
        no_part=frozenset(f"{data['before_called']} {data['no_part']}".split()),
        says_little=frozenset(f"{data['before_called']} {data['no_part']} {data['says_little']}".split()),
        english=frozenset(data["english"].split()),
        german=frozenset(data["german"].split()),
        known=frozenset(known),
        stems=stems,
        spelled=tuple(sorted(word for word in known if len(word) >= 4)),
    )


@lru_cache(maxsize=1)
def rules_data() -> Mapping[str, Any]:
    """`templates/questions/rules.yaml` as it is.

    Raises:
        QuestionError: it cannot be read.
    """
    file = project_home() / "templates" / "questions" / "rules.yaml"
    try:
        data: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {"macros": dict(data["macros"]), "rules": list(data["rules"])}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise QuestionError(f"the rules of questions cannot be read: {error!r}") from error


def _of_rules() -> tuple[set[str], tuple[str, ...]]:
    """Whole words and stems that the rules know."""
    data = rules_data()
    text = " ".join([*data["macros"].values(), *(line[1] for line in data["rules"])])
    text = re.sub(r"<\w+>|\\b|\{\w+\}", " ", text)
    stems = set(re.findall(r"(?<![a-z])([a-z]{4,})\\w\*", text))
    # `fail(?:s|ed)?` and the like: what stands before a bracket is a beginning, too.
    stems |= set(re.findall(r"(?<![a-z])([a-z]{4,})\(\?:", text))
    words = set(re.findall(r"(?<![a-z])[a-z]{2,}(?![a-z])", text.replace("\\w*", "~")))
    return words, tuple(sorted(stems))


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _longest(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))
