"""What decides about backups, without a database: which stay, which is meant, what is secret."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from homepot_ai.backup import archive, belongings, counting, places, rotation, tools
from homepot_ai.backup.places import Command
from homepot_ai.backup.records import FORMAT, PROGRAM, Manifest, Member, Stored, Table
from homepot_ai.backup.rotation import RECENT, Keep
from homepot_ai.errors import ArchiveDamaged, BackupError, NotFound
from homepot_ai.settings import Settings
from tests.backup_world import SECRETS, settings_of

START = datetime(2026, 1, 1, 2, 15, tzinfo=UTC)
KEEP = Keep(daily=7, weekly=4, monthly=6)


def at(*moments: datetime) -> list[Stored]:
    return [Stored(places.name_at(one), Path(f"{n}.tar.gz"), one, 1, False) for n, one in enumerate(moments)]


def nights(count: int) -> list[Stored]:
    return at(*(START + timedelta(days=n) for n in range(count)))


def left(stored: list[Stored], keep: Keep = KEEP, bad: tuple[str, ...] = ()) -> list[Stored]:
    gone = {one.name for one in rotation.surplus(stored, keep, bad)}
    return [one for one in stored if one.name not in gone]


class TestRotation:
    def test_a_year_of_nights_leaves_days_weeks_and_months(self) -> None:
        kept = [f"{one.made_at:%m-%d}" for one in left(nights(330))]
        # 26 November is a Thursday: days of this week and the last, Sundays before, ends of months before.
        assert kept == [
            "06-30", "07-31", "08-31", "09-30", "10-31", "11-08", "11-15",
            "11-20", "11-21", "11-22", "11-23", "11-24", "11-25", "11-26",
        ]  # fmt: skip

    def test_night_after_night_it_comes_to_the_same(self) -> None:
        kept: list[Stored] = []
        for one in nights(330):
            kept = left([*kept, one])
        assert kept == left(nights(330))

    def test_after_months_without_a_backup_the_last_ones_are_still_there(self) -> None:
        old = nights(5)
        assert left([*old, *at(START + timedelta(days=300))]) == [*old, *at(START + timedelta(days=300))][:6]

    @given(
        st.lists(st.integers(0, 4000), min_size=1, max_size=60, unique=True),
        st.tuples(st.integers(1, 9), st.integers(0, 6), st.integers(0, 8)),
        st.integers(0, 2**12),
    )
    def test_the_newest_good_one_stays_whatever_there_is(
        self, hours: list[int], keep: tuple[int, int, int], chosen: int
    ) -> None:
        stored = at(*(START + timedelta(hours=hour) for hour in sorted(hours)))
        bad = tuple(one.name for n, one in enumerate(stored) if chosen >> (n % 12) & 1)
        good = [one for one in stored if one.name not in bad]
        kept = left(stored, Keep(*keep), bad)
        assert not good or good[-1] in kept
        settled = [one for one in kept if one in good and one.made_at <= good[-1].made_at - RECENT]
        assert len(settled) <= sum(keep)

    def test_one_made_by_hand_after_a_mishap_leaves_the_one_of_the_night(self) -> None:
        night, noon = at(START, START + timedelta(hours=9))
        assert left([night, noon], Keep(1, 0, 0)) == [night, noon]

    def test_one_that_failed_takes_no_good_ones_place(self) -> None:
        stored = nights(9)
        bad = tuple(one.name for one in stored[-3:])
        assert [one for one in left(stored, Keep(2, 0, 0), bad) if one.name not in bad] == stored[4:6]


class TestWhichOne:
    STORED = sorted(nights(3), key=lambda one: one.made_at, reverse=True)

    def test_the_newest_until_a_moment(self) -> None:
        assert places.pick(self.STORED) == self.STORED[0]
        assert places.pick(self.STORED, at=START + timedelta(days=1, hours=3)) == self.STORED[1]

    def test_none_until_then_says_which_is_the_oldest(self) -> None:
        with pytest.raises(
            BackupError, match="no backup until 2025-12-31 00:00 UTC; the oldest is backup-2026"
        ):
            places.pick(self.STORED, at=datetime(2025, 12, 31, tzinfo=UTC))

    def test_a_name_that_is_not_there_names_those_that_are(self) -> None:
        assert places.pick(self.STORED, name="20260102T021500Z") == self.STORED[1]
        with pytest.raises(NotFound, match="did you mean: backup-20260103T021500Z"):
            places.pick(self.STORED, name="backup-2027")


def test_only_archives_are_seen_and_halves_go(tmp_path: Path) -> None:
    for name in (
        "backup-20260102T021500Z.tar.gz", "backup-20260102T021500Z.tar.gz.sha256", "backup-x.tar.gz",
        "notes.txt",
        ".part-backup-20260103T021500Z.tar.gz", "backup-20260101T021500Z.tar.gz.sha256",
    ):  # fmt: skip
        (tmp_path / name).write_text("x")
    (tmp_path / ".part-drill").mkdir()
    assert [one.name for one in places.stored(tmp_path)] == ["backup-20260102T021500Z"]
    with places.one_at_a_time(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            ".lock", "backup-20260102T021500Z.tar.gz", "backup-20260102T021500Z.tar.gz.sha256",
            "backup-x.tar.gz",
            "notes.txt",
        ]  # fmt: skip
        with pytest.raises(BackupError, match="another backup or restore is at work"):
            places.one_at_a_time(tmp_path).__enter__()


def test_no_secret_of_the_settings_is_written_and_all_are_named(tmp_path: Path) -> None:
    text, names = belongings.settings_text(settings_of(tmp_path, passphrase="marker-pass", keep_daily=9))
    assert not [secret for secret in (*SECRETS.values(), "marker-pass") if secret in text]
    assert set(names) == {
        "mail.password", "alerts.channels.ops", "api.link_secret", "watch.ping_url", "backup.passphrase",
        "backup.second_command_env.TOKEN",
    }  # fmt: skip
    assert "keep_daily: 9" in text
    assert "user: reports" in text


def test_blocks_of_others_are_only_named() -> None:
    ours = {
        "name": "mail",
        "block_type": {"slug": "mail-server"},
        "data": {"host": "h", "password": "marker"},
    }
    theirs = {"name": "s3", "block_type": {"slug": "json"}, "data": {"value": {"key": "marker"}}}
    assert belongings.blocks_of([ours, theirs]) == [
        {"name": "s3", "type": "json", "data": None},
        {"name": "mail", "type": "mail-server", "data": {"host": "h"}},
    ]


def test_a_setting_that_an_older_server_does_not_know_is_left_out_of_the_header_only() -> None:
    line = b"SET transaction_timeout = 0;\n"
    script = b"SET lock_timeout = 0;\n" + line + b"CREATE TABLE t();\n" * 70 + line
    target, source = io.BytesIO(), io.BytesIO(script)
    tools._settings_of(source, target)
    assert (target.getvalue() + source.read()).count(line) == 1
    assert (target.getvalue()).startswith(b"SET lock_timeout")


def test_a_newer_server_than_every_pg_dump_is_said() -> None:
    assert tools.find(18).major >= 18
    with pytest.raises(
        BackupError, match=r"server is PostgreSQL 99.*install the package postgresql-client-99"
    ):
        tools.find(99)


def test_a_password_is_in_no_argument() -> None:
    url = "postgresql://ann:marker-pw@db.example:5433/homepot?sslmode=require"
    assert "marker-pw" not in tools._address(url)
    assert "sslmode=require" in tools._address(url)


def test_tables_that_differ() -> None:
    before = {"a": Table(rows=3, digest="1"), "b": Table(rows=3, digest="1"), "gone": Table(rows=1)}
    now = {"a": Table(rows=3, digest="1"), "b": Table(rows=3, digest="2"), "new": Table(rows=0, digest="0")}
    assert [one.table for one in counting.differences(before, now)] == ["b", "gone", "new"]


class TestSecondPlace:
    @pytest.fixture
    def stored(self, tmp_path: Path) -> tuple[Stored, str]:
        path = tmp_path / "backup-20260102T021500Z.tar.gz"
        path.write_bytes(os.urandom(100_000))
        one = Stored("backup-20260102T021500Z", path, START, 100_000, False)
        return one, archive.sha256(path)

    def test_a_copy_is_read_back_and_may_be_made_again(
        self, stored: tuple[Stored, str], tmp_path: Path
    ) -> None:
        second = tmp_path / "second"
        second.mkdir()
        for _ in range(2):
            assert places.copy(*stored, second).good
        assert (second / stored[0].path.name).read_bytes() == stored[0].path.read_bytes()
        assert sorted(path.name for path in second.iterdir()) == [
            stored[0].path.name, f"{stored[0].path.name}.sha256",
        ]  # fmt: skip

    def test_a_disk_that_is_not_mounted_is_not_filled(
        self, stored: tuple[Stored, str], tmp_path: Path
    ) -> None:
        place = places.copy(*stored, tmp_path / "not-mounted")
        assert not place.good
        assert "is its disk mounted?" in place.said
        assert not (tmp_path / "not-mounted").exists()

    def run(self, stored: Stored, code: str, seconds: float = 60.0) -> places.Place:
        argv = (sys.executable, "-c", code, "{archive}")
        return places.send(stored, Command(argv, {"TOKEN": "marker-token"}, seconds))

    def test_a_command_gets_the_path_and_its_login(self, stored: tuple[Stored, str]) -> None:
        code = "import os, sys; assert os.environ['TOKEN'] == 'marker-token' and os.path.isfile(sys.argv[1])"
        assert self.run(stored[0], code).good

    def test_one_that_fails_is_told_without_its_secret(self, stored: tuple[Stored, str]) -> None:
        place = self.run(stored[0], "import os, sys; sys.exit('no login with ' + os.environ['TOKEN'])")
        assert not place.good
        assert place.said == "it ended with 1 and said: no login with ***"

    def test_one_that_hangs_is_stopped_with_its_children(
        self, stored: tuple[Stored, str], tmp_path: Path
    ) -> None:
        note = tmp_path / "child"
        code = (
            "import subprocess, sys, pathlib; p = subprocess.Popen(['sleep', '600']); "
            f"pathlib.Path({str(note)!r}).write_text(str(p.pid)); p.wait()"
        )
        place = self.run(stored[0], code, seconds=5.0)
        assert "did not end within 5 s" in place.said
        child = Path(f"/proc/{note.read_text()}/stat")
        assert not child.exists() or child.read_text().split()[2] == "Z"

    def test_a_command_that_is_not_there_is_said(self, stored: tuple[Stored, str]) -> None:
        assert "cannot be run" in places.send(stored[0], Command(("/no/such", "{archive}"), {}, 5)).said


def test_a_command_without_the_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"names no \{archive\}"):
        Settings.model_validate({"backup": {"second_command": ["rclone", "copy"]}})


def _manifest(members: dict[str, Member]) -> Manifest:
    return Manifest(
        program=PROGRAM, format=FORMAT, name="backup-x", made_at=START, schema_name="homepot_ai",
        homepot_schema="public", whole=False, migration="0009", postgres=18, model="", versions={}, tables={},
        homepot_tables={}, golden=(), no_index=None, secrets=(), members=members,
    )  # fmt: skip


def test_an_encrypted_archive_opens_with_its_passphrase_only_and_by_standard_programs(tmp_path: Path) -> None:
    staging, target = tmp_path / "staging", tmp_path / "backup-x.age.tar"
    (staging / "deep").mkdir(parents=True)
    (staging / "deep" / "data").write_bytes(b"readable " * 500_000)
    manifest, passphrase = _manifest(archive.members(staging)), SecretStr("correct horse")
    archive.write(staging, manifest, target, passphrase)
    assert b"readable" not in target.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    for number, wrong in enumerate((None, SecretStr("wrong"))):
        with pytest.raises(BackupError, match=r"is encrypted: set|the passphrase does not open backup-x"):
            archive.extract(target, tmp_path / f"wrong{number}", wrong)
    out = tmp_path / "out" / "files"
    out.mkdir(parents=True)
    assert archive.extract(target, out, passphrase) == manifest
    assert (out / "deep" / "data").read_bytes() == (staging / "deep" / "data").read_bytes()
    # By hand: tar, age with the key, tar.
    hand = tmp_path / "hand"
    hand.mkdir()
    subprocess.run(["tar", "xf", str(target), "-C", str(hand)], check=True)
    key = pyrage.passphrase.decrypt((hand / "key.age").read_bytes(), "correct horse").decode()
    with (hand / "archive.tar.gz.age").open("rb") as source, (hand / "a.tar.gz").open("wb") as plain:
        pyrage.decrypt_io(source, plain, [pyrage.x25519.Identity.from_str(key)])
    subprocess.run(["tar", "xzf", "a.tar.gz"], cwd=hand, check=True)
    assert (hand / "deep" / "data").is_file()
    raw = bytearray(target.read_bytes())
    raw[len(raw) // 2] ^= 1
    target.write_bytes(raw)
    with pytest.raises(ArchiveDamaged):
        archive.extract(target, tmp_path / "again", passphrase)


def test_a_full_disk_leaves_nothing_half(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let a test mount a small file system")
    try:
        staging = tmp_path / "staging"
        staging.mkdir()
        (staging / "data").write_bytes(os.urandom(4_000_000))
        manifest = _manifest(archive.members(staging))
        for passphrase in (None, SecretStr("x")):
            with pytest.raises(BackupError, match="no room is left"):
                archive.write(staging, manifest, small / "backup-x.tar.gz", passphrase)
            assert list(small.iterdir()) == []
        with pytest.raises(BackupError, match=r"not enough room in .* for a backup: about 150 MB"):
            places.need_room(small, 50_000_000, "a backup")
    finally:
        subprocess.run(["umount", str(small)], check=True)
