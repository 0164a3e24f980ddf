"""An answer as people read it: on a terminal, and as an artifact."""

from __future__ import annotations

from homepot_ai.answers.contracts import Answer
from homepot_ai.reporting.voice import Language, Voice
from homepot_ai.settings import project_home
from homepot_ai.text import clean, fit, table

#: Columns of a terminal's table; what is wider is cut, and whole in the artifact.
_COLUMN = 44


def lines(answer: Answer, language: Language = "en") -> list[str]:
    """Lines for a terminal: the answer, its table, how it was understood and what it rests on.

    >>> from homepot_ai.answers.contracts import Grounded
    >>> shown = lines(Answer(answer="All is well.", relevant_devices=[], mode="maintenance",
    ...     response_time_ms=12, model_used=None, understood_as="How is everything", period=None,
    ...     data_age_seconds=60.0, grounded=Grounded(figures=2, verified=0, refused=0),
    ...     intent="fleet_status"))
    >>> shown[0], shown[-2]
    ('All is well.', '  Understood as: How is everything')
    >>> shown[-1].replace("\xa0", " ")
    '  Data: 1 min old. 2 figures, worded by template.'
    """
    shown = [answer.answer]
    if answer.table:
        heads, *rows = ([fit(cell, _COLUMN) for cell in row] for row in answer.table)
        shown += ["", *table(tuple(heads), [tuple(row) for row in rows], "0< " * len(heads)).splitlines()]
    shown.append("")
    return [*shown, *(f"  {line}" for line in _rests_on(answer, language))]


def markdown(question: str, answer: Answer, language: Language = "en") -> str:
    """An artifact: whatever is others' words is cleaned and cannot become markup."""
    parts = [f"# {_cell(clean(question, 200))}", "", _cell(answer.answer), ""]
    if answer.table:
        heads, *rows = answer.table
        parts += ["| " + " | ".join(map(_cell, heads)) + " |", "|" + "---|" * len(heads)]
        parts += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
        parts.append("")
    return "\n".join([*parts, *(f"- {_cell(line)}" for line in _rests_on(answer, language)), ""])


def headline(answer: Answer) -> str:
    """One line for the list of runs."""
    return clean(answer.answer, 160)


def _rests_on(answer: Answer, language: Language) -> list[str]:
    voice = Voice(language, "UTC", templates=project_home() / "templates")
    told = []
    if answer.more_rows:
        told.append(voice.n("{n} more row is not shown.", "{n} more rows are not shown.", answer.more_rows))
    if answer.understood_as:
        told.append(voice.t("Understood as: {words}", words=answer.understood_as))
    if answer.relevant_devices:
        names = ", ".join(f"{d.name} ({d.status.replace('_', ' ')})" for d in answer.relevant_devices[:10])
        told.append(voice.t("Devices: {names}", names=names))
    grounded = answer.grounded
    if answer.intent is not None:
        age = (
            voice.t("Data: none.")
            if answer.data_age_seconds is None
            else voice.t("Data: {age} old.", age=voice.duration(answer.data_age_seconds / 60))
        )
        figures = voice.n("{n} figure", "{n} figures", grounded.figures)
        by = answer.model_used if grounded.worded_by == "model" else voice.t("template")
        told.append(f"{age} {voice.t('{figures}, worded by {who}.', figures=figures, who=by)}")
    if grounded.note and grounded.worded_by == "template" and answer.model_used is None:
        told.append(clean(grounded.note, 200))
    return told


def _cell(text: str) -> str:
    """Text of others within Markdown."""
    plain = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
