"""The last day of a real HOMEPOT's data through scoring and incidents, as the benchmark does."""

from __future__ import annotations

from collections import Counter

from benchmarks import incidents as bench
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database


def test_a_day_of_the_dump(homepot_dump: Database, settings: Settings) -> None:
    play = bench.replay(homepot_dump, settings, 1)
    before, after = sum(play.before.values()), sum(play.after.values())
    assert before > 40
    assert 0 < after < before / 2
    for number, incident in play.ledger.history.items():
        kinds = Counter(event.kind for event in play.ledger.events[number])
        assert kinds["opened"] == (incident.opened_at is not None)
        assert kinds["closed"] == (incident.state == "closed")
    shown = bench.shown(play)
    assert shown["pages_after"] == after
    bench.calm(play, play.end)
    assert {incident.state for incident in play.ledger.history.values()} == {"closed", "discarded"}
