"""A claim's text in pieces: words, placeholders, clauses. Decides nothing but what cannot be read at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from homepot_ai.language import spans
from homepot_ai.language.facts import Book, Claim, Fact
from homepot_ai.language.words import Words

LONGEST_TEXT = 400
_TOKEN = re.compile(r"\{[A-Za-z]\d{1,3}\}|[0-9]+|[^\W\d_]+(?:'[^\W\d_]+)?|\S", re.UNICODE)
_PLACEHOLDER = re.compile(r"\{([A-Za-z]\d{1,3})\}")
_MARKS = frozenset(",.;:()–—-'")
_BREAKS = frozenset(",.;:()–—")
#: What may touch a placeholder: nothing that would change a number, its sign or its unit.
_TOUCHING = re.compile(r"[^\s(]\{|\}(?!'s\b|'|\s|[,.;:)]|$)")
# A hyphen stands inside a word; a dash in front of a value would be its sign.
_SIGN = re.compile(r"(?<![^\W\d_])-|-(?![^\W\d_])|[–—]\s*\{[a-z]")
_ROMAN_LEFT = re.compile(r"\b[IVXLCDM]{2,}\b")


class Refused(Exception):
    """A claim does not pass; its text is the name of the rule."""


@dataclass
class Token:
    """A word (lower case, with its stem), a placeholder (its alias), or a mark.

    `span`: of a unit of time behind digits, the whole stretch as :func:`spans.stretches` writes it.
    """

    kind: Literal["word", "fact", "subject", "mark"]
    text: str
    stem: str = ""
    span: str = ""


@dataclass
class Clause:
    """Between two breaks. `subjects`: aliases in order; `facts`: those shown, with their places."""

    tokens: list[Token]
    ends_sentence: bool = False
    subjects: list[str] = field(default_factory=list)
    facts: list[tuple[int, Fact]] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """Its words."""
        return [token.text for token in self.tokens if token.kind == "word"]

    def at(self, place: int) -> Token | None:
        """The token at a place, None outside."""
        return self.tokens[place] if 0 <= place < len(self.tokens) else None


@dataclass
class Read:
    """A claim read: its clauses, the facts it shows, and those it rests on besides."""

    clauses: list[Clause]
    shown: list[Fact]
    hidden: list[Fact]
    subjects: list[str]

    @property
    def facts(self) -> list[Fact]:
        """All that it rests on."""
        return [*self.shown, *self.hidden]


def read(claim: Claim, book: Book, words: Words) -> Read:
    """Cut a claim into clauses.

    Raises:
        Refused: characters, placeholders or fact ids that cannot be.
    """
    text = _plain(claim.text, words)
    tokens = _tokens(text, book, words)
    shown = list(dict.fromkeys(_fact(book, token.text) for token in tokens if token.kind == "fact"))
    cited = [_fact(book, alias) for alias in claim.fact_ids if book.subject(alias) is None]
    if cited and not set(shown) <= set(cited):
        raise Refused("placeholder")  # it shows what it does not claim to rest on
    if not shown and not cited:
        raise Refused("no fact")
    clauses = _clauses(tokens, book, words)
    subjects = list(dict.fromkeys(token.text for token in tokens if token.kind == "subject"))
    return Read(clauses, shown, [fact for fact in dict.fromkeys(cited) if fact not in shown], subjects)


def _fact(book: Book, alias: str) -> Fact:
    fact = book.fact(alias)
    if fact is None:
        raise Refused("placeholder")
    return fact


def _plain(text: str, words: Words) -> str:
    """Without typographic variants; anything foreign refuses."""
    # A value in brackets stands behind what it is of.
    text = re.sub(r"\((\{[a-z]\d{1,3}\})\)", r"\1", text)
    text = text.replace("’", "'").replace("\N{NO-BREAK SPACE}", " ").replace("‑", "-").strip()
    if not text or len(text) > LONGEST_TEXT:
        raise Refused("length")
    text = spans.spelled(text, words)
    if any(character.isnumeric() for character in spans.without(_PLACEHOLDER.sub("", text), words)):
        raise Refused("number")
    # What looks like a letter or digit and is another one (fullwidth, roman, superscript).
    if unicodedata.normalize("NFKC", text) != text:
        raise Refused("characters")
    bare = spans.without(_PLACEHOLDER.sub("", text), words)
    for character in bare:
        if character != " " and character not in _MARKS and not words.letters.fullmatch(character):
            raise Refused("characters")
    if _TOUCHING.search(text) or _SIGN.search(text):
        raise Refused("placeholder")
    if _ROMAN_LEFT.search(bare) and not all(
        found.lower() in words.sets["capital"] for found in _ROMAN_LEFT.findall(bare)
    ):
        raise Refused("number")
    return text


def _tokens(text: str, book: Book, words: Words) -> list[Token]:
    found: list[Token] = []
    pending: list[str] = []
    number = ""

    def flush() -> None:
        found.extend(Token("word", word, words.stem(word)) for word in words.join(pending))
        pending.clear()

    for raw in _TOKEN.findall(text):
        if number:
            flush()
            way = found[-1].text if found else ""
            found.append(Token("word", raw.lower(), words.stem(raw), spans.span(way, number, raw, words)))
            number = ""
        elif raw[0].isdecimal():
            number = raw
        elif match := _PLACEHOLDER.fullmatch(raw):
            flush()
            alias = match[1]
            if book.subject(alias) is not None:
                found.append(Token("subject", alias))
            elif book.fact(alias) is not None:
                found.append(Token("fact", alias))
            else:
                raise Refused("placeholder")
        elif raw[0].isalpha():
            pending.extend(_word(raw, words))
        elif raw in {"-", "'"}:
            flush()
        elif raw in _BREAKS:
            flush()
            found.append(Token("mark", raw))
        else:
            raise Refused("characters")
    flush()
    # The possessive's s behind a name is no word.
    return [
        token
        for place, token in enumerate(found)
        if not (token.text == "s" and place and found[place - 1].kind in {"subject", "fact"})
    ]


def _begins(word: str, after: Token | None, words: Words) -> bool:
    """Whether a causal word begins a clause of its own."""
    if word in words.sets["as"]:
        return after is not None and after.kind == "word" and not words.among(after.text, "state")
    return word == "because" or words.among(word, "effect", "link")


def _word(raw: str, words: Words) -> list[str]:
    """A word without contraction; shouted ones and names in odd capitals refuse."""
    head, _, tail = raw.partition("'")
    if len(head) > 1 and head[1:] != head[1:].lower() and head.lower() not in words.sets["capital"]:
        raise Refused("capitals")
    lower, tail = head.lower(), tail.lower()
    if tail == "t" and lower.endswith("n"):
        return [lower[:-1], "not"] if lower != "cannot" else ["cannot"]
    if tail == "s":
        return [lower, "is"] if lower in {"it", "that", "there"} else [lower]
    return [lower, tail] if tail else [lower]


def _clauses(tokens: Sequence[Token], book: Book, words: Words) -> list[Clause]:
    """Cut at marks and at conjunctions, but not inside a list of names."""
    clauses: list[Clause] = []
    current: list[Token] = []

    def close(ends: bool = False) -> None:
        if current:
            clauses.append(Clause(list(current), ends))
            current.clear()
        elif clauses and ends:
            clauses[-1].ends_sentence = True

    for place, token in enumerate(tokens):
        breaks = token.kind == "mark" or (token.kind == "word" and token.text in words.sets["split"])
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        listed = (
            before is not None and after is not None and before.kind == after.kind == "subject"
            and (token.text == "," or token.text in {"and", "und"})
        )  # fmt: skip
        if breaks and not listed:
            close(token.text == ".")
        else:
            if token.kind == "word" and _begins(token.text, after, words):
                close()
            current.append(token)
    close(True)
    for clause in clauses:
        for place, token in enumerate(clause.tokens):
            if token.kind == "subject":
                clause.subjects.append(token.text)
            elif token.kind == "fact":
                clause.facts.append((place, _fact(book, token.text)))
    return clauses
