"""A text as a line of tokens, in which stretches become mentions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from homepot_ai.questions import times
from homepot_ai.questions.lexicon import Lexicon, fold

TOKEN = re.compile(
    r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|#\d+"
    r"|[^\W_]+(?:[-_.:/][^\W_]+)*(?:['’](?=[^\W\d])[^\W_]+)?|[^\w\s]"
)
_CONTRACTED = {"what", "who", "where", "how", "that", "it", "there", "let", "when", "why", "here", "wie"}
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{1,120})[\"“”„«»]|(?<!\w)['‘‚]([^'’‘‚]{2,120})['’](?!\w)")


@dataclass
class Token:
    folded: str
    start: int
    end: int
    kind: str = ""

    @property
    def shown(self) -> str:
        return f"<{self.kind}>" if self.kind else self.folded


@dataclass
class Line:
    text: str
    words: Lexicon
    tokens: list[Token] = field(default_factory=list)

    def joined(self) -> tuple[str, list[int]]:
        """The masked text, and where in it each token begins."""
        starts, length = [], 0
        for token in self.tokens:
            starts.append(length)
            length += len(token.shown) + 1
        return " ".join(token.shown for token in self.tokens), starts

    def mark(self, kind: str, pattern: str, group: str | int = 0) -> None:
        """Every match of a pattern in the masked text becomes a mention; `group`: the part that does."""
        position = 0
        while True:
            text, starts = self.joined()
            match = _compiled(pattern).search(text, position)
            if match is None:
                return
            first, last = match.span(group)
            covered = [
                n for n, start in enumerate(starts)
                if start < last and start + len(self.tokens[n].shown) > first
            ]  # fmt: skip
            position = max(match.end(), match.start() + 1)
            if covered and not any(self.tokens[n].kind for n in covered):
                self.merge(covered[0], covered[-1] + 1, kind)
                position = starts[covered[0]] + len(kind) + 2

    def merge(self, first: int, after: int, kind: str) -> None:
        """Tokens become one mention."""
        part = self.tokens[first:after]
        folded = " ".join(token.folded for token in part)
        self.tokens[first:after] = [Token(folded, part[0].start, part[-1].end, kind)]

    def capital(self, index: int) -> bool:
        """Written with a capital or in capitals."""
        return self.text[self.tokens[index].start].isupper()

    def strange(self, index: int) -> bool:
        """A word that is neither a mention nor ours."""
        token = self.tokens[index]
        if token.kind or not re.match(r"[^\W\d_]", token.folded):
            return False
        # A compound is ours where all its parts are (`up-to-date`).
        return not all(self.words.is_known(part) for part in re.split(r"[-/.:]", token.folded) if part) and (
            not self.words.is_known(token.folded)
        )


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def bounded(pattern: str) -> str:
    return rf"(?<![^\s])(?:{pattern})(?![^\s])"


def split(line: Line) -> None:
    """Fill it: words, with quoted names, mail addresses and times as mentions already."""
    taken: list[tuple[int, int, str]] = []
    for match in _QUOTED.finditer(line.text):
        start, end = match.span(1) if match[1] is not None else match.span(2)
        taken.append((start, end, "quoted"))
    for said in times.spot(line.text):
        if not any(start < said.end and said.start < end for start, end, _ in taken):
            kind = {"period": "when", "since": "since", "ahead": "ahead"}[said.kind]
            inner = line.text.find(said.words, said.start)
            taken.append((said.start, said.end, f"{kind}:{inner}:{inner + len(said.words)}"))
    position = 0
    for start, end, kind in [*sorted(taken), (len(line.text), len(line.text), "")]:
        for match in TOKEN.finditer(line.text, position, start):
            _word(line, match)
        if kind == "quoted":
            line.tokens.append(Token(fold(line.text[start:end]), start, end, "name"))
        elif kind:
            name, first, after = kind.split(":")
            line.tokens.append(Token(fold(line.text[start:end]), int(first), int(after), name))
        position = end


def _word(line: Line, match: re.Match[str]) -> None:
    word, start, end = match[0], match.start(), match.end()
    if match["mail"]:
        line.tokens.append(Token(fold(word), start, end, "person"))
        return
    stem, quote, rest = word.replace("’", "'").partition("'")
    if quote and fold(stem) not in _CONTRACTED and rest.lower() == "s":
        end = start + len(stem)  # a possessive
        line.tokens.append(Token(fold(stem), start, end))
    elif word not in "\"“”„«»'‘’‚":
        line.tokens.append(Token(fold(word).replace("'", "").replace("’", ""), start, end))
