"""Backup and restore killed, out of room, damaged: the last good one stays, nothing is ever half restored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from homepot_ai.backup import places
from homepot_ai.settings import Settings
from tests.faults.compare import Content, content, differ
from tests.faults.conftest import NOW, Copy
from tests.faults.record import Case
from tests.faults.test_fault_disk import make_room, small_disk

pytestmark = pytest.mark.faults

MINUTE = timedelta(minutes=1)
SCORE = "flows.health.score_health"
BACKUP, RESTORE = "flows.backup.backup_memory", "flows.backup.restore_memory"
WHERE = (0.25, 0.5, 0.75, 1.0)
#: What backups and restores write about themselves is no part of what is restored.
OWN = ("ai_backups", "ai_restore_drills")


def kept(copy: Copy) -> list[str]:
    """Names of the backups that an operator is offered."""
    folder = places.folder_of(Settings(var_dir=copy.var))
    return [one.name for one in places.stored(folder)] if folder.exists() else []


def held(copy: Copy) -> Content:
    return {table: rows for table, rows in content(copy.database).items() if table not in OWN}


def test_a_backup_is_killed_at_every_stage(fleet: Copy, case: Case) -> None:
    first = fleet.run(BACKUP, NOW)
    assert first["good"], first
    where = [max(1, round(first["points"] * share)) for share in WHERE]
    case.inject("process", f"kill -9 of backup-memory after {', '.join(map(str, where))} steps outside")
    whole = kept(fleet)
    assert len(whole) == 1
    for number, point in enumerate(where, start=1):
        killed = fleet.run(BACKUP, NOW + number * MINUTE, point)
        assert "killed" in killed, killed
        assert set(whole) <= set(kept(fleet)), "the last good one is gone"
    with case.healing():
        again = fleet.run(BACKUP, NOW + 10 * MINUTE)
        assert again["good"], again
    # Everything that is offered can be opened and answers; a half one would be refused here.
    names = kept(fleet)
    look = {"action": "dry run"}
    bad = [n for n in names if not fleet.run(RESTORE, NOW + 11 * MINUTE, backup_name=n, **look)["good"]]
    case.judge(
        lost=len(bad) + len(set(whole) - set(names)), twice=len(names) - len(set(names)),
        of=f"{len(names)} backups offered, each opened", told="run Crashed; backup-memory",
    )  # fmt: skip


def test_a_restore_is_killed_at_every_stage(fleet: Copy, case: Case) -> None:
    assert fleet.run(SCORE, NOW)["good"]
    assert fleet.run(BACKUP, NOW)["good"]
    [name] = kept(fleet)
    expected = held(fleet)
    undisturbed = fleet.run(RESTORE, NOW + MINUTE, action="restore", backup_name=name)
    assert undisturbed["good"], undisturbed
    where = [max(1, round(undisturbed["points"] * share)) for share in WHERE]
    case.inject("process", f"kill -9 of restore-memory after {', '.join(map(str, where))} steps outside")
    lost = twice = 0
    for number, point in enumerate(where):
        at = NOW + (2 + 3 * number) * MINUTE
        # What has happened since the backup, and is to be undone by the restore.
        assert fleet.run(SCORE, NOW + MINUTE)["good"]
        since = held(fleet)
        killed = fleet.run(RESTORE, at, point, action="restore", backup_name=name)
        assert "killed" in killed, killed
        between = held(fleet)
        # Before or after, never between.
        halves = [differ(one, between) for one in (since, expected)]
        assert any(not (half.lost or half.twice) for half in halves), f"at {point}: {halves}"
        with case.healing():
            again = fleet.run(RESTORE, at + MINUTE, action="restore", backup_name=name)
            assert again["good"], again
        found = differ(expected, held(fleet))
        lost, twice = lost + sum(found.lost.values()), twice + sum(found.twice.values())
    rows = sum(map(len, expected.values()))
    case.judge(lost=lost, twice=twice, of=f"{rows:,} rows, {len(where)} times", told="run Crashed")


def test_the_disk_is_full_while_a_backup_is_written(fleet: Copy, case: Case, tmp_path: Path) -> None:
    case.inject("disk", "no room for another backup beside the good one")
    with small_disk(tmp_path / "small", 262_144) as disk:
        fleet.environment["HOMEPOT_AI_BACKUP__DIR"] = str(disk)
        assert fleet.run(BACKUP, NOW)["good"]
        [good] = [one.name for one in places.stored(disk)]
        used = sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())
        make_room(disk, used // 1024 + 200)
        refused = fleet.run(BACKUP, NOW + MINUTE)
        assert not refused["good"], refused
        assert "not enough room" in refused["message"]
        assert [one.name for one in places.stored(disk)] == [good]
        make_room(disk, 524_288)
        with case.healing():
            assert fleet.run(BACKUP, NOW + 2 * MINUTE)["good"]
        names = [one.name for one in places.stored(disk)]
        opened = fleet.run(RESTORE, NOW + 3 * MINUTE, action="dry run", backup_name=good)
    case.judge(
        lost=(good not in names) + (not opened["good"]), twice=len(names) - 2, of="2 backups",
        told="run Failed: not enough room, with both figures and what to do; backup-memory",
    )  # fmt: skip


def test_a_damaged_backup_is_restored(fleet: Copy, case: Case) -> None:
    case.inject("disk", "a byte of the newest backup is changed, then it is to be restored")
    assert fleet.run(BACKUP, NOW)["good"]
    [one] = places.stored(places.folder_of(fleet.settings))
    bytes_ = bytearray(one.path.read_bytes())
    bytes_[len(bytes_) // 2] ^= 0xFF
    one.path.write_bytes(bytes(bytes_))
    before = held(fleet)
    refused = fleet.run(RESTORE, NOW + MINUTE, action="restore", backup_name=one.name)
    assert not refused["good"], refused
    assert "its checksum is another one" in refused["message"]
    found = differ(before, held(fleet))
    print(found.what)
    with case.healing():
        assert fleet.run(BACKUP, NOW + 2 * MINUTE)["good"]
    case.judge(
        lost=sum(found.lost.values()), twice=sum(found.twice.values()),
        of=f"{sum(map(len, before.values())):,} rows",
        told="run Failed: damaged, its checksum is another one; backup list",
    )  # fmt: skip
