"""Each part looked at: real PostgreSQL, Chroma, certificates and pings, and what hangs or lies."""

from __future__ import annotations

import http.server
import json
import shutil
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from homepot_ai import overview
from homepot_ai.cli.main import app
from homepot_ai.memory.index import Folder
from homepot_ai.settings import OllamaSettings, Settings, load_settings
from homepot_ai.settings_operations import WatchSettings
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from homepot_ai.watch import chroma, exporter, keys, postgres, probes, remote, room, service, stored
from tests.integration.test_smtp_delivery import certificate  # noqa: F401 - a fixture

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SYSTEMD = Path(__file__).parents[2] / "deployments" / "systemd"


def test_one_that_hangs_and_one_that_stumbles_hide_nobody() -> None:
    ended = threading.Event()

    def hang() -> list[ServiceCheck]:
        ended.wait(60)
        return []

    def stumble() -> list[ServiceCheck]:
        raise ValueError("an answer\nthat nobody understands")

    seen = probes.look(
        {"slow": hang, "odd": stumble, "well": lambda: [ServiceCheck("well", "ok", "x")]}, seconds=3
    )
    ended.set()
    assert [(one.service, one.state) for one in seen] == [("slow", "down"), ("odd", "down"), ("well", "ok")]
    assert seen[0].detail == "did not answer within 3 s"
    assert "ValueError: an answer that nobody understands" in seen[1].detail


def vitals(**given: object) -> postgres.Vitals:
    well = {"used": 3, "allowed": 97, "size": 5_000_000, "read_only": False, "oldest_s": 2.0, "blocked": 0}
    return postgres.Vitals(**(well | {"age": 1000} | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "state", "said"),
    [
        ({}, "ok", "3 of 97 connections"),
        ({"used": 96}, "degraded", "96 of 97 connections"),
        ({"oldest_s": 7200.0}, "degraded", "a transaction lasts for 2 h"),
        ({"oldest_s": None}, "ok", "5 MB"),
        ({"blocked": 4}, "degraded", "4 sessions wait for a lock"),
        ({"read_only": True}, "down", "nothing can be written"),
        ({"age": 2_050_000_000}, "down", "not frozen"),
        ({"bloat": (("ai_baselines", 900_000, 10),)}, "degraded", "900,000 dead rows"),
        ({"standbys": (("b", "streaming", 1.0),)}, "ok", "1 standbys follow"),
        ({"standbys": (("b", "catchup", 900.0),)}, "degraded", "15 min behind"),
        ({"slots": (("old", 9e9), ("new", None))}, "degraded", "old, which keeps 9 GB"),
    ],
)
def test_postgres_is_judged(given: dict[str, object], state: str, said: str) -> None:
    check = postgres.judge(vitals(**given))
    assert (check.state, said in check.detail) == (state, True), check.detail


def test_postgres_tells_its_vitals_and_that_it_is_read_only(database: Database) -> None:
    found, clock = postgres.probe(database)
    assert (found.service, found.state, clock.state) == ("database", "ok", "ok")
    with database.admin() as conn:
        name = conn.info.dbname
    with database.admin() as holder:
        holder.execute("SELECT 1")
        seen, _ = postgres.read(database)
        assert seen.oldest_s is not None, "the login sees its own sessions"
    with database.admin() as conn:
        conn.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    check, _ = postgres.probe(database)
    assert (check.state, "read-only" in check.detail) == ("down", True)


def test_a_restart_is_waited_for_and_an_absence_is_told(settings: Settings, database: Database) -> None:
    pauses: list[float] = []
    away = Database("postgresql://127.0.0.1:1/x")

    def back(seconds: float) -> None:
        pauses.append(seconds)
        away.url = database.url

    assert postgres.probe(away, pause=back)[0].state == "ok"
    assert pauses == [postgres.RESTART_S]
    seen = service.look(Database("postgresql://127.0.0.1:1/x"), settings, NOW, scheduler=False)
    services = {one.service: one.state for one in seen}
    assert services["database"] == "down"
    assert not {"chroma", "stored", "tables", "backup", "scoring"} & set(services)
    assert service.look(None, settings, NOW, scheduler=False)[-1].detail.startswith("the embedded PostgreSQL")


NAME = "device_patterns.m.1"


def remember(db: Database, settings: Settings, ids: list[int], indexed: list[int]) -> None:
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_memory_index (collection, model, active, built_to) "
            "VALUES ('device_patterns', 'm', %s, 0)", [NAME],
        )  # fmt: skip
        conn.execute(
            "INSERT INTO ai_incident_patterns (id, kind, category, severity, metrics, pattern_description, "
            "content_hash, provenance, happened_at, created_at, embedding_model) OVERRIDING SYSTEM VALUE "
            "SELECT n, 'course', 'connectivity', 'warning', '{}', 'd', 'h' || n, 'controlled', %s, %s, 'm' "
            "FROM unnest(%s::int[]) n", [NOW, NOW, ids],
        )  # fmt: skip
    with Folder.of(settings).writing() as index:
        index.make(NAME)
        vectors = np.eye(len(indexed), 8, dtype=np.float32)
        index.put(NAME, indexed, vectors, [{"hash": f"h{n}", "category": "connectivity"} for n in indexed])


def test_the_index_is_compared_with_the_record(database: Database, settings: Settings) -> None:
    def state() -> tuple[str, str]:
        [check] = chroma.probe(database, settings)
        return check.state, check.detail

    assert state() == ("ok", "nothing to remember yet")
    remember(database, settings, [1, 2, 3, 4], [1, 2, 3, 4])
    assert state() == ("ok", "4 patterns, as recorded")
    folder = Folder.of(settings)
    with folder.writing() as index:
        index.remove(NAME, [2])
    assert state()[0] == "degraded"
    assert "1 of 4 patterns are not in the index" in state()[1]
    with folder.writing() as index:
        index.put(NAME, [2], np.eye(1, 8, dtype=np.float32), [{"hash": "h2", "category": "connectivity"}])
    with database.admin() as conn:
        conn.execute("DELETE FROM ai_incident_patterns WHERE id = 3")
    assert "1 in the index that the record does not have" in state()[1]
    stamp = folder.path / "homepot-ai.version"
    made = stamp.read_text()
    stamp.write_text("format 0, chromadb 0.4\n")
    assert (state()[0], "another version" in state()[1]) == ("down", True)
    stamp.write_text(made)
    (folder.path / "chroma.sqlite3").write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert (state()[0], "damaged" in state()[1]) == ("down", True)
    shutil.rmtree(folder.path)
    assert (state()[0], "homepot-ai memory rebuild" in state()[1]) == ("down", True)


def test_sizes_are_written_down_once_an_hour_and_tell_when_a_disk_is_full(
    database: Database, settings: Settings
) -> None:
    for minutes in range(0, 60 * 30, 30):
        now = NOW + timedelta(minutes=minutes)
        with database.writer() as conn:
            room.put_sizes(conn, {"disk state": 1e9 * minutes / 60, "database": 5e6}, now)
    with database.reader() as conn:
        courses = room.courses(conn, now)
    assert len(courses["disk state"]) == 30
    days = room.days_left(courses["disk state"], 48_000_000_000)
    assert days == pytest.approx(2.0)
    fills = room.Room("state", 48_000_000_000, 30, 60_000_000_000)
    check = room.judge([fills], courses, days=7)
    assert (check.state, "full in 2 days" in check.detail) == ("degraded", True)
    assert room.judge([fills], {}, days=7).state == "ok"
    assert room.judge([room.Room("state", 200_000_000, 1, 9)], {}, days=7).state == "down"
    # Where there are several machines, one's is not another's.
    second = room.judge([fills], courses, days=7, machine="second")
    assert (second.service, second.state) == ("disk on second", "ok")
    theirs = {name.replace("disk", "disk on second"): course for name, course in courses.items()}
    assert room.judge([fills], theirs, days=7, machine="second").state == check.state
    assert keys.watched(second.service).runbook == "service-disk"
    calm = [(at, 5e9 + (n % 2) * 1e9) for n, (at, _) in enumerate(courses["disk state"])]
    assert room.days_left(calm, 1_000_000_000) is None
    assert room.days_left(calm[:5], 1) is None


def test_a_disk_that_is_named_is_judged_and_one_that_is_not_there_is_told(
    database: Database, settings: Settings
) -> None:
    other = Path("/dev/shm")
    settings.var_dir.mkdir()
    if not other.is_dir() or other.stat().st_dev == settings.var_dir.stat().st_dev:
        pytest.skip("no second file system on this machine")
    gone, odd = settings.var_dir / "gone", Path("/" + "x" * 300)
    # What lies on a disk of ours already is that disk.
    watch = WatchSettings(disks=(other, settings.var_dir, gone, odd), machine="till-2")
    watched = settings.model_copy(update={"watch": watch})
    assert [one.name for one in room.rooms(watched)] == ["state", str(other)]
    [check] = room.probe(database, watched, NOW)
    assert (check.service, check.state) == ("disk on till-2", "degraded")
    assert f"{gone} is not there: mount its disk" in check.detail
    assert "cannot be looked at (File name too long)" in check.detail
    well = settings.model_copy(update={"watch": WatchSettings(disks=(other,), machine="till-2")})
    service.record(database, well, [], NOW)
    with database.reader() as conn:
        assert f"disk on till-2 {other}" in room.courses(conn, NOW)
    used = [(NOW - HOURS * n, 1e9 * (48 - n)) for n in reversed(range(48))]
    fills = room.Room(str(other), 48_000_000_000, 30, 60_000_000_000)
    check = room.judge([fills], {f"disk on till-2 {other}": used}, days=7, machine="till-2")
    assert (check.state, "full in 2 days" in check.detail) == ("degraded", True)


def test_no_unit_hides_a_disk_that_may_be_watched() -> None:
    """Read-only is fine: how full a disk is can be asked all the same, of each folder that one gets to."""
    hardening = (SYSTEMD / "hardening.conf").read_text()
    assert "ProtectSystem=strict" in hardening
    for unit in SYSTEMD.iterdir():
        for hides in ("InaccessiblePaths", "TemporaryFileSystem", "RootDirectory", "ProtectHome=tmpfs"):
            assert f"\n{hides}" not in unit.read_text(), unit.name


def with_prefect_at(settings: Settings, url: str, machine: str = "") -> Settings:
    prefect = settings.prefect.model_copy(update={"database_url": SecretStr(url)})
    watch = WatchSettings(machine=machine)
    return settings.model_copy(update={"prefect": prefect, "watch": watch})


def test_prefects_database_on_postgresql_is_measured(
    database: Database, settings: Settings, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any second database of the server will do; the address as Prefect's own documentation writes it.
    elsewhere = with_prefect_at(settings, postgres.replace("postgresql://", "postgresql+asyncpg://"), "b")
    # An old file of SQLite's, from before, is not what counts.
    (settings.var_dir / "prefect").mkdir(parents=True)
    (settings.var_dir / "prefect" / "prefect.db").write_bytes(b"x")
    with psycopg.connect(postgres) as conn:
        row = conn.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    assert room.prefect_bytes(elsewhere) == pytest.approx(row[0], rel=0.2)
    service.record(database, elsewhere, [], NOW)
    figures = exporter.read(database, elsewhere, NOW)
    assert figures.sizes["prefect database"] == pytest.approx(row[0], rel=0.2)
    for hours in range(1, 25):
        with database.writer() as conn:
            room.put_sizes(conn, {"prefect database": row[0] + 1e6 * hours}, NOW + hours * HOURS)
    [check] = room.prefect_probe(database, elsewhere, NOW + 24 * HOURS)
    assert (check.state, "+24 MB a day" in check.detail) == ("ok", True), check.detail
    monkeypatch.setattr(room, "PREFECT_BYTES", 1)
    [check] = room.prefect_probe(database, elsewhere, NOW)
    assert (check.state, "prune-runs" in check.detail) == ("degraded", True)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://prefect:geheim-7@127.0.0.1:1/prefect",
        "postgresql://prefect:geheim-7/x@127.0.0.1:1/prefect",
        "postgresql://127.0.0.1:1/prefect?password=geheim-7",
        "postgresql://127.0.0.1:1/prefect?geheim-7=1",
        "prefect with geheim-7",
    ],
)
def test_a_prefect_database_that_is_away_is_said_without_its_password(
    database: Database, settings: Settings, url: str
) -> None:
    away = with_prefect_at(settings, url)
    seen = {one.service: one for one in service.look(database, away, NOW, scheduler=False)}
    check = seen["prefect database"]
    assert (check.state, check.detail.startswith("prefect.database_url: ")) == ("degraded", True)
    assert "geheim" not in check.detail
    service.record(database, away, [check], NOW)
    with database.reader() as conn:
        assert {"database", "disk state"} <= set(room.courses(conn, NOW))


def test_a_machine_that_knows_nothing_of_prefects_database_says_so_once(settings: Settings) -> None:
    [check] = room.prefect_probe(None, settings, NOW)
    assert (check.state, check.detail) == ("ok", "not a file on this machine")
    second = settings.model_copy(update={"watch": WatchSettings(machine="second")})
    assert room.prefect_probe(None, second, NOW) == []


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("good", "outcome", "since", "state"),
    [
        (None, None, None, "ok"),
        (None, None, 20, "ok"),
        (None, None, 30, "degraded"),
        (None, "failed", 2, "degraded"),
        (None, "failed", 30, "down"),
        (3, "good", 900, "ok"),
        (30, "good", 900, "degraded"),
        (90, "good", 900, "down"),
        (3, "failed", 900, "degraded"),
        (30, "failed", 900, "down"),
    ],
)
def test_backups_are_judged(good: int | None, outcome: str | None, since: int | None, state: str) -> None:
    def ago(hours: int | None) -> datetime | None:
        return None if hours is None else NOW - hours * HOURS

    watch = Settings().watch
    assert stored.backup_check(ago(good), outcome, "no room", ago(since), watch, NOW).state == state


def test_a_backup_that_is_found_damaged_is_no_good_one(database: Database, settings: Settings) -> None:
    def seen() -> dict[str, ServiceCheck]:
        with database.reader() as conn:
            return {one.service: one for one in stored.backups(conn, settings.watch, NOW)}

    def asked(backup: str, outcome: str, minutes: int) -> None:
        with database.writer() as conn:
            conn.execute(
                "INSERT INTO ai_restore_drills (at, backup, kind, outcome, seconds, checks) "
                "VALUES (%s, %s, 'by hand', %s, 1, '[]')",
                [NOW - timedelta(minutes=minutes), backup, outcome],
            )

    with database.writer() as conn:
        for name, hours in (("older", 25), ("newer", 1)):
            conn.execute(
                "INSERT INTO ai_backups (name, started_at, finished_at, outcome, bytes, sha256) "
                "VALUES (%(name)s, %(at)s, %(at)s, 'good', 1, '')",
                {"name": name, "at": NOW - hours * HOURS},
            )
            asked(name, "passed", hours * 60)
    assert seen()["backup"].detail == "the last good one is 60 min old"
    asked("newer", "failed", 30)
    assert "25 h old" in seen()["backup"].detail
    asked("older", "failed", 20)
    assert seen()["backup"].state == "down"
    assert "none is good" in seen()["backup"].detail
    asked("newer", "passed", 10)
    assert seen()["backup"].detail == "the last good one is 60 min old"


def test_drills_and_tokens_are_judged(database: Database, settings: Settings) -> None:
    watch = settings.watch
    assert stored.drill_check(NOW - 5 * HOURS, "passed", "b", "", watch, NOW).state == "ok"
    assert stored.drill_check(NOW - 5 * HOURS, "failed", "b", "3 rows differ", watch, NOW).state == "down"
    assert stored.drill_check(NOW - 99 * HOURS, "passed", "b", "", watch, NOW).state == "degraded"
    with database.admin() as conn:
        assert stored.tokens(conn, watch, NOW)[0].state == "ok"
        conn.execute(
            "INSERT INTO ai_api_tokens (name, token_hash, scopes, made_at, expires_at) VALUES "
            "('wall', 'h', '{read}', %(now)s, %(now)s::timestamptz + interval '3 days'), "
            "('gone', 'i', '{read}', %(now)s, %(now)s::timestamptz - interval '3 days'), "
            "('long', 'j', '{read}', %(now)s, %(now)s::timestamptz + interval '300 days')", {"now": NOW},
        )  # fmt: skip
        [check] = stored.tokens(conn, watch, NOW)
    assert (check.state, check.detail) == ("degraded", "expire soon: wall in 3 days")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_is_looked_at(
    tmp_path: Path,
    certificate: tuple[ssl.SSLContext, Path],  # noqa: F811
    security: str,
) -> None:
    context, trusted = certificate
    with MailSink(tmp_path / "mail", tls=context, implicit_tls=security == "tls") as sink:
        mail = {"port": sink.port, "security": security}
        now = datetime.now(UTC)
        [soon] = remote.certificate(Settings(var_dir=tmp_path, mail=mail | {"ca_file": trusted}), now)
        assert (soon.state, "valid for 24 h" in soon.detail or "valid for 23 h" in soon.detail) == (
            "degraded", True,
        )  # fmt: skip
        [strange] = remote.certificate(Settings(var_dir=tmp_path, mail=mail), now)
        assert (strange.state, "self-signed" in strange.detail) == ("down", True)
    assert remote.certificate(Settings(var_dir=tmp_path, mail=mail), now) == []


class _Listener(http.server.BaseHTTPRequestHandler):
    asked: list[str]
    answer: int

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.answer)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def listener() -> Iterator[tuple[str, type[_Listener]]]:
    class Mine(_Listener):
        asked: list[str] = []  # noqa: RUF012
        answer = 200

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", Mine
        server.shutdown()


def test_a_sign_of_life_is_given_and_its_address_is_kept(listener: tuple[str, type[_Listener]]) -> None:
    url, mine = listener
    assert remote.ping("") == []
    [well] = remote.ping(f"{url}/a-secret")
    assert (well.state, mine.asked) == ("ok", ["/a-secret"])
    mine.answer = 302
    [moved] = remote.ping(f"{url}/a-secret")
    assert (moved.state, len(mine.asked)) == ("degraded", 2)
    [away] = remote.ping("http://127.0.0.1:9/a-secret")
    assert away.state == "degraded"
    assert "secret" not in well.detail + moved.detail + away.detail


def test_the_status_tells_of_everything_also_without_a_database(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invoke(url: str, *words: str) -> tuple[int, str]:
        for name, value in {
            "DATABASE_URL": url, "VAR_DIR": str(tmp_path), "PREFECT__PORT": "9", "OLLAMA__ENABLED": "false",
            "MAIL__PORT": "9",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"HOMEPOT_AI_{name}", value)
        load_settings.cache_clear()
        try:
            done = CliRunner().invoke(app, list(words), env={"COLUMNS": "240"})
        finally:
            load_settings.cache_clear()
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    code, screen = invoke(database.url, "status")
    assert code == 1, "mail and the scheduler are away"
    assert "no minute has been scored yet" in screen
    assert "check-services has not looked yet" in screen
    code, told = invoke(database.url, "status", "--json")
    found = {one["service"]: one for one in json.loads(told)["services"]}
    assert found["database"]["state"] == found["disk"]["state"] == "ok"
    assert found["mail"]["runbook"] == "docs/runbooks/service-mail.md"
    code, screen = invoke("postgresql://127.0.0.1:1/x", "status")
    assert (code, "PostgreSQL does not answer" in screen, "mail" in screen) == (1, True, True)
    assert invoke(database.url, "alarms")[1].startswith("● no alarm is open")
    assert "name somebody in watch.mail_to" in str(
        CliRunner().invoke(app, ["alarms", "test"], env={"HOMEPOT_AI_VAR_DIR": str(tmp_path)}).exception
    )
    load_settings.cache_clear()
    out = tmp_path / "homepot-ai.prom"
    assert invoke(database.url, "metrics", "--out", str(out))[0] == 0
    assert "homepot_ai_database_up 1.0" in out.read_text()


def test_what_the_flow_saw_long_ago_says_that_nobody_looks(database: Database, tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path, ollama=OllamaSettings(enabled=False), prefect={"port": 9})
    service.record(database, settings, [ServiceCheck("flow daily-report", "ok", "on time")], NOW)
    fresh = {one.check.service: one for one in overview.system(database, settings, NOW).parts}
    assert fresh["flow daily-report"].at == NOW
    assert "flow check-services" not in fresh
    later = overview.system(database, settings, NOW + timedelta(hours=1))
    old = {one.check.service: one.check for one in later.parts}
    assert (old["flow check-services"].state, later.state) == ("degraded", "down")
    assert "looked 60 min ago" in old["flow check-services"].detail
