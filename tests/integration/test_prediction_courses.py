"""Courses before failures become patterns that memory finds again."""

from __future__ import annotations

import pytest

from homepot_ai.memory import courses as recall
from homepot_ai.memory import keeping
from homepot_ai.memory.index import Folder
from homepot_ai.prediction import courses
from homepot_ai.reporting import progressions
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.prediction_world import DAY, NOW, hours_of, outcome, rows, world

pytestmark = pytest.mark.slow


def test_a_filling_disk_is_found_like_an_earlier_one(database: Database, settings: Settings) -> None:
    world(database)
    # Two courses that ended badly, one device that goes the same way, one that was seen for too short.
    hours_of(database, 1, NOW - 40 * DAY, 30 * 24, 60.0, 0.05)
    hours_of(database, 2, NOW - 40 * DAY, 30 * 24, 50.0)
    hours_of(database, 3, NOW - 30 * DAY, 30 * 24, 58.0, 0.045)
    hours_of(database, 4, NOW - 2 * DAY, 24, 50.0)
    for device in (1, 2):
        outcome(database, device, NOW - 10 * DAY, ended=NOW - 9 * DAY)
    outcome(database, 4, NOW - DAY, ended=NOW)
    assert courses.keep(database, NOW) == 2
    assert courses.keep(database, NOW) == 0
    kept = rows(database, "SELECT device_id, kind, category, metrics, pattern_description "
                          "FROM ai_incident_patterns ORDER BY device_id")  # fmt: skip
    assert [row[:4] for row in kept] == [
        (1, "course", "storage", ["disk_percent"]),
        (2, "course", "performance", []),
    ]
    assert "Disk percent rose from 63 to 95.4, 1.2 a day." in kept[0][4]
    with database.reader() as conn:
        text = courses.text_of(conn, 3, NOW, "pos_terminal")
        assert recall.similar(conn, Folder.of(settings), settings, text, NOW) == [], "there is no index yet"
        assert progressions.similar(conn, settings, [3], NOW) == {}
    assert keeping.learn(database, settings, NOW).embedded == 2
    with database.reader() as conn:
        found = recall.similar(conn, Folder.of(settings), settings, text, NOW)
        early = recall.similar(conn, Folder.of(settings), settings, text, NOW - 11 * DAY)
        told = progressions.similar(conn, settings, [3], NOW)
    assert found[0].pattern.device_id == 1
    assert early == []
    assert told[3][0].startswith(f"device 1 was like that before it failed on {NOW - 10 * DAY:%d %b %Y}")
