"""What a server holds against what is configured; preferences; what retention drops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from homepot_ai.cli.main import app
from homepot_ai.errors import SettingsError
from homepot_ai.language import survey
from homepot_ai.language.ollama import Ollama
from homepot_ai.retention import applying
from homepot_ai.settings import OllamaSettings, Settings, load_settings
from homepot_ai.store import llm, preferences
from homepot_ai.store.database import Database
from homepot_ai.store.preferences import Preference
from homepot_ai.testing.ollama_server import OllamaServer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(server: OllamaServer, settings: Settings) -> Ollama:
    changed = settings.model_copy(update={"ollama": OllamaSettings(url=server.url)})
    return Ollama.from_settings(changed, None)


def test_what_changed_since_the_last_look_is_told(settings: Settings) -> None:
    with OllamaServer() as server:
        first = survey.look(at(server, settings), NOW, probe=True)
        assert first.verdict == "3 of 3 configured models are installed"
        assert all(model.way is not None for model in first.models)
        asked = len(server.script.questions())
        del server.script.models["mistral:7b"]
        server.script.models["extra:1b"] = 1_000_000_000
        server.script.edition = 2
        later = survey.look(at(server, settings), NOW + timedelta(days=30), probe=False)
        assert len(server.script.questions()) == asked
    assert [(model.name, model.change) for model in later.models] == [
        ("llama3.2:3b", "another edition"),
        ("phi3.5:3.8b", "another edition"),
        ("mistral:7b", "removed"),
    ]
    page = later.markdown()
    assert "# 2 of 3 configured models are installed; 3 changed since the last look" in page
    assert "| mistral:7b | accurate | not installed | `ollama pull mistral:7b` | removed |  |" in page
    assert "| extra:1b | nothing | 1.0 GB |" in page
    assert "changes: since 2026-11-20" in page


def test_a_model_that_cannot_be_asked_in_any_way_is_named(settings: Settings) -> None:
    with OllamaServer("prose", models={"llama3.2:3b": 1}) as server:
        page = survey.look(at(server, settings), NOW, probe=True).markdown()
    assert "llama3.2:3b cannot be used" in page
    assert "no way of asking works with this model" in page


def test_who_never_had_a_server_is_not_told_every_day_that_there_is_none(settings: Settings) -> None:
    with OllamaServer() as server:
        ollama = at(server, settings)
    assert survey.check_service(ollama, NOW).state == "ok"
    with OllamaServer(models={"mistral:7b": 1}) as server:
        ollama = at(server, settings)
        there = survey.check_service(ollama, NOW)
        assert (there.state, "mistral:7b stands in" in there.detail) == ("degraded", True)
    gone = survey.check_service(ollama, NOW)
    assert gone.state == "degraded"
    assert "worded by its template until it does" in gone.detail


def test_preferences_are_kept_by_user_whatever_the_case(database: Database) -> None:
    with database.writer() as conn:
        assert preferences.get(conn, "ops@example.org") is None
        preferences.put(conn, " Ops@Example.org", Preference("executive", "de"), NOW, actor="test")
        assert preferences.get(conn, "ops@example.ORG") == Preference("executive", "de")
        preferences.put(conn, "ops@example.org", Preference("predictive", "en"), NOW, actor="test")
        assert [told for _, told, _ in preferences.everybody(conn)] == [Preference("predictive", "en")]
        assert preferences.forget(conn, "OPS@example.org", NOW, actor="test")
        assert preferences.get(conn, "ops@example.org") is None
        audited = conn.execute("SELECT action, details::text FROM ai_audit_log ORDER BY id").fetchall()
    assert [action for action, _ in audited] == ["set", "set", "removed"]
    assert not any("ops@" in details for _, details in audited)


@pytest.mark.parametrize("user", ["", "  ", "a\nb", "x" * 300])
def test_nobody_prefers_nothing(user: str, database: Database) -> None:
    with database.writer() as conn, pytest.raises(SettingsError, match="is no user"):
        preferences.put(conn, user, Preference("executive", "de"), NOW)


def test_calls_and_questions_go_with_the_scores(database: Database, settings: Settings) -> None:
    old, kept = NOW - timedelta(days=15), NOW - timedelta(days=13)
    with database.writer() as conn:
        for moment in (old, kept):
            llm.put_call(conn, llm.CallRow(moment, "x", "hash", "m", "d", {}, "ok", "a\x00b", 1.0))
            conn.execute(
                "INSERT INTO ai_questions (at, user_name, question, slots, how, outcome, response_ms) "
                "VALUES (%s, 'me', 'how?', '{}', 'rules', 'answered', 1)",
                [moment],
            )
    dry = applying.apply_retention(database, settings, NOW, dry_run=True)
    done = applying.apply_retention(database, settings, NOW, dry_run=False)
    for summary in (dry, done):
        assert [(part.what.split(" ")[0], part.rows) for part in summary.removed] == [
            ("llm", 1),
            ("questions", 1),
        ]
    with database.reader() as conn:
        assert conn.execute("SELECT at FROM ai_llm_calls").fetchall() == [(kept,)]
        assert conn.execute("SELECT at FROM ai_questions").fetchall() == [(kept,)]
    assert "2 rows" in done.markdown()


def test_the_commands(database: Database, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    with OllamaServer() as server:
        for name, value in {
            "DATABASE_URL": database.url,
            "VAR_DIR": str(settings.var_dir),
            "OLLAMA__URL": server.url,
        }.items():
            monkeypatch.setenv(f"HOMEPOT_AI_{name}", value)
        load_settings.cache_clear()
        try:
            runner = CliRunner()
            seen = runner.invoke(app, ["models", "--probe"], env={"COLUMNS": "140"})
            assert "3 of 3 configured models are installed" in seen.stdout
            assert "no model was asked in the last 7 days" in seen.stdout
            assert "nobody has said" in runner.invoke(app, ["prefer"]).stdout
            told = runner.invoke(app, ["prefer", "ops@example.org", "executive", "--language", "de"])
            assert "ops@example.org reads executive, de" in told.stdout
            # What is not said stays.
            told = runner.invoke(app, ["prefer", "ops@example.org", "predictive"])
            assert "reads predictive, de" in told.stdout
            assert "predictive" in runner.invoke(app, ["prefer"]).stdout
            assert "nothing is kept" in runner.invoke(app, ["prefer", "OPS@example.org", "--forget"]).stdout
            with database.writer() as conn:
                llm.put_call(
                    conn, llm.CallRow(datetime.now(UTC), "x", "h", "m", "d", {}, "busy", None, 300.0)
                )
            assert "busy" in runner.invoke(app, ["models"]).stdout
        finally:
            load_settings.cache_clear()
