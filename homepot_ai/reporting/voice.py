"""How a report speaks: language, numbers, dates, and the vocabulary of its mode.

English stands in the code and is the key of the catalogues (`templates/locale/LANGUAGE/reports.po`,
gettext); numbers, dates and times follow the language's locale (CLDR, by Babel). Every function is
pure: the same facts always give the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from math import floor, isfinite, log10
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from homepot_ai.errors import ReportError
from homepot_ai.fleet import metrics
from homepot_ai.reporting.periods import local, zone_text
from homepot_ai.text import NBSP

Language = Literal["en", "de"]
DayStyle = Literal["long", "short", "date", "plain", "month", "iso"]
LANGUAGES: tuple[Language, ...] = ("en", "de")
#: British English: day before month, 24 hours.
LOCALES: Mapping[str, str] = MappingProxyType({"en": "en_GB", "de": "de_DE"})
ABSENT = "–"
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def message(text: str) -> str:
    """Marks a text for the catalogues that is said elsewhere."""
    return text


@lru_cache(maxsize=8)
def catalogue(templates: Path, language: str) -> Mapping[str, str | tuple[str, str]]:
    """Messages of a language by their English: a text, or (one, many) of a counted message.

    Raises:
        ReportError: the catalogue is missing or cannot be read.
    """
    if language == "en":
        return {}
    file = templates / "locale" / language / "reports.po"
    try:
        with file.open("rb") as source:
            known = read_po(source, locale=LOCALES[language])
    except (OSError, ValueError, KeyError) as error:
        raise ReportError(
            f"no catalogue of the language {language!r} ({error}); there are: {', '.join(LANGUAGES)}"
        ) from error
    found: dict[str, str | tuple[str, str]] = {}
    for message in known:
        if isinstance(message.id, tuple) and isinstance(message.string, tuple):
            one, many = message.string
            if one and many:
                found[str(message.id[0])] = (one, many)
        elif message.id and message.string:
            found[str(message.id)] = str(message.string)
    return found


@dataclass(frozen=True)
class Voice:
    """Says everything in one language.

    Attributes:
        timezone, end: of the report's period: moments are told on its clock; its end is 24:00.
        first_day, last_day: days outside are told with their date.
        words: the mode's vocabulary: the English term of the code to the one that this mode says instead.
        caps: how many rows of a table this mode shows, by the table's name.

    >>> voice = Voice("en", "Europe/Berlin")
    >>> voice.n("{n} device", "{n} devices", 1200), voice.percent(0.93456).replace(NBSP, " ")
    ('1,200 devices', '93.5 %')
    """

    language: Language
    timezone: str
    first_day: date | None = None
    last_day: date | None = None
    end: datetime | None = None
    templates: Path | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)

    def t(self, text: str, /, **values: object) -> str:
        """A text in this language, its `{names}` filled in; numbers must be formatted already."""
        known = self._catalogue.get(text, text)
        said = known if isinstance(known, str) else known[0]
        return said.format(**values) if values else said

    def n(self, one: str, many: str, number: int, /, **values: object) -> str:
        """A counted text; `{n}` is the number in this language's writing.

        >>> Voice("en", "UTC").n("{n} anomaly", "{n} anomalies", 1)
        '1 anomaly'
        """
        known = self._catalogue.get(one)
        first, other = known if isinstance(known, tuple) else (one, many)
        return (first if number == 1 else other).format(n=self.number(number), **values)

    def term(self, text: str) -> str:
        """What this mode calls something, in this language."""
        return self.t(self.words.get(text, text))

    def cap(self, table: str, otherwise: int) -> int:
        """How many rows of a table are shown."""
        return self.caps.get(table, otherwise)

    def number(self, value: float | None, decimals: int = 0) -> str:
        """A number with the language's separators.

        >>> Voice("en", "UTC").number(1234.5, 1), Voice("en", "UTC").number(None)
        ('1,234.5', '–')
        """
        if value is None:
            return ABSENT
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self._locale))

    def percent(self, share: float | None, decimals: int = 1) -> str:
        """A share 0-1 as percent; 100 and 0 are said only when they are true.

        >>> [Voice("en", "UTC").percent(share).replace(NBSP, " ") for share in (0.99999, 1.0, 0.00001, None)]
        ['99.9 %', '100 %', '0.1 %', '–']
        """
        if share is None:
            return ABSENT
        if share in (0.0, 1.0):
            return f"{self.number(share * 100)}{NBSP}%"
        step = 10.0**-decimals
        return f"{self.number(min(max(share * 100, step), 100 - step), decimals)}{NBSP}%"

    def score(self, value: float | None) -> str:
        """A health score with two decimals."""
        return self.number(value, 2)

    def duration(self, minutes: float | None) -> str:
        """A length of time in its two largest units, with no-break spaces.

        >>> [Voice("en", "UTC").duration(m).replace(NBSP, " ") for m in (0.4, 45, 185, 1500, 2880)]
        ['under 1 min', '45 min', '3 h 05 min', '1 d 1 h', '2 d']
        """
        if minutes is None:
            return ABSENT
        whole = round(minutes)
        if whole < 1:
            said = self.t("under 1 min") if minutes > 0 else self.t("0 min")
        elif whole < 60:
            said = self.t("{m} min", m=whole)
        elif whole < 24 * 60:
            hours, rest = divmod(whole, 60)
            said = self.t("{h} h {m} min", h=hours, m=f"{rest:02d}") if rest else self.t("{h} h", h=hours)
        else:
            days, rest = divmod(round(whole / 60), 24)
            said = self.t("{d} d {h} h", d=days, h=rest) if rest else self.t("{d} d", d=days)
        return said.replace(" ", NBSP)

    def day(
        self, which: date, style: Literal["long", "short", "date", "plain", "month", "iso"] = "short"
    ) -> str:
        """A day: `Thursday 19 November 2026`, `Thu 19 Nov`, `19 November 2026`, `19 November`,
        `November 2026`, or ISO.

        >>> Voice("en", "UTC").day(date(2026, 11, 9)).replace(NBSP, " ")
        'Mon 9 Nov'
        """
        if style == "iso":
            return which.isoformat()
        patterns = {
            "en": {
                "long": "EEEE d MMMM y",
                "short": "EEE d MMM",
                "date": "d MMMM y",
                "plain": "d MMMM",
                "month": "MMMM y",
            },
            "de": {
                "long": "EEEE, d. MMMM y",
                "short": "EEE d. MMM",
                "date": "d. MMMM y",
                "plain": "d. MMMM",
                "month": "MMMM y",
            },
        }
        said = str(format_date(which, patterns[self.language][style], locale=self._locale))
        return said.replace(" ", NBSP) if style == "short" else said

    def clock(self, moment: datetime) -> str:
        """Hours and minutes; with the day if the period has several or it is another, with the zone
        where the hour happens twice."""
        there = local(moment, self.timezone)
        # The end of a day is its last day's 24:00; what ends within a day (an incident) has an hour.
        if moment == self.end and self.first_day == self.last_day and there.date() != self.last_day:
            return "24:00"
        twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
        text = f"{there:%H:%M}" + (f" {there.tzname()}" if twice else "")
        if there.date() == self.first_day == self.last_day:
            return text
        patterns = {"en": "d MMM", "de": "d. MMM"}
        which = str(format_date(there.date(), patterns[self.language], locale=self._locale))
        return f"{which} {text}"

    def moment(self, moment: datetime) -> str:
        """A whole moment with its zone and offset."""
        there = local(moment, self.timezone)
        return f"{self.day(there.date(), 'long')} {there:%H:%M} {zone_text(moment, self.timezone)}"

    def metric(self, name: str | None) -> str:
        """A metric's name for people; what has none is the device as a whole."""
        return self.t(metrics.label(name)) if name else self.t("several metrics together")

    def value(self, metric: str | None, number: float | None) -> str:
        """A metric's value with its unit; large values of metrics nobody described are shortened."""
        if number is None:
            return ABSENT
        known = metrics.KNOWN.get(metric) if metric else None
        unit = metrics.unit(metric) if metric else ""
        if known:
            said = self.number(number, known.decimals)
        elif abs(number) >= 1e5:
            size, name = next((size, name) for size, name in _SIZES if abs(number) >= size)
            said, unit = self._significant(number / size), f"{name}{unit}"
        else:
            said = self._significant(number)
        return f"{said} {unit}".rstrip().replace(" ", NBSP)

    def _significant(self, number: float) -> str:
        """Three significant digits, without zeros at the end."""
        if number == 0 or not isfinite(number):
            return f"{number:g}"
        decimals = min(max(0, 2 - floor(log10(abs(number)))), 9)
        return str(format_decimal(number, format="#,##0." + "#" * decimals, locale=self._locale))

    @property
    def _locale(self) -> Locale:
        return Locale.parse(LOCALES[self.language])

    @property
    def _catalogue(self) -> Mapping[str, str | tuple[str, str]]:
        return {} if self.templates is None else catalogue(self.templates, self.language)
