"""Words of times in English and German, in lower case, and the patterns that are made of them."""

from __future__ import annotations

from typing import Literal

Unit = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "couple of": 2,
    "couple": 2, "few": 3, "several": 3, "half an": 0.5, "half a": 0.5,
    "ein": 1, "eine": 1, "einer": 1, "einem": 1, "einen": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "fuenf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12,
    "zwoelf": 12, "zwanzig": 20, "dreißig": 30, "dreissig": 30, "paar": 3, "halbe": 0.5, "halben": 0.5,
}  # fmt: skip
UNITS: dict[Unit, str] = {
    "minute": r"minutes?|minuten?|mins?",
    "hour": r"hours?|hrs?|stunden?|std|h",
    "day": r"days?|tage?n?|d",
    "week": r"weeks?|wks?|wochen?|w",
    "month": r"months?|monat(?:e|en|s)?",
    "quarter": r"quarters?|quartal(?:e|en|s)?",
    "year": r"years?|jahr(?:e|en|es)?",
}
WEEKDAYS = (
    "monday|mon|montags?", "tuesday|tues|tue|dienstags?", "wednesday|wed|mittwochs?",
    "thursday|thurs|thu|donnerstags?", "friday|fri|freitags?", "saturday|sat|samstags?|sonnabends?",
    "sunday|sun|sonntags?",
)  # fmt: skip
MONTHS = (
    "january|januar|jan", "february|februar|feb", "march|märz|maerz|mar", "april|apr", "may|mai",
    "june|juni|jun", "july|juli|jul", "august|aug", "september|sept|sep",
    "october|oktober|oct|okt", "november|nov",
    "december|dezember|dec|dez",
)  # fmt: skip
#: Local hours of a day's parts; beyond 24 is the next day.
PARTS = {
    "early morning|(?:am )?(?:frühen|fruehen) morgen|früh|frueh": (5, 9),
    "morning|vormittags?|morgens?": (6, 12),
    "noon|midday|lunchtime|mittags?": (11, 14),
    "afternoon|nachmittags?": (12, 18),
    "evening|abends?": (18, 22),
    "night|nachts?": (20, 30),
}
LAST = r"last|past|previous|preceding|letzte[nrms]?|vergangene[nrms]?|vorige[nrms]?"
NEXT = r"next|coming|following|upcoming|nächste[nrms]?|naechste[nrms]?|kommende[nrms]?"
THIS = r"this|current|diese[nrms]?|laufende[nrms]?|aktuelle[nrms]?"

COUNT = rf"(?P<count>\d{{1,4}}|(?:{'|'.join(sorted(NUMBERS, key=len, reverse=True))})(?= ))"
UNIT = rf"(?P<unit>{'|'.join(UNITS.values())})"
WORD_UNIT = rf"(?P<unit>{'|'.join(UNITS[unit] for unit in ('week', 'month', 'quarter', 'year'))})".replace(
    "|w)", ")"
)
PART = rf"(?P<part>{'|'.join(PARTS)})"
DAYWORD = (
    r"(?P<word>the day before yesterday|day before yesterday|the day after tomorrow|day after tomorrow"
    r"|yesterday|today|tomorrow|vorgestern|gestern|heute|übermorgen|uebermorgen|morgen)"
)
LONG_WEEKDAY = "|".join(
    name for names in WEEKDAYS for name in names.split("|") if len(name) > 5 or name.endswith("day")
)
ANY_WEEKDAY = "|".join(WEEKDAYS)
MONTH = rf"(?P<month>{'|'.join(MONTHS)})"
LONG_MONTH = "|".join(
    name for names in MONTHS for name in names.split("|") if len(name) > 3 and name not in ("march",)
)
DATE = (
    r"(?:(?P<iso>\d{4}-\d\d-\d\d)"
    r"|(?P<dotted>\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)?|\d{1,2}/\d{1,2}/\d{2,4})"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? ?{MONTH}\.?(?:,? (?P<year>\d{{4}}))?"
    rf"|{MONTH.replace('<month>', '<month2>')}\.? (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?"
    r"(?:,? (?P<year2>\d{4}))?(?![\d:.]))"
)
TIME = (
    r"(?P<time>(?:\d{1,2}(?:[:.]\d\d)? ?(?:am|pm|a\.m\.|p\.m\.|o'clock|uhr)(?: [0-5]\d(?!\d))?|\d{1,2}:\d\d"
    r"|noon|midday|midnight|mittag|mitternacht))"
)
AT = rf"(?:,? ?(?:at|um|t|@)? ?{TIME})"
