"""docs/questions.md lists every question that can be asked, as the catalogue has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from homepot_ai.questions.catalogue import intents

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", intents())
def test_each_question_stands_on_the_page_with_its_slots_and_examples(key: str) -> None:
    rows = [line for line in PAGE.splitlines() if f"(`{key}`)" in line]
    assert len(rows) == 1
    intent = intents()[key]
    for words in (intent.title["en"], intent.shown("en"), intent.shown("de")):
        assert words in rows[0]
    for slot in intent.slots:
        assert slot.replace("_", " ") in rows[0].split("|")[2]


def test_nothing_else_is_promised() -> None:
    assert sum("(`" in line and line.startswith("| ") for line in PAGE.splitlines()) == len(intents())
