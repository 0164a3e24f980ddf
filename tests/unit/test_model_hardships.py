"""What a model's server and the file about it can be, and still nothing is raised and no time is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from homepot_ai.language import ollama, probe, wire
from homepot_ai.language.model import Outcome
from homepot_ai.language.talk import Failed
from homepot_ai.settings import OllamaSettings
from homepot_ai.testing.ollama_server import OllamaServer


@pytest.mark.parametrize(
    "held",
    ['{"ways": []}', '{"ways": null}', '{"ways": {"abc": 7}}', '{"ways": {"abc": [1, 2, 3]}}', "[", "[]"],
)
def test_a_damaged_file_about_models_is_an_empty_one(tmp_path: Path, held: str) -> None:
    notes = probe.Notes(tmp_path / "models.json")
    notes.path.write_text(held, encoding="utf-8")
    assert notes.way("abc") is None
    assert notes.seen("http://127.0.0.1:1") == {}
    notes.keep_way("abc", probe.Way("json", None))
    notes.keep_way("xyz", probe.Way("schema", False))
    assert probe.Notes(notes.path).way("abc") == probe.Way("json", None)
    assert probe.Notes(notes.path).way("xyz") == probe.Way("schema", False)


def test_a_model_answers_where_nothing_about_it_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with OllamaServer("well") as server:
        model = ollama.Ollama(OllamaSettings(url=server.url), None, tmp_path / "file" / "models.json")
        call = model.ask(probe.QUESTION, probe.Colour, deadline_s=30, wait_s=0)
    assert call.outcome is Outcome.OK


@pytest.mark.parametrize("text", ["<think>" * 20_000 + "{" * 1_000, "{" * 60_000, "x" * 1_900_000])
def test_an_endless_answer_is_refused_before_anybody_waits_for_it(text: str) -> None:
    # A pattern that looks back would take half a minute here.
    with pytest.raises(Failed):
        wire._json(text)


def test_what_was_thought_before_is_cut() -> None:
    assert wire._json('<think>{"a": 2}</think> {"a": 1}') == {"a": 1}
