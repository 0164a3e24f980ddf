"""Examples to learn from: what is in a line, what is in no file, and the same bytes again."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from homepot_ai.errors import ArchiveError, SettingsError
from homepot_ai.retention import archive, training
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.support import small_fleet

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLOSED = datetime(2026, 10, 7, 9, 30, tzinfo=UTC)
DOCS = Path(__file__).resolve().parents[2] / "docs"

# Planted wherever people or foreign systems write: none of them may be in a file.
MARKERS = (
    "Zacharias", "Quendolin", "zack@quendel.example", "hunter2secret", "+49 30 5556677", "10.77.88.99",
    "fe80::dead:beef", "ghp_A1b2C3d4E5f6G7h8I9j0", "02:42:ac:11:00:02", "Checkout 2", "DEVICE-QXZ-2",
    "Lagerhalle", "https://intra.quendel.example/x", "Brunhilde",
)  # fmt: skip


@pytest.fixture
def closed(database: Database) -> Database:
    small_fleet(database, 3)
    written = (
        "Zacharias Quendolin swapped the fan of Checkout 2 (DEVICE-QXZ-2) at Lagerhalle; login 10.77.88.99 "
        "password hunter2secret, call +49 30 5556677 or zack@quendel.example, see "
        "https://intra.quendel.example/x; asked Brunhilde Meyer"
    )
    facts = {
        "metrics": [
            {
                "metric": "cpu_percent",
                "observed": 97.2,
                "low": 20.0,
                "high": 60.0,
                "direction": "high",
                "unit": "%",
            }
        ],
        "devices": [2],
        "events": [
            "token ghp_A1b2C3d4E5f6G7h8I9j0 refused from fe80::dead:beef (02:42:ac:11:00:02) on Checkout 2"
        ],
    }
    with database.admin() as conn:
        conn.execute("UPDATE sites SET name = 'Lagerhalle'")
        conn.execute("UPDATE devices SET device_id = 'DEVICE-QXZ-' || id")
        conn.execute(
            "INSERT INTO users (id, username, email, hashed_password) "
            "VALUES (1, 'zq', 'zacharias.quendolin@quendel.example', 'x')"
        )
        for at, resolution, by, mark in (
            (CLOSED, written, "Zacharias Quendolin", True),
            (CLOSED + timedelta(days=1), "nothing of it is to be seen", "rule", None),
            (CLOSED + timedelta(days=2), None, "Brunhilde", False),
            (CLOSED - timedelta(days=30), "restarted", "Brunhilde", None),
            (CLOSED - timedelta(days=300), "long ago", "Brunhilde", None),
        ):
            conn.execute(
                "INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, "
                "category, title, state, severity, initial_severity, peak_severity, conclusion, provenance, "
                "started_at, opened_at, closed_at, closed_by, resolution, initial, facts, mark, updated_at) "
                "VALUES ('f', 'device', 1, 2, 'pos_terminal', 'cpu_percent.high', 'performance', "
                "'Checkout 2', 'closed', 'warning', 'warning', 'critical', 'LIKELY', 'controlled', %(from)s, "
                "%(from)s, %(at)s, %(by)s, %(said)s, '{}', %(facts)s, %(mark)s, %(at)s)",
                {
                    "from": at - timedelta(minutes=90), "at": at, "by": by, "said": resolution,
                    "facts": json.dumps(facts), "mark": mark,
                },
            )  # fmt: skip
        conn.execute(
            "INSERT INTO ai_actions (key, incident_id, category, kind, action, action_key, done_by, done_at, "
            "recorded_at, source, outcome, judged_at) VALUES ('k', 1, 'performance', 'taken', "
            "'fan swapped by Zacharias', 'swap', 'Zacharias Quendolin', %(at)s, %(at)s, 'flow', 'helped', "
            "%(at)s)",
            {"at": CLOSED - timedelta(minutes=30)},
        )
    return database


def test_a_month_is_a_file_of_examples_without_persons(closed: Database, settings: Settings) -> None:
    dry = training.export(closed, settings, NOW, dry_run=True)
    assert not dry.folder.exists()
    assert not (settings.var_dir / "keys").exists()
    done = training.export(closed, settings, NOW)
    assert [(one.month, one.examples, one.left_out) for one in done.files] == [
        ("2026-06", 0, 0), ("2026-07", 0, 0), ("2026-08", 0, 0), ("2026-09", 1, 0), ("2026-10", 2, 1),
    ]  # fmt: skip
    assert [one.examples for one in dry.files] == [one.examples for one in done.files]
    every = "".join(path.read_text() for path in sorted(done.folder.iterdir()))
    assert [marker for marker in MARKERS if marker.casefold() in every.casefold()] == []
    lines = (done.folder / "incidents-2026-10.jsonl").read_text().splitlines()
    first, false_alarm = (json.loads(line) for line in lines)
    roles = [message["role"] for message in first["messages"]]
    assert roles == ["system", "user", "assistant"]
    asked, answered = first["messages"][1]["content"], first["messages"][2]["content"]
    assert asked.startswith("pos terminal, performance. CPU overloaded: 97.2 %")
    device = first["device"]
    assert answered.startswith(
        f"[person] [person] swapped the fan of {device} ({device}) at {first['site']}; "
    )
    assert "Done: fan swapped by [person]; it helped." in answered
    assert first["actions"] == [
        {"action": "fan swapped by [person]", "taken": True, "outcome": "helped", "minutes": 60}
    ]
    assert (first["facts"]["minutes"], first["facts"]["metrics"][0]["observed"]) == (90, 97.2)
    assert first["provenance"] == "controlled"
    assert first["license"] == "Private to HOMEPOT; not for publication"
    assert false_alarm["messages"][2]["content"] == "It was a false alarm."
    assert false_alarm["device"] == device
    # Every field is in the page that documents the schema.
    page = (DOCS / "training-data.md").read_text()
    named = set(re.findall(r"`([a-z_.]+)`", page))
    fields = {f for f in first if f != "facts"} | {f"facts.{f}" for f in first["facts"]}
    fields |= set(first["actions"][0]) | set(first["facts"]["metrics"][0])
    assert fields - named == set()


def test_the_same_incidents_give_the_same_bytes(closed: Database, settings: Settings) -> None:
    done = training.export(closed, settings, NOW)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in done.folder.iterdir()}
    again = training.export(closed, settings, NOW + timedelta(days=3))
    assert not any(one.changed for one in again.files)
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in done.folder.iterdir()} == before
    # What is learned later changes the file of that month, and no other; a killed run's half is no file.
    (done.folder / "incidents-2026-10.jsonl.part").write_text('{"half')
    with closed.admin() as conn:
        conn.execute("UPDATE ai_incidents SET resolution = 'cable replaced' WHERE id = 4")
    later = training.export(closed, settings, NOW)
    assert [one.month for one in later.files if one.changed] == ["2026-09"]
    manifest = json.loads((done.folder / training.MANIFEST).read_text())
    for one in manifest["files"]:
        assert archive.digest(done.folder / one["file"]) == one["sha256"]
    assert sum(one["examples"] for one in manifest["files"]) == 3
    # Months leave the window, and their files with them.
    spring = training.export(closed, settings, NOW + timedelta(days=150))
    assert spring.gone == tuple(f"incidents-2026-{month:02}.jsonl" for month in (6, 7, 8, 9, 10))
    manifest = json.loads((done.folder / training.MANIFEST).read_text())
    assert [one["month"] for one in manifest["files"]] == [one.month for one in spring.files]


def test_one_month_asked_for(closed: Database, settings: Settings, tmp_path: Path) -> None:
    one = training.export(closed, settings, NOW, month=date(2026, 11, 1), folder=tmp_path / "out")
    assert [(file.month, file.examples) for file in one.files] == [("2026-11", 0)]
    with pytest.raises(SettingsError, match="2025-12 is outside of the training window"):
        training.export(closed, settings, NOW, month=date(2025, 12, 1))
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(ArchiveError, match="could not be written"):
        training.export(closed, settings, NOW, folder=blocked)


def test_the_key_is_made_once_and_kept_from_others(closed: Database, settings: Settings) -> None:
    first = training.export(closed, settings, NOW)
    key = settings.var_dir / "keys" / "training.key"
    assert key.stat().st_mode & 0o777 == 0o600
    kept = (first.folder / "incidents-2026-10.jsonl").read_bytes()
    assert first.folder.stat().st_mode & 0o077 == 0
    key.unlink()
    training.export(closed, settings, NOW)
    assert (first.folder / "incidents-2026-10.jsonl").read_bytes() != kept, "other pseudonyms"
    key.write_bytes(b"short")
    with pytest.raises(ArchiveError, match=r"training\.key is damaged"):
        training.export(closed, settings, NOW)
