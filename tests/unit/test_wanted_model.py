"""Which model answered, where another was wanted."""

from __future__ import annotations

import pytest

from homepot_ai.answers.contracts import Answer, Grounded
from homepot_ai.answers.query import _with_model
from homepot_ai.settings import OllamaSettings, Settings


@pytest.mark.parametrize(
    ("wanted", "used", "note"),
    [
        ("gpt-4", "llama3.2:3b", "gpt-4 is not configured; llama3.2:3b was used"),
        ("accurate", "llama3.2:3b", "accurate did not answer; llama3.2:3b was used"),
        ("balanced", "llama3.2:3b", ""),
        ("llama3.2:3b", "llama3.2:3b", ""),
        (None, "llama3.2:3b", ""),
        ("gpt-4", None, ""),
    ],
)
def test_another_model_than_the_wanted_one_is_named(wanted: str | None, used: str | None, note: str) -> None:
    grounded = Grounded(figures=1, verified=1, refused=0, worded_by="model" if used else "template", note="")
    answer = Answer.model_construct(answer="x", model_used=used, grounded=grounded)
    settings = Settings.model_construct(ollama=OllamaSettings())
    assert _with_model(answer, wanted, settings).grounded.note == note
