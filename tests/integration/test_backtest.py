"""Backtests on a real database: a planted fault is paged, marks judge it, and nothing else is written."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pikepdf
import psycopg
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from homepot_ai.cli import main as cli
from homepot_ai.errors import BacktestError, NotFound, SettingsError
from homepot_ai.health import learning
from homepot_ai.health.backtest import planning, run
from homepot_ai.health.backtest.records import Backtest, Page
from homepot_ai.health.backtest.trial import LimitTrial, Trial, TypeTrial
from homepot_ai.health.planning import MINUTE
from homepot_ai.reporting import backtest_command as command
from homepot_ai.reporting.backtest import BacktestOutcome, keep
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from tests.support import START, small_fleet, table_checksums, telemetry, wave

DEVICES = range(1, 7)
LEARNED, MINUTES = 360, 600
RANGE = START + LEARNED * MINUTE
NOW = START + (MINUTES - 1) * MINUTE
SICK, FULL = 3, 5  # a CPU that is stuck for half an hour; a disk that fills at an even pace
NO_DISK_LIMIT = Trial(limits=(LimitTrial(metric="disk_percent"),))


def cpu(minute: int, device: int) -> float:
    return 99.5 if device == SICK and 420 <= minute < 450 else wave(40)(minute, device)


def disk(minute: int, device: int) -> float:
    # Passes 90 % at minute 540.
    return 60 + minute / 18 if device == FULL else 30.0


@pytest.fixture(scope="module")
def loaded(postgres: str, empty_template: str) -> str:
    """Ten hours of six devices at two sites, of which the last four were scored as they came; a template."""
    name = "template_backtest"
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {empty_template}")
    database = Database(postgres.replace("/homepot?", f"/{name}?"))
    small_fleet(database)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "VALUES (2, 'SITE-2', 'Hamburg', true, 'active')"
        )
        conn.execute("UPDATE devices SET site_id = 2 WHERE id > 4")
    telemetry(database, START, MINUTES, DEVICES, cpu_percent=cpu, memory_percent=wave(55), disk_percent=disk)
    learning.backfill(database, Settings(), RANGE, NOW)
    return name


@pytest.fixture
def fleet(clone: Callable[[str], Database], loaded: str) -> Database:
    """A copy of it for one test."""
    return clone(loaded)


def mark(db: Database, device: int, verdict: str, at: datetime = NOW) -> None:
    """Judge every anomaly of a device."""
    with db.writer() as conn:
        made = conn.execute(
            "INSERT INTO ai_anomaly_marks (anomaly_id, verdict, marked_by, marked_at) "
            "SELECT id, %s, 'ann', %s FROM ai_anomaly_logs WHERE device_id = %s",
            [verdict, at, device],
        )
        assert made.rowcount, f"device {device} was never paged about"


def ask(db: Database, settings: Settings, *trials: Trial, **question: object) -> BacktestOutcome:
    given: dict[str, object] = {"start": RANGE, "end": NOW, "at": NOW, **question}
    plan = planning.plan(db, settings, trials=trials or (Trial(),), **given)  # type: ignore[arg-type]
    return keep(db, settings, plan, run.run(db, settings, plan), asked_by="ann", now=NOW, seconds=1.0)


def pages(db: Database, settings: Settings, **question: object) -> list[Page]:
    given: dict[str, object] = {"start": RANGE, "end": NOW, "at": NOW, "trials": [Trial()], **question}
    return run.run(db, settings, planning.plan(db, settings, **given))[0]  # type: ignore[arg-type]


def test_a_planted_fault_is_paged_and_marks_give_the_precision(fleet: Database, settings: Settings) -> None:
    mark(fleet, SICK, "true")
    mark(fleet, FULL, "false")
    before = table_checksums(fleet, "homepot_ai") | table_checksums(fleet, "public")
    outcome = ask(fleet, settings)
    after = table_checksums(fleet, "homepot_ai") | table_checksums(fleet, "public")
    assert {name for name in before if before[name] != after[name]} == {"ai_backtests"}
    found = outcome.found
    assert found.a.confirmed >= 1
    assert found.a.known_false >= 1
    assert found.a.precision is not None
    assert found.a.precision.value == found.a.confirmed / (found.a.confirmed + found.a.known_false)
    assert found.a.recall is not None
    assert found.a.recall.value == 1.0
    assert (found.devices, found.site, found.timezone) == (6, None, "UTC")
    assert sum(found.a.per_day) == found.a.pages
    assert "missed none of" in outcome.headline
    with fleet.reader() as conn:
        ((stored, who, since),) = conn.execute(
            "SELECT result, asked_by, range_from FROM ai_backtests"
        ).fetchall()
    assert Backtest.model_validate_json(orjson.dumps(stored)) == found
    assert (who, since) == ("ann", RANGE)


def test_what_is_in_force_pages_what_was_paged(fleet: Database, settings: Settings) -> None:
    """The same engine over the same rows, although it began to learn in one piece and was not stored."""
    found = pages(fleet, settings)
    with fleet.reader() as conn:
        logged = conn.execute(
            "SELECT device_id, extract(epoch FROM started_at)::float8, severity, opened_by "
            "FROM ai_anomaly_logs ORDER BY started_at, device_id"
        ).fetchall()
    told = [(p.device_id, p.opened_at, p.severity, p.opened_by) for p in found]
    assert [page for page in told if page[1] > RANGE.timestamp()] == [tuple(row) for row in logged]
    assert {SICK, FULL} <= {page[0] for page in told}


def test_two_configurations_differ_where_they_should(fleet: Database, settings: Settings) -> None:
    mark(fleet, FULL, "true")
    found = ask(fleet, settings, Trial(), NO_DISK_LIMIT).found
    assert found.b is not None
    assert found.b.pages < found.a.pages
    assert found.only_b_total == 0
    assert {page.device for page in found.only_a} == {f"Checkout {FULL}"}
    assert found.only_a[0].opened_by == "limit"
    assert "Disk" in found.only_a[0].why
    assert found.only_a[0].verdict == "true"
    assert [item.device for item in found.missed_b] == [f"Checkout {FULL}"]
    assert found.b.changes == ("no limit for Disk",)


def test_the_newest_mark_counts_and_a_withdrawn_one_is_none(fleet: Database, settings: Settings) -> None:
    mark(fleet, SICK, "false", NOW - timedelta(hours=1))
    mark(fleet, SICK, "true", NOW)
    assert ask(fleet, settings).found.a.confirmed >= 1
    early = ask(fleet, settings, end=NOW - timedelta(minutes=30), at=NOW - timedelta(minutes=30)).found
    assert (early.marked_true, early.a.confirmed) == (0, 0), "the second mark was not made yet"
    assert early.a.known_false >= 1
    mark(fleet, SICK, "withdrawn")
    assert ask(fleet, settings).found.a.precision is None


def test_the_column_of_an_anomaly_counts_only_where_there_are_no_marks(
    fleet: Database, settings: Settings
) -> None:
    with fleet.admin() as conn:
        conn.execute("UPDATE ai_anomaly_logs SET mark = true WHERE device_id = %s", [SICK])
    assert ask(fleet, settings).found.a.confirmed >= 1
    mark(fleet, SICK, "true", NOW)
    early = ask(fleet, settings, end=NOW - MINUTE, at=NOW - MINUTE).found
    assert early.marked_true == 0, "it says what holds now, not what held then"


def test_thresholds_moved_by_marks_are_those_of_the_moment_and_can_be_left_out(
    fleet: Database, settings: Settings
) -> None:
    with fleet.writer() as conn:
        conn.execute(
            "INSERT INTO ai_alarm_thresholds (device_type, offset_decades, marked_true, marked_false, "
            "reason, decided_by, decided_at) VALUES ('pos_terminal', 7.5, 0, 9, 'too many', 'ann', %s)",
            [NOW],
        )
    plain = Trial(moved_by_marks=False)
    found = ask(fleet, settings, Trial(), plain).found
    assert found.b is not None
    with_limits = {page.opened_by for page in pages(fleet, settings)}
    assert with_limits == {"limit"}, "no evidence reaches so far above routine"
    assert found.a.pages <= found.b.pages
    assert found.b.changes == ("without the alarm thresholds that marks have moved",)
    early = {"end": NOW - MINUTE, "at": NOW - MINUTE}
    assert pages(fleet, settings, **early) == pages(fleet, settings, trials=[plain], **early)
    with pytest.raises(BacktestError, match="the same"):
        ask(fleet, settings, Trial(), plain, **early)


def test_the_same_question_is_kept_once_until_something_new_is_known(
    fleet: Database, settings: Settings
) -> None:
    first, again = ask(fleet, settings), ask(fleet, settings)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.number, again.pdf) == (first.number, first.pdf)
    mark(fleet, SICK, "true")
    assert ask(fleet, settings).number != first.number


def test_how_it_is_cut_and_read_changes_nothing(
    fleet: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pages(fleet, settings)
    monkeypatch.setattr(run, "CHUNK_ROWS", 40)  # stretches of seven minutes
    told: list[tuple[int, int]] = []
    plan = planning.plan(fleet, settings, start=RANGE, end=NOW, trials=[Trial(), NO_DISK_LIMIT], at=NOW)
    both = run.run(fleet, settings, plan, lambda done, total: told.append((done, total)))
    assert both[0] == whole
    assert told == sorted(told)
    assert told[-1] == (plan.minutes, plan.minutes)
    assert len(told) > 50


def test_killed_anywhere_it_has_written_nothing_and_can_be_asked_again(
    fleet: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHUNK_ROWS", 600)
    plan = planning.plan(fleet, settings, start=RANGE, end=NOW, trials=[Trial()], at=NOW)
    before = table_checksums(fleet, "homepot_ai")

    def killed(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(fleet, settings, plan, killed)
    assert table_checksums(fleet, "homepot_ai") == before
    assert ask(fleet, settings).found.a.pages


def test_a_site_is_read_alone_and_its_days_are_its_own(fleet: Database, settings: Settings) -> None:
    for name in ("Hamburg", "SITE-2", "2"):
        plan = planning.plan(fleet, settings, start=RANGE, end=NOW, site=name, trials=[Trial()], at=NOW)
        assert (sorted(plan.names), plan.rows) == ([5, 6], 2 * MINUTES)
    assert {page.device_id for page in pages(fleet, settings, site="Hamburg")} == {FULL}
    assert planning.plan(
        fleet, settings, start=RANGE, end=NOW, site="Berlin", trials=[Trial()], at=NOW
    ).timezone == "Europe/Berlin"  # fmt: skip


def test_a_fleet_of_several_shards_is_tried_as_a_whole(fleet: Database, settings: Settings) -> None:
    split = settings.model_copy(update={"scoring": settings.scoring.model_copy(update={"shards": 2})})
    plan = planning.plan(fleet, split, start=RANGE, end=NOW, trials=[Trial()], at=NOW)
    assert [part.rows for part in plan.parts] == [3 * MINUTES] * 2
    found = run.run(fleet, split, plan)[0]
    assert {SICK, FULL} <= {page.device_id for page in found}


def test_without_anything_said_it_is_the_last_week_or_all_there_is(
    fleet: Database, settings: Settings
) -> None:
    plan = planning.plan(fleet, settings, trials=[Trial()], at=NOW)
    assert (plan.start, plan.end) == (START, NOW)
    with fleet.admin() as conn:
        conn.execute("UPDATE device_metrics SET timestamp = timestamp - interval '9 days' WHERE id = 1")
    plan = planning.plan(fleet, settings, trials=[Trial()], at=NOW)
    assert plan.start == NOW - timedelta(days=7)


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        ({"start": START - timedelta(days=1)}, r"telemetry begins at 2026-11-18 08:59 UTC: choose a start"),
        ({"end": NOW + MINUTE}, r"lies in the future: choose 2026-11-18 18:59 UTC or before"),
        ({"start": NOW}, "choose an earlier start"),
        ({"trials": [Trial(), Trial(healthy=0.8)]}, "both configurations are the same"),
        ({"trials": [Trial(device_types=(TypeTrial(device_type="kiosk"),))]}, "there are: pos_terminal"),
        ({"start": START - timedelta(days=99), "end": START - timedelta(days=90)}, "no telemetry before"),
    ],
)
def test_what_cannot_be_answered_says_what_can(
    fleet: Database, settings: Settings, question: dict[str, object], complaint: str
) -> None:
    with pytest.raises(BacktestError, match=complaint):
        pages(fleet, settings, **question)


def test_a_range_too_long_says_how_long_it_would_take_and_what_fits(
    fleet: Database, settings: Settings
) -> None:
    small = settings.model_copy(update={"backtest": settings.backtest.model_copy(update={"max_rows": 1000})})
    with pytest.raises(BacktestError) as refused:
        pages(fleet, small)
    said = str(refused.value)
    assert "1,434 telemetry rows of 6 devices and would take less than a minute" in said
    # 1000 of 1434 rows are 167 of 239 minutes.
    assert "a start from 2026-11-18 16:13 UTC on" in said
    assert "HOMEPOT_AI_BACKTEST__MAX_ROWS" in said
    fits = datetime.fromisoformat("2026-11-18T16:13:00+00:00")
    assert pages(fleet, small, start=fits) is not None


def test_an_unknown_site_is_named(fleet: Database, settings: Settings) -> None:
    with pytest.raises(NotFound, match="Hamburg"):
        pages(fleet, settings, site="Hamberg")


def test_the_pdf_can_be_read_and_is_tagged(fleet: Database, settings: Settings) -> None:
    mark(fleet, SICK, "true")
    mark(fleet, FULL, "true")
    outcome = ask(fleet, settings, Trial(), NO_DISK_LIMIT)
    reader = PdfReader(io.BytesIO(outcome.pdf))
    text = " ".join("".join(page.extract_text() for page in reader.pages).split())
    for words in (
        outcome.headline.replace("\N{NO-BREAK SPACE}", " "),
        "no limit for Disk",
        "Precision of judged pages",
        "Pages per day",
        "Confirmed anomalies that would have been missed",
        f"Checkout {FULL}",
        "Marks exist only for what was paged at the time.",
        f"Page 1 of {len(reader.pages)}",
    ):
        assert words in text.replace("\N{NO-BREAK SPACE}", " "), words
    assert reader.attachments["facts.json"][0] == outcome.found.canonical_json()
    box = reader.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)
    document = pikepdf.open(io.BytesIO(outcome.pdf))
    assert bool(document.Root.MarkInfo.Marked)
    assert b"pdfuaid" in document.Root.Metadata.read_bytes()


def test_the_command_writes_the_pdf_and_fetches_it_again(
    fleet: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", fleet.url)
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    load_settings.cache_clear()
    try:
        span = ["--start", f"{RANGE:%Y-%m-%dT%H:%M}", "--end", f"{NOW:%Y-%m-%dT%H:%M}"]
        said = CliRunner().invoke(
            cli.app, ["backtest", *span, "--b", 'limits=[{"metric":"disk_percent"}]', "--out", "b.pdf"]
        )
        assert said.exit_code == 0, said.output
        assert "Configuration b would have paged" in said.output
        assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF-")
        again = CliRunner().invoke(cli.app, ["backtest", "--number", "1"])
        assert again.exit_code == 0, again.output
        assert (tmp_path / "backtest-1.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
        wrong = CliRunner().invoke(cli.app, ["backtest", "--out", "nowhere/b.pdf"])
        assert isinstance(wrong.exception, SettingsError)
    finally:
        load_settings.cache_clear()


def test_at_a_terminal(fleet: Database, settings: Settings) -> None:
    told: list[str] = []
    outcome = command.ask(
        fleet, settings, start=f"{RANGE:%Y-%m-%dT%H:%M}", end=None, site=None, a=[],
        b=['limits=[{"metric": "disk_percent"}]', "false_alarms_per_week=0.2"], now=NOW, show=told.append,
    )  # fmt: skip
    assert any("telemetry rows" in line for line in told)
    assert told[-1].startswith("100%")
    assert command.fetch(fleet, outcome.number) == outcome.pdf
    with pytest.raises(NotFound, match=f"did you mean: {outcome.number}"):
        command.fetch(fleet, 99)
    with pytest.raises(BacktestError, match="write for example"):
        command.ask(fleet, settings, start="monday", end=None, site=None, a=[], b=[], now=NOW)
