"""Taking persons out of text. Pure.

Known names are replaced wherever they stand: of devices and sites by a pseudonym (the same name always by
the same, which nobody without the key can compute), of people by `[person]`. What has the form of an
address, a number to call or a secret is replaced whoever it belongs to. Better a word too many than a
person: a name that no table knows is recognised only by what stands before it (*by*, *called*, *Mr* …).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["device", "site", "example"]

PERSON = "[person]"
# Below this length a known name is an ordinary word more often than a name.
_LEAST = 3

#: In this order: an address contains what looks like a host, a host what looks like a number.
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "[address]"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*"), "[mail]"),
    (
        re.compile(
            r"\b(?:(?:password|passwort|passwd|pwd|pw|secret|token|api[_-]?key|bearer|authorization)\b"
            r"\s*(?:is\b|ist\b|[:=])?|(?:pin|login|user|username)\s*(?:is\b|ist\b|[:=]))\s*\S+",
            re.IGNORECASE,
        ),
        "[secret]",
    ),
    (re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE), "[hardware address]"),
    (re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)(?::\d+)?"), "[ip]"),
    (
        re.compile(
            r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"
            r"|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?)(?![\w:])",
            re.IGNORECASE,
        ),
        "[ip]",
    ),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "[identifier]"),
    # Letters and digits mixed, and long: nobody writes a word so.
    (re.compile(r"\b(?=[\w+/=.-]*\d)(?=[\w+/=.-]*[A-Za-z])[A-Za-z0-9_+/=.-]{20,}"), "[secret]"),
    (re.compile(r"(?<![\w.,-])(?!\d{4}-\d\d-\d\d\b)(?:\+|00|0|\()[\d][\d ()/.-]{5,}\d(?!\w)"), "[phone]"),
    (
        re.compile(
            r"\b(Mr|Mrs|Ms|Dr|Herrn?|Frau|technician|colleague|[Bb]y|[Cc]alled|[Aa]sked|[Tt]old|[Vv]on)\b\.?\s+"
            r"[A-ZÄÖÜ][\w'-]+(?:\s+[A-ZÄÖÜ][\w'-]+)?"
        ),
        rf"\1 {PERSON}",
    ),
)


@dataclass(frozen=True)
class Names:
    """What is known by name: pseudonymised or replaced wherever it stands in a text."""

    devices: Mapping[str, int]
    sites: Mapping[str, int]
    people: frozenset[str]


class Scrubber:
    """Replaces what names a person, a place or a way in.

    >>> names = Names({"Checkout 3": 3}, {"Berlin Mitte": 1}, frozenset({"Ann Miller", "ann@shop.example"}))
    >>> scrub = Scrubber(names, b"key")
    >>> scrub.text("Ann rebooted checkout 3 at 10.0.0.7, call +49 30 1234567 or ann@shop.example")
    '[person] rebooted device-43b0a8b587 at [ip], call [phone] or [mail]'
    """

    def __init__(self, names: Names, key: bytes) -> None:
        self._key = key
        places = {_folded(name): self.pseudonym("device", number) for name, number in names.devices.items()}
        places |= {_folded(name): self.pseudonym("site", number) for name, number in names.sites.items()}
        parts = {
            _folded(part)
            for name in names.people
            for part in (name, *re.split(r"[\s@._+-]+", name.partition("@")[0]))
        }
        self._places = _Known(places)
        self._people = _Known(dict.fromkeys(parts, PERSON))

    def pseudonym(self, kind: Kind, number: int) -> str:
        """What stands for a device, a site or an example: the same in every export made with this key."""
        digest = hmac.new(self._key, f"{kind} {number}".encode(), hashlib.sha256).hexdigest()
        return f"{kind}-{digest[:10]}"

    def text(self, said: str) -> str:
        """A text without them."""
        said = self._places.replaced(said)
        for pattern, instead in _FORMS:
            said = pattern.sub(instead, said)
        return self._people.replaced(said)


class _Known:
    """Names, as one pattern: the longest first, whole words, in any case."""

    def __init__(self, instead: Mapping[str, str]) -> None:
        self._instead = {
            name: new for name, new in instead.items() if len(name) >= _LEAST and not name.isdecimal()
        }
        longest = sorted(self._instead, key=lambda name: (-len(name), name))
        words = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest)
        self._pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if longest else None

    def replaced(self, said: str) -> str:
        if self._pattern is None:
            return said
        return self._pattern.sub(self._new, said)

    def _new(self, found: re.Match[str]) -> str:
        # Letters that only a pattern takes for the same (ı, ſ) are in no list.
        return self._instead.get(_folded(found[0]), PERSON)


def _folded(name: str) -> str:
    # Not casefold: a pattern that ignores case does not find `ß` by `ss`.
    return " ".join(name.split()).lower()


def people(rows: Iterable[str | None]) -> frozenset[str]:
    """Names of people among what was written down as the one who acted; rules and programs are none.

    >>> sorted(people(["Ann", "rule", None, "command line", "ann@shop.example"]))
    ['Ann', 'ann@shop.example']
    """
    return frozenset(row for row in rows if row and row.casefold() not in _NOBODY)


_NOBODY = {
    "rule", "command line", "somebody at the prefect ui", "homepot", "system", "apply-retention", "flow",
    "api", "prefect", "nobody", "admin",
}  # fmt: skip
