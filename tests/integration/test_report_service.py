"""Making, replaying and revising reports: one report, one mail per subscription, whatever happens between."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from homepot_ai.errors import NotFound, ReportError
from homepot_ai.reporting import command, stored
from homepot_ai.reporting.command import Ask
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.periods import day
from homepot_ai.reporting.service import ReportOutcome, Wish, make_report, scopes_of
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.report_world import World

ZONE = "Europe/Berlin"
DAY = day(date(2026, 11, 19), ZONE)
AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
SITE = Scope(kind="site", id=1)


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.site(1, "Berlin <b>Mitte</b>", ZONE)
    world.site(2, "Singapore", "Asia/Singapore")
    world.device(1, 1, "Kasse 1")
    world.device(2, 1, "Kasse 2")
    for n in range(DAY.minutes):
        at = DAY.start + timedelta(minutes=n + 1)
        world.scores.append((1, at, 0.95, "healthy", None))
        world.scores.append((2, at, 0.3 if n > 1400 else 0.95, "critical" if n > 1400 else "healthy", None))
        world.metrics.append((1, at - timedelta(minutes=1), "real", 60))
        world.metrics.append((2, at - timedelta(minutes=1), "real", 60))
        world.minutes.append(at)
    world.write()
    world.subscribe("ann@example.org", "site", 1)
    world.subscribe("bob@example.org", "site", 1)
    world.subscribe("gone@example.org", "site", 1, active=False)
    world.subscribe("chief@example.org", "fleet", None)
    return world


def make(
    world: World, settings: Settings, *, scope: Scope = SITE, revise: bool = False, later: float = 0
) -> ReportOutcome:
    now = AT + timedelta(hours=later)
    return make_report(world.db, settings, scope=scope, at=AT, revise=revise, now=now)


def test_a_day_long_past_is_mailed_to_nobody(world: World, settings: Settings) -> None:
    made = make(world, settings, later=24 * 8)
    assert (made.created, made.queued) == (True, 0)
    assert "not mailed: the period is over for more than 7 days" in made.markdown()
    assert outbox(world.db) == []


def outbox(db: Database) -> list[tuple[object, ...]]:
    with db.admin() as conn:
        return conn.execute(
            "SELECT key, recipient, subject, message_id, payload, state FROM ai_mail_outbox ORDER BY id"
        ).fetchall()


def test_a_report_is_stored_and_queued_once(world: World, settings: Settings) -> None:
    first = make(world, settings)
    again = make(world, settings, later=5)

    assert first.created
    assert first.report_id == "rpt_20261119_daily_site1"
    assert first.verdict == "1 of 2 devices needs attention."
    assert (first.queued, again.queued) == (2, 0)
    assert not again.created
    assert again.revision == 1
    assert again.pdf == first.pdf
    assert again.generated_at == AT
    assert again.facts_hash == first.facts_hash
    rows = outbox(world.db)
    assert [row[1] for row in rows] == ["ann@example.org", "bob@example.org"]
    mail = message_from_bytes(bytes(rows[0][4]), policy=policy.default)  # type: ignore[call-overload]
    assert mail["Message-ID"] == rows[0][3]
    assert mail["Subject"] == "[HOMEPOT] Berlin <b>Mitte</b>: 1 device needs attention - daily 2026-11-19"
    pdf = next(part for part in mail.walk() if part.get_content_type() == "application/pdf")
    assert pdf.get_content() == first.pdf
    with world.db.reader() as conn:
        report = stored.read(conn, first.report_id)
    assert report is not None
    assert report.facts_hash == first.facts_hash


def test_a_later_subscriber_gets_the_same_report_and_nobody_gets_two(
    world: World, settings: Settings
) -> None:
    first = make(world, settings)
    world.subscribe("new@example.org", "site", 1)
    again = make(world, settings, later=30)

    assert again.queued == 1
    rows = outbox(world.db)
    assert [row[1] for row in rows] == ["ann@example.org", "bob@example.org", "new@example.org"]
    assert first.pdf in [
        part.get_payload(decode=True)
        for part in message_from_bytes(bytes(rows[2][4])).walk()  # type: ignore[call-overload]
    ]


def test_revise_without_news_changes_nothing(world: World, settings: Settings) -> None:
    first = make(world, settings)
    same = make(world, settings, revise=True, later=24)

    assert same.revision == 1
    assert same.pdf == first.pdf
    assert "no figure differs" in same.note
    assert same.queued == 0


def test_revise_with_late_data_makes_a_revision_that_says_what_changed(
    world: World, settings: Settings
) -> None:
    make(world, settings)
    with world.db.admin() as conn:
        conn.execute("UPDATE ai_health_scores SET score = 0.95, status = 'healthy' WHERE status = 'critical'")
    second = make(world, settings, revise=True, later=24)

    assert second.revision == 2
    assert second.created
    assert any("status at end critical" in item.what for item in second.differences)
    assert "A quiet day" in second.verdict
    assert "changed:" in second.markdown()
    subjects = [row[2] for row in outbox(world.db)]
    expected = "[HOMEPOT] Berlin <b>Mitte</b>: all 2 devices healthy - daily 2026-11-19 (revision 2)"
    assert subjects[2:] == [expected, expected]
    # Made again without --revise it is the latest revision, and the first one is still there.
    assert make(world, settings, later=25).revision == 2
    with world.db.reader() as conn:
        old = stored.read(conn, second.report_id, 1)
    assert old is not None
    assert old.revision == 1


def test_two_at_once_are_one_report(world: World, settings: Settings) -> None:
    results: list[ReportOutcome] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(make(world, settings, later=n))) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 3
    assert sum(result.created for result in results) == 1
    assert len({result.pdf for result in results}) == 1
    assert sum(result.queued for result in results) == 2
    assert len(outbox(world.db)) == 2


_CHILD = """
import sys
from datetime import UTC, datetime
from homepot_ai.reporting import posting, service
from homepot_ai.reporting.facts import Scope
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
import os, signal
point = sys.argv[2]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "before rendering":
    service._page = die
elif point == "before the transaction":
    service._store = die
elif point == "between the mails":
    real, seen = posting.enqueue, []
    def enqueue(*a, **k):
        if seen: die()
        seen.append(1)
        return real(*a, **k)
    posting.enqueue = enqueue
elif point == "before the commit":
    posting.stored.note_recipients = die
elif point == "after the commit":
    service.ReportOutcome = die
service.make_report(Database(sys.argv[1]), Settings(), scope=Scope(kind="site", id=1),
                    at=datetime(2026, 11, 20, 5, tzinfo=UTC), now=datetime(2026, 11, 20, 5, tzinfo=UTC))
"""


@pytest.mark.parametrize(
    "point",
    [
        "before rendering",
        "before the transaction",
        "between the mails",
        "before the commit",
        "after the commit",
    ],
)
def test_killed_anywhere_and_run_again(world: World, settings: Settings, point: str) -> None:
    child = subprocess.run([sys.executable, "-c", _CHILD, world.db.url, point], check=False, timeout=120)
    assert child.returncode == -signal.SIGKILL

    outcome = make(world, settings)

    done_before = point == "after the commit"
    assert outcome.created is not done_before
    assert outcome.queued == (0 if done_before else 2)
    assert [row[1] for row in outbox(world.db)] == ["ann@example.org", "bob@example.org"]


def test_an_address_that_cannot_be_written_to_is_skipped_and_named(world: World, settings: Settings) -> None:
    world.subscribe("not an address\r\nBcc: x@example.org", "site", 1)
    outcome = make(world, settings)

    assert outcome.queued == 2
    assert len(outcome.skipped) == 1
    assert "no mail address" in outcome.skipped[0]
    assert "skipped" in outcome.markdown()


def test_an_open_day_and_unknown_things_are_refused(world: World, settings: Settings) -> None:
    with pytest.raises(ReportError, match="is not over"):
        make_report(world.db, settings, scope=SITE, at=AT + timedelta(days=3), now=AT)


def test_scopes_follow_the_zone(world: World, settings: Settings) -> None:
    reports = settings.reports.model_copy(update={"timezone": ZONE})
    berlin = settings.model_copy(update={"reports": reports})

    assert scopes_of(world.db, berlin, ZONE) == [Scope(kind="site", id=1), Scope(kind="fleet")]
    assert scopes_of(world.db, berlin, "Asia/Singapore") == [Scope(kind="site", id=2)]
    assert scopes_of(world.db, berlin, "UTC") == []


def test_altered_facts_are_noticed(world: World, settings: Settings) -> None:
    made = make(world, settings)
    with world.db.admin() as conn:
        conn.execute("UPDATE ai_reports SET facts = replace(facts, 'Kasse 1', 'Kasse 7')")
    with pytest.raises(ReportError, match="were altered"), world.db.reader() as conn:
        stored.read(conn, made.report_id)


def test_a_fleet_report_goes_to_the_fleets_subscribers(world: World, settings: Settings) -> None:
    outcome = make(world, settings, scope=Scope(kind="fleet"))

    assert outcome.report_id == "rpt_20261119_daily_fleet"
    assert [row[1] for row in outbox(world.db)] == ["chief@example.org"]


def test_the_command_finds_scope_and_day(world: World, settings: Settings) -> None:
    def made(ask: Ask, now: datetime = AT) -> ReportOutcome:
        return command.make(world.db, settings, ask, Wish(), now=now)

    by_name = made(Ask("SITE-1", when="2026-11-19"), AT + timedelta(days=3))
    assert by_name.report_id == "rpt_20261119_daily_site1"
    assert made(Ask("1")).pdf == by_name.pdf
    with pytest.raises(ReportError, match="is no day"):
        made(Ask("fleet", when="19.11.2026"))
    with pytest.raises(ReportError, match="is no week; write it as 2026-W47"):
        made(Ask("fleet", "weekly", when="47"))
    with pytest.raises(ReportError, match="say from when to when"):
        made(Ask("fleet", "custom", start="2026-11-19"))
    with pytest.raises(ReportError, match="say which incident"):
        made(Ask("fleet", "incident"))
    with pytest.raises(NotFound, match="did you mean: SITE-1"):
        made(Ask("SITE-11"))
    with pytest.raises(NotFound, match="did you mean: pos_terminal"):
        made(Ask("type:kiosk"))
