"""The monthly look at language models, and their line among the services."""

from __future__ import annotations

import pytest

from flows.models import check_models
from flows.services import check_services
from homepot_ai.store.database import Database
from homepot_ai.testing.ollama_server import OllamaServer
from tests.flows.conftest import Connect, artifact, rows, run

pytestmark = pytest.mark.slow


def test_models_are_looked_at_also_where_none_are(database: Database, connect: Connect) -> None:
    with OllamaServer() as server:
        connect(database, OLLAMA__ENABLED="true", OLLAMA__URL=server.url)
        state = run(check_models)
        assert state.message == "3 of 3 configured models are installed"
        assert "| llama3.2:3b | balanced | 2.0 GB |" in artifact("check-models")
    state = run(check_models)
    assert (state.name, "does not answer" in (state.message or "")) == ("Completed", True)
    run(check_services)
    assert rows(database, "SELECT state FROM ai_service_checks WHERE service = 'ollama'") == [("degraded",)]
    connect(database, OLLAMA__ENABLED="false")
    assert run(check_models).message == "switched off"
