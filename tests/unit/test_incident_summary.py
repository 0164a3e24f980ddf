"""What is told of a finding: its sentences say what memory found, and are kept as they were said."""

from __future__ import annotations

from datetime import UTC, datetime

from homepot_ai.alerts import summary
from homepot_ai.language.model import NoModel
from homepot_ai.language.narrate import narrate
from homepot_ai.memory.advice import Advice
from homepot_ai.memory.effect import wilson
from homepot_ai.memory.investigate import Finding
from homepot_ai.memory.similar import Found, Similar
from homepot_ai.settings import Settings
from homepot_ai.store.memory import IncidentRow, Pattern

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ROW = IncidentRow(
    42, "device", 1, 7, "pos_terminal", "memory_percent.high", "performance", "Till 7: Memory", "critical", 1,
    {}, None, "real", NOW, None, "f",
)  # fmt: skip
PAST = Pattern(
    1, "incident", 12, 7, 1, "pos_terminal", "performance", "critical", ("memory_percent:high",), "d", "h",
    "Restarted the service.", "held", datetime(2026, 10, 3, 8, 0, tzinfo=UTC),
)  # fmt: skip


def told(similar: tuple[Similar, ...], advice: Advice) -> summary.Summary:
    finding = Finding(ROW, "d", Found(similar, 0.9), {}, (), advice)
    book = summary.book_of(finding, (), Settings(database_url=None))
    return summary.summary_of(narrate(book, NoModel(), deadline_s=1, wait_s=0))


def test_nearest_its_end_and_what_helped() -> None:
    said = told((Similar(PAST, 0.874),), Advice("", "Restart the service.", None, wilson(3, 4), True))
    text = " ".join(said.sentences).replace("\xa0", " ")
    assert text == (
        "There is 1 similar past incident to incident 42: incident 12 of 3 October 2026, with a "
        "similarity of 87 %. The resolution of incident 12 was “Restarted the service”. The recommended "
        "action for incident 42 is “Restart the service”. It helped in 3 of 4 judged cases."
    )
    assert (said.by_model, said.refused) == (False, 0)
    assert summary.of_details({"summary": said.details()}) == said


def test_nothing_similar_and_a_damaged_record() -> None:
    said = told((), Advice("", None, None, wilson(0, 0), False))
    assert said.sentences == ("There is no similar past incident to incident 42.",)
    assert summary.of_details({"summary": {"sentences": 3}}) is None
