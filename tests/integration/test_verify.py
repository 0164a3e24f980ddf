"""A report's PDF against itself, against what is stored, and against today's database."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from typer.testing import CliRunner

from homepot_ai.cli import main as cli
from homepot_ai.cli import reports as cli_reports
from homepot_ai.errors import ReportError
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.periods import day
from homepot_ai.reporting.service import make_report
from homepot_ai.reporting.verify import Verified, verify
from homepot_ai.retention import applying
from homepot_ai.settings import Settings
from homepot_ai.store import health_hours
from homepot_ai.store.database import Database
from homepot_ai.testing import sample_reports, sample_state
from tests.report_world import World

ZONE = "Europe/Berlin"
DAY = day(date(2026, 11, 19), ZONE)
AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.site(1, "Berlin Mitte", ZONE)
    world.device(1, 1, "Kasse 1")
    for n in range(DAY.minutes):
        at = DAY.start + timedelta(minutes=n + 1)
        world.scores.append((1, at, 0.95, "healthy", None))
        world.metrics.append((1, at - timedelta(minutes=1), "real", 60))
        world.minutes.append(at)
    world.write()
    return world


def made(world: World, settings: Settings) -> bytes:
    return make_report(world.db, settings, scope=Scope(kind="site", id=1), at=AT, now=AT).pdf


def edited(pdf: bytes, facts: tuple[bytes, bytes] | None = None) -> bytes:
    """The file as somebody saves it after changing it: its facts, or nothing but a page's rotation."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        if facts is None:
            document.pages[0].Rotate = 180
        else:
            old = document.attachments["facts.json"].get_file().read_bytes()
            assert facts[0] in old
            document.attachments["facts.json"] = pikepdf.AttachedFileSpec(
                document, old.replace(*facts), filename="facts.json"
            )
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def check(world: World, settings: Settings, pdf: bytes) -> Verified:
    return verify(world.db, settings, pdf)


def test_what_was_made_is_told_from_what_was_altered_or_made_elsewhere(
    world: World, settings: Settings
) -> None:
    pdf = made(world, settings)
    found = check(world, settings, pdf)
    assert (found.finding, found.exit_code) == ("genuine", 0)
    assert "every figure is the same" in found.sentences[-1]
    assert "rpt_20261119_daily_site1 revision 1 as it was made" in found.sentences[0]

    better = edited(pdf, (b'"no_data": 0', b'"no_data": 7'))
    assert check(world, settings, better).finding == "altered"
    assert "its pages print" in check(world, settings, better).sentences[0]
    pages = check(world, settings, edited(pdf))
    assert (pages.finding, pages.exit_code) == ("altered", 3)
    assert "no edition stored here" in pages.sentences[0]

    with world.db.admin() as conn:
        conn.execute("UPDATE ai_reports SET facts_hash = repeat('0', 64)")
    assert check(world, settings, pdf).finding == "altered"  # the same period was reported otherwise
    with world.db.admin() as conn:
        conn.execute("DELETE FROM ai_reports")
    elsewhere = check(world, settings, pdf)
    assert (elsewhere.finding, elsewhere.exit_code) == ("unknown", 4)


def test_data_that_arrive_later_are_listed_and_are_no_forgery(world: World, settings: Settings) -> None:
    pdf = made(world, settings)
    with world.db.admin() as conn:
        conn.execute(
            "INSERT INTO device_metrics (timestamp, device_id, provenance, collection_interval_seconds) "
            "VALUES (%s, 1, 'simulated', 60)",
            [(DAY.start + timedelta(hours=3, seconds=30)).replace(tzinfo=None)],
        )
    found = check(world, settings, pdf)
    assert (found.finding, found.exit_code) == ("later_data", 5)
    assert any("completeness" in item.what for item in found.differences)
    assert f"{len(found.differences)} figures differ" in found.sentences[-1]


def test_a_report_stays_verifiable_when_its_minutes_are_gone(world: World, settings: Settings) -> None:
    pdf = made(world, settings)
    health_hours.roll_up(world.db, settings, DAY.start, DAY.end, now=AT)
    assert check(world, settings, pdf).finding == "genuine"
    applying.apply_retention(world.db, settings, AT + timedelta(days=30), dry_run=False)
    found = check(world, settings, pdf)
    assert (found.finding, [d.what for d in found.differences]) == ("genuine", [])
    assert "courses were not compared" in found.sentences[1]


def test_a_pdf_that_retention_emptied_is_rendered_again_and_its_copies_stay_genuine(
    world: World, settings: Settings
) -> None:
    pdf = made(world, settings)
    health_hours.roll_up(world.db, settings, DAY.start, DAY.end, now=AT)
    later = AT + timedelta(days=190)
    dry = applying.apply_retention(world.db, settings, later, dry_run=True)
    done = applying.apply_retention(world.db, settings, later, dry_run=False)
    assert (dry.emptied.reports, done.emptied.reports, done.failed) == (1, 1, [])
    with world.db.reader() as conn:
        assert conn.execute("SELECT octet_length(pdf) FROM ai_report_editions").fetchall() == [(0,)]
    # Somebody has the file still: it is known by its hash.
    name = "rpt_20261119_daily_site1 revision 1 as it was made"
    assert name in check(world, settings, pdf).sentences[0]
    again = make_report(world.db, settings, scope=Scope(kind="site", id=1), at=AT, now=later)
    assert (again.revision, again.created, again.queued) == (1, False, 0)
    assert name in check(world, settings, again.pdf).sentences[0]
    # It is kept from now on, until the next night empties it; both stay known.
    assert applying.apply_retention(world.db, settings, later, dry_run=False).emptied.reports == 1
    for copy in (pdf, again.pdf):
        assert name in check(world, settings, copy).sentences[0]


def test_files_that_are_none_of_ours(world: World, settings: Settings) -> None:
    with pytest.raises(ReportError, match="cannot be read as a PDF"):
        check(world, settings, b"%PDF-1.7 nothing")
    empty = io.BytesIO()
    pikepdf.new().save(empty)
    with pytest.raises(ReportError, match="no facts are attached"):
        check(world, settings, empty.getvalue())


def test_the_command_ends_with_what_it_found(
    world: World, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_reports, "opened", lambda: (settings, world.db))
    file = tmp_path / "report.pdf"
    pdf = made(world, settings)
    runner = CliRunner()
    for content, code, word in ((pdf, 0, "●"), (edited(pdf), 3, "■")):
        file.write_bytes(content)
        result = runner.invoke(cli.app, ["verify", str(file)])
        assert (result.exit_code, result.output[0]) == (code, word), result.output
    missing = runner.invoke(cli.app, ["verify", str(tmp_path / "none.pdf")])
    assert isinstance(missing.exception, ReportError)
    assert "cannot be read" in str(missing.exception)


def test_reports_of_the_sample_are_held_against_the_recordings_labels(
    world: World, settings: Settings
) -> None:
    """An incident that is told of, one that is missed, an anomaly of none, and an outage in minutes."""

    def moment(hours: float) -> datetime:
        return DAY.start + timedelta(minutes=round(hours * 60))

    def row(begin: float, end: float, what: str) -> sample_state.TruthRow:
        return sample_state.TruthRow(
            1, "Kasse 1", "Berlin Mitte", moment(begin), moment(end), "recorded", what
        )

    truth = [row(2, 3, "labelled"), row(8, 9, "labelled"), row(20, 20.5, "gateway outage"),
             row(30, 31, "labelled")]  # fmt: skip
    sample_state.folder(settings).mkdir(parents=True)
    sample_state.write_truth(settings, truth)
    with world.db.admin() as conn:
        for begin, end in ((2.1, 2.9), (14, 14.2)):
            conn.execute(
                "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
                "severity, metric) VALUES (1, 'closed', '[]', %s, %s, %s, 'warning', 'cpu_percent')",
                [moment(begin), moment(begin), moment(end)],
            )
        conn.execute(
            "UPDATE ai_health_scores SET status = 'no_data', score = NULL, reason = 'silent' "
            "WHERE at > %s AND at <= %s",
            [moment(20), moment(20.5)],
        )
    assert sample_reports.truth_beside_reports(world.db, settings, AT) == ""
    made(world, settings)
    text = sample_reports.truth_beside_reports(world.db, settings, AT)
    assert text.splitlines()[1].strip() == (
        "rpt_20261119_daily_site1: 1 of 2 incidents of its period are told of (missed: Kasse 1); 1 anomalies "
        "belong to no known incident; 30 device-minutes without data, outages took 30"
    )
