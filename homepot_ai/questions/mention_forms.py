"""Devices and incidents by their form: a noun with a number, an id, what something is called."""

from __future__ import annotations

import re

from homepot_ai.questions.line import Line, Token, bounded

INCIDENT_NOUN = (
    r"(?:incidents?|tickets?|cases?|outages?|problems?|issues?|alarms?|alerts?|vorf(?:all|aelle)[ns]?"
    r"|stoerung(?:en)?|faelle|fall|probleme?|meldung(?:en)?|ausf(?:all|aelle)[ns]?|failures?|faults?)"
)
NUMBERED = r"(?:number|no\.?|nr\.?|num|nummer|id)"
_CODE = r"(?:#?\d{1,6}[a-z]?)"
_ID = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*", re.IGNORECASE)
_PLURALS = ("s", "kassen", "waagen", "kameras", "sensoren", "tueren", "truhen", "automaten", "anlagen", "en")


def incidents(line: Line) -> None:
    line.mark(
        "incident",
        bounded(rf"{INCIDENT_NOUN}(?: with)?(?: {NUMBERED})?(?: the)? (?P<it>#?\d+)"),
        "it",
    )
    line.mark(
        "incident",
        bounded(r"(?:similar to|like|aehnlich wie|wie|number|no\.?|nummer|nr\.?) (?P<it>\d+)"),
        "it",
    )
    line.mark(
        "incident",
        bounded(
            r"(?:what(?: is|s| was)?|was (?:ist|war)(?: mit)?|worum (?:geht|ging) es (?:bei|in))"
            r" (?P<it>#?\d+)(?: about| genau)?(?= [?.!]|$)"
        ),
        "it",
    )
    line.mark("incident", bounded(r"(?P<it>#?\d+)(?:st|nd|rd|th)? (?:incident|vorfall|ticket)"), "it")


def devices(line: Line) -> None:
    """A noun with a number, an id; a name with capitals that ends in a noun of devices."""
    words = line.words
    noun = rf"(?:{words.device_nouns}|{words.generic})"
    line.mark("device", bounded(rf"(?:{noun} )*{noun}(?: {NUMBERED})?(?: -)? {_CODE}"))
    for index, token in enumerate(line.tokens):
        if token.kind or not re.search(r"\d", token.folded) or not _ID.fullmatch(token.folded):
            continue
        if re.match(rf"(?:{words.site_nouns})[-_]?\d", token.folded):
            line.merge(index, index + 1, "site")
        elif re.search(r"[a-z]", token.folded) and not re.fullmatch(r"q[1-4]|ipv[46]|\d.*", token.folded):
            line.merge(index, index + 1, "device")
    # `Lathe 4`: a word of nobody with a number.
    index = 0
    while index + 1 < len(line.tokens):
        following = line.tokens[index + 1]
        if (line.strange(index) and not following.kind and re.fullmatch(_CODE, following.folded)) or (
            re.fullmatch(rf"{noun}", line.tokens[index].folded)
            and not line.tokens[index].kind
            and not following.kind
            and re.fullmatch(r"[A-Z]\d{0,4}", line.text[following.start : following.end])
        ):
            line.merge(index, index + 2, "device")
        index += 1
    # Words of nobody before it belong to it: `front desk printer 2`.
    index = 1
    while index < len(line.tokens):
        token = line.tokens[index]
        verb = line.tokens[index - 1].folded.endswith(("ing", "ed"))
        if (
            token.kind == "device"
            and line.strange(index - 1)
            and not verb
            and not _at_a_place(line, index - 1)
        ):
            line.merge(index - 1, index + 1, "device")
            index -= 1
        index = max(index + 1, 1)
    # `Front Door Scanner`
    index = 1
    while index < len(line.tokens):
        token = line.tokens[index]
        if not token.kind and re.fullmatch(words.device_nouns, token.folded) and line.capital(index):
            first = index
            while first > 1 and line.capital(first - 1) and not line.tokens[first - 1].kind:
                first -= 1
            if first < index and any(line.strange(n) for n in range(first, index)):
                line.merge(first, index + 1, "device")
                index = first
        index += 1


def called(line: Line) -> None:
    """`the cold room sensor hub`: one device, called by what it is, after an article or at the start."""
    index = 0
    while index < len(line.tokens):
        after = index
        while after < len(line.tokens) and _noun(line, after):
            after += 1
        if after == index or line.tokens[after - 1].folded.endswith(_PLURALS):
            index = max(after, index + 1)
            continue
        first = index
        while first > 0 and _part(line, line.tokens[first - 1]):
            first -= 1
        before = line.tokens[first - 1].folded if first else ""
        if 1 < after - first <= 4 + after - index and (first == 0 or before in line.words.before_called):
            line.merge(first, after, "device")
            after = first + 1
        index = after


def _noun(line: Line, index: int) -> bool:
    token = line.tokens[index]
    return not token.kind and re.fullmatch(line.words.device_nouns, token.folded) is not None


def _part(line: Line, token: Token) -> bool:
    """Whether a word may be a part of what a device is called."""
    return (
        not token.kind
        and re.fullmatch(r"[a-z]+(?:-[a-z]+)*", token.folded) is not None
        and token.folded not in line.words.no_part
    )


def _at_a_place(line: Line, index: int) -> bool:
    """After `at` or `in`, a word is the site's: `at Berlin till 3`."""
    return index > 0 and line.tokens[index - 1].folded in ("at", "in", "near", "bei", "im", "from", "aus")


def kinds_of_incidents(line: Line) -> None:
    words = line.words
    nouns = rf"(?:[a-z]+ )?(?:{INCIDENT_NOUN}|incidents?)"
    line.mark(
        "severity", bounded(rf"(?P<it>{words.severities}) (?:open |active |offene[nr]? )?{nouns}"), "it"
    )
    line.mark("category", bounded(rf"(?P<it>{words.categories})(?:[ -]related)? {INCIDENT_NOUN}"), "it")
    line.mark(
        "category",
        bounded(rf"{INCIDENT_NOUN} (?:with|mit)(?: the| der| dem)? (?P<it>{words.categories})"),
        "it",
    )
    line.mark(
        "category",
        bounded(rf"(?P<it>(?:{words.categories})(?:probleme?n?|stoerung(?:en)?|vorf(?:all|aelle)n?))"),
        "it",
    )
