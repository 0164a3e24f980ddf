"""The client against a real HTTP server that plays Ollama: every way to fail has a name and an end."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from homepot_ai.language.model import NoModel, Outcome, Prompt
from homepot_ai.language.ollama import Ollama, model_of
from homepot_ai.language.probe import Way
from homepot_ai.language.tripping import Tripping
from homepot_ai.settings import OllamaSettings, Settings
from homepot_ai.store import llm
from homepot_ai.store.database import Database
from homepot_ai.testing.ollama_server import OllamaServer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIGHT = Prompt("test", "Which colour has the light? Answer in JSON.", "The light is green.")
#: Short, so that what hangs costs little; far longer than an honest answer takes.
DEADLINE_S = 0.6


class Light(BaseModel):
    """What is asked for in these tests."""

    colour: str
    sure: bool


def client(server: OllamaServer, folder: Path, db: Database | None = None, **changed: Any) -> Ollama:
    settings = OllamaSettings(url=server.url, **changed)
    return Ollama(settings, db, folder / "models.json", now=lambda: NOW)


def ask(ollama: Ollama, prompt: Prompt = LIGHT, **how: Any) -> Any:
    return ollama.ask(prompt, Light, **({"deadline_s": 10, "wait_s": 0.2} | how))


def test_a_question_is_asked_as_it_must_be(tmp_path: Path) -> None:
    with OllamaServer() as server:
        call = ask(client(server, tmp_path))
        (asked,) = server.script.questions()
    assert (call.outcome, call.reply) == (Outcome.OK, Light(colour="green", sure=True))
    assert (call.model, call.digest) == ("llama3.2:3b", server.script.digest("llama3.2:3b"))
    # Not said, Ollama takes its own: 2 048 or 4 096 tokens, and cuts the prompt without a word.
    assert asked["options"]["num_ctx"] == 8192
    assert isinstance(asked["options"]["seed"], int)
    assert asked["options"]["num_predict"] > 0
    assert asked["keep_alive"] == "30m"
    assert asked["stream"] is False
    assert not asked.get("tools")
    assert asked["format"]["required"] == ["nonce", "colour", "sure"]
    first, last = asked["messages"]
    assert first["content"] == LIGHT.instructions
    assert last["content"].endswith(LIGHT.instructions)
    nonce = last["content"].splitlines()[0].rpartition(" ")[2]
    assert nonce not in str(asked["format"]), "a schema that holds the word would let it come back unread"


FAULTS = {
    "hang": Outcome.TIMEOUT,
    "slow": Outcome.TIMEOUT,
    "trickle": Outcome.TIMEOUT,
    "huge": Outcome.GARBAGE,
    "garbage": Outcome.GARBAGE,
    "prose": Outcome.GARBAGE,
    "empty": Outcome.GARBAGE,
    "truncated": Outcome.TRUNCATED,
    "wrong_schema": Outcome.WRONG_SCHEMA,
    "prompt_cut": Outcome.PROMPT_CUT,
    "500": Outcome.REFUSED,
    "503": Outcome.REFUSED,
    "cut": Outcome.CUT,
    "model_gone": Outcome.MISSING,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_has_a_name_and_ends_in_time(fault: str, tmp_path: Path) -> None:
    with OllamaServer(fault) as server:
        # Whoever is asked while a server hangs must not wait longer than he said: three times as long is a
        # machine that is busy, not a client that waits for the server.
        limit = DEADLINE_S if FAULTS[fault] is Outcome.TIMEOUT else 10.0
        begun = time.monotonic()
        call = ask(client(server, tmp_path), deadline_s=limit)
        took = time.monotonic() - begun
    assert call.outcome is FAULTS[fault]
    assert call.reply is None
    assert call.detail
    assert took < 3 * limit


def test_nobody_listens(tmp_path: Path) -> None:
    with OllamaServer() as server:
        pass
    ollama = client(server, tmp_path)
    call = ask(ollama)
    assert (call.outcome, call.model) == (Outcome.UNREACHABLE, "")
    assert server.url in call.detail


@pytest.mark.parametrize("slip", ["prose", "truncated", "500", "cut", "wrong_schema", "prompt_cut"])
def test_a_second_try_mends_a_slip(slip: str, tmp_path: Path) -> None:
    with OllamaServer(slip, "well") as server:
        call = ask(client(server, tmp_path))
        first, second = server.script.questions()
    assert call.outcome is Outcome.OK
    assert "first try" in call.detail
    # The same question with the same seed would be answered the same.
    assert first["options"]["seed"] != second["options"]["seed"]


def test_there_is_no_third_try(tmp_path: Path) -> None:
    with OllamaServer("prose", "prose", "well") as server:
        assert ask(client(server, tmp_path)).outcome is Outcome.GARBAGE
        assert len(server.script.questions()) == 2


class TestWhichModel:
    def test_another_stands_in_for_one_that_is_not_installed(self, tmp_path: Path) -> None:
        with OllamaServer(models={"mistral:7b": 1}) as server:
            call = ask(client(server, tmp_path))
        assert (call.outcome, call.model) == (Outcome.OK, "mistral:7b")
        assert "llama3.2:3b is not installed, mistral:7b stands in" in call.detail

    def test_none_is_installed(self, tmp_path: Path) -> None:
        with OllamaServer(models={"other:1b": 1}) as server:
            call = ask(client(server, tmp_path), model="fast")
        assert call.outcome is Outcome.MISSING
        assert "ollama pull phi3.5:3.8b" in call.detail

    def test_one_is_asked_for(self, tmp_path: Path) -> None:
        with OllamaServer(models={"other:1b": 1, "llama3.2:3b": 1, "mistral:7b": 1}) as server:
            ollama = client(server, tmp_path)
            assert ask(ollama, model="accurate").model == "mistral:7b"
            # What nobody configured is not used: its answers were never looked at.
            assert ask(ollama, model="other:1b").model == "llama3.2:3b"

    def test_one_that_was_removed_just_now(self, tmp_path: Path) -> None:
        with OllamaServer("model_gone", "well") as server:
            call = ask(client(server, tmp_path))
        assert (call.outcome, call.model) == (Outcome.OK, "phi3.5:3.8b")


@pytest.mark.parametrize(
    ("quirk", "way"),
    [
        ("well", Way("schema", False)),
        ("no_think", Way("schema", None)),
        ("schema_needs_think", Way("schema", None)),
        ("only_text", Way("schema", False)),
    ],
)
def test_the_way_that_works_with_a_model_is_found_out_once(quirk: str, way: Way, tmp_path: Path) -> None:
    with OllamaServer(quirk) as server:
        ollama = client(server, tmp_path)
        assert ask(ollama, deadline_s=20).outcome is Outcome.OK
        probed = len(server.script.questions()) - 1
        assert ollama.notes.way(server.script.digest("llama3.2:3b")) == way
        # Another process knows it from the file; another edition of the model is another model.
        later = client(server, tmp_path)
        assert ask(later, deadline_s=20).outcome is Outcome.OK
        assert len(server.script.questions()) == probed + 2
        server.script.edition = 2
        assert ask(client(server, tmp_path), deadline_s=20).outcome is Outcome.OK
        assert len(server.script.questions()) == 2 * probed + 3


def test_who_has_little_time_does_not_wait_for_a_probe(tmp_path: Path) -> None:
    with OllamaServer() as server:
        ask(client(server, tmp_path), deadline_s=2)
        assert len(server.script.questions()) == 1


class TestTheBudget:
    def test_what_may_be_left_out_goes_first(self, tmp_path: Path) -> None:
        lines = tuple(f"event {number}: the till was restarted by somebody" for number in range(60))
        long = Prompt("test", LIGHT.instructions, LIGHT.data, (("a", "{}"),), lines)
        with OllamaServer() as server:
            call = ask(client(server, tmp_path, num_ctx=1024), long)
            (asked,) = server.script.questions()
        assert call.outcome is Outcome.OK
        assert "optional parts had no room" in call.detail
        assert "event 0:" in asked["messages"][1]["content"]
        assert "event 59:" not in asked["messages"][1]["content"]
        assert LIGHT.data in asked["messages"][1]["content"]

    def test_what_may_not_be_left_out_is_not_sent(self, tmp_path: Path) -> None:
        with OllamaServer() as server:
            call = ask(client(server, tmp_path, num_ctx=1024), Prompt("test", "Say.", "f1 is green. " * 200))
            assert server.script.asked == []
        assert call.outcome is Outcome.TOO_LONG


class TestTheCache:
    def test_the_same_question_is_asked_once(self, tmp_path: Path) -> None:
        with OllamaServer() as server:
            ollama = client(server, tmp_path)
            first, again = ask(ollama), ask(ollama)
            other = ask(ollama, Prompt("test", LIGHT.instructions, "The light is red."))
            assert len(server.script.questions()) == 2
        assert (again.outcome, again.reply) == (Outcome.CACHED, first.reply)
        assert other.outcome is Outcome.OK

    def test_another_edition_of_the_model_is_asked_anew(self, tmp_path: Path) -> None:
        with OllamaServer() as server:
            ollama = client(server, tmp_path)
            ask(ollama)
            server.script.edition = 2
            ollama._listed.put("", ollama.line.models(deadline_s=5))
            assert ask(ollama).outcome is Outcome.OK

    def test_a_failure_is_not_kept(self, tmp_path: Path) -> None:
        with OllamaServer("prose", "prose", "well") as server:
            ollama = client(server, tmp_path)
            assert ask(ollama).outcome is Outcome.GARBAGE
            assert ask(ollama).outcome is Outcome.OK


def test_one_question_at_a_time_whoever_asks(tmp_path: Path, database: Database) -> None:
    with OllamaServer(rate=100) as server:
        # Two objects: as two processes, with nothing in common but the database.
        both = [client(server, tmp_path, database, cache_entries=0) for _ in range(2)]
        calls: list[Any] = []
        threads = [
            threading.Thread(target=lambda one=one: calls.append(ask(one, wait_s=20, deadline_s=30)))
            for one in [*both, *both]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [call.outcome for call in calls] == [Outcome.OK] * 4
        assert server.script.most_at_once == 1


def test_who_does_not_get_the_turn_goes_on_without(tmp_path: Path, database: Database) -> None:
    with OllamaServer("hang") as server:
        slow = threading.Thread(target=lambda: ask(client(server, tmp_path, database), deadline_s=3))
        slow.start()
        while not server.script.questions():
            time.sleep(0.01)
        call = ask(client(server, tmp_path, database), wait_s=0.05, deadline_s=3)
        assert call.outcome is Outcome.BUSY
        assert len(server.script.questions()) == 1
        slow.join()
        # The turn of a question that came to nothing is free again.
        server.script.behave = ["well"]
        assert ask(client(server, tmp_path, database), wait_s=5).outcome is Outcome.OK


def test_a_call_that_was_given_up_stops_the_server_too(tmp_path: Path) -> None:
    with OllamaServer("hang") as server:
        ask(client(server, tmp_path), deadline_s=0.3)
        end = time.monotonic() + 10
        while server.script.at_once and time.monotonic() < end:
            time.sleep(0.01)
        assert server.script.at_once == 0


def test_a_run_does_not_ask_again_what_was_away(tmp_path: Path) -> None:
    with OllamaServer("hang") as server:
        run = Tripping(client(server, tmp_path))
        outcomes = [run.ask(LIGHT, Light, deadline_s=0.3, wait_s=0).outcome for _ in range(3)]
        assert outcomes == [Outcome.TIMEOUT] * 3
        assert len(server.script.questions()) == 1


def test_every_call_is_noted_down(tmp_path: Path, database: Database) -> None:
    with OllamaServer("well", "prose") as server:
        ollama = client(server, tmp_path, database)
        good = ask(ollama)
        ollama.verdicts(good.record, verified=3, refused=1, reasons={"unknown word": 1})
        cached = ask(ollama)
        bad = ask(ollama, Prompt("other", "Say.", "f1"))
    with database.reader() as conn:
        rows = conn.execute(
            "SELECT id, at, purpose, model, outcome, answer, verdicts, latency_ms > 0, prompt_tokens > 0, "
            "prompt_hash FROM ai_llm_calls ORDER BY id"
        ).fetchall()
        counts = {one.outcome: one for one in llm.outcomes(conn, NOW)}
    assert [row[0] for row in rows] == [good.record, cached.record, bad.record]
    assert [row[4] for row in rows] == ["ok", "cached", "no JSON"]
    first, _, last = rows
    assert first[1:4] == (NOW, "test", "llama3.2:3b")
    assert first[6] == {"verified": 3, "refused": 1, "reasons": {"unknown word": 1}}
    assert (first[7], first[8]) == (True, True)
    assert "I am sorry" in last[5]
    assert first[9] == rows[1][9] != last[9]
    assert (counts["ok"].calls, counts["ok"].verified, counts["ok"].refused) == (1, 3, 1)


def test_words_do_not_wait_for_a_database_that_is_away(tmp_path: Path) -> None:
    away = Database("postgresql://127.0.0.1:9/nobody?connect_timeout=2")
    with OllamaServer() as server:
        call = ask(client(server, tmp_path, away))
    # Whose turn it is cannot be known: so nobody is asked, and the template speaks.
    assert (call.outcome, call.record) == (Outcome.BUSY, None)


def test_a_model_is_ready_before_somebody_waits_for_it(tmp_path: Path) -> None:
    with OllamaServer() as server:
        ollama = client(server, tmp_path)
        assert ollama.warm(deadline_s=10) == "llama3.2:3b is ready"
        assert server.script.loaded == {"llama3.2:3b"}
        assert ollama.line.loaded(deadline_s=5) == {"llama3.2:3b": server.script.models["llama3.2:3b"]}
    assert "does not answer" in client(server, tmp_path).warm(deadline_s=1)


def test_switched_off(settings: Settings) -> None:
    assert isinstance(model_of(settings, None), NoModel)
    on = settings.model_copy(update={"ollama": OllamaSettings()})
    assert isinstance(model_of(on, None), Ollama)
