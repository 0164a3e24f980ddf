"""A question in plain words, answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homepot_ai.answers.contracts import Answer, Query
    from homepot_ai.language.model import Model
    from homepot_ai.questions.types import Asker
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database


def query(
    db: Database, settings: Settings, question: Query, asker: Asker, model: Model, now: datetime
) -> Answer:
    """Answer a question."""
    raise NotImplementedError("ROUTE builds this")
