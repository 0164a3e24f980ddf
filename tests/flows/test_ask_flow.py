"""The flow `ask`: a question on a form, its answer as result and as artifact."""

from __future__ import annotations

import pytest

from flows.ask import ask
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, artifact, run
from tests.support import START, small_fleet

pytestmark = pytest.mark.slow


def test_a_question_on_the_form(database: Database, connect: Connect) -> None:
    connect(database, OLLAMA__ENABLED="false")
    small_fleet(database, devices=2)
    said = run(ask, question="which devices are at Berlin", at=START)
    assert said.is_completed(), said.message
    page = artifact("ask")
    assert "| Checkout 1 | Berlin |" in page
    assert "Understood as: Which devices are there: Berlin" in page
    assert said.result()["intent"] == "list_devices"
    # Without a word it says what can be asked; what it refuses is an answer, not a failure.
    assert "Kinds of questions" in str(run(ask).message)
    refused = run(ask, question="restart <b>Checkout 1</b>")
    assert refused.is_completed()
    assert "\\<b\\>" in artifact("ask")
    wrong = run(ask, question="how is Checkout 1", timezone="Atlantis/City")
    assert wrong.is_failed()
    assert "docs/runbooks/ask.md" in artifact("ask")
