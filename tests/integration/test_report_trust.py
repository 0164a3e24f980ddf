"""What would cost a reader's trust: mails lost or leaked, another report's name, figures out of date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from homepot_ai.reporting import digests, periods, stored
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.render_pool import RenderPool
from homepot_ai.reporting.service import Wish, make_incident_report, make_report, report_id
from homepot_ai.settings import Settings
from homepot_ai.store import health_hours
from homepot_ai.store.database import Database
from homepot_ai.store.people import Wanted
from tests.incident_rows_alert import closed, opened
from tests.integration.test_report_post import (
    AT,
    DAY,
    SITE,
    ZONE,
    mails,
    make,
    pool,
    subscribe,
    world,
)  # fmt: skip
from tests.report_world import World
from tests.support import small_fleet

__all__ = ["pool", "world"]
MINUTE = timedelta(minutes=1)


class TestWhoSeesWhat:
    def test_blanks_around_an_address_do_not_make_it_somebody_unknown(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        wish = Wish(addresses=(" ann@example.org ", "ann@example.org\t"))
        made = make(world, settings, pool, Scope(kind="site", id=3), wish=wish)
        assert mails(world) == []
        assert sum("does not let them see this site" in why for why in made.skipped) == 2

    def test_who_got_a_report_is_added_to_not_replaced(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "a@example.net", Wanted(scope="site", scope_id=1))
        make(world, settings, pool)
        subscribe(world, "b@example.net", Wanted(scope="site", scope_id=1))
        assert make(world, settings, pool, later=1).queued == 1
        with world.db.admin() as conn:
            [(noted,)] = conn.execute("SELECT recipients FROM ai_reports").fetchall()
        assert noted == [1, 2]


class TestNames:
    def test_different_device_types_have_different_reports(self) -> None:
        names = ["kiosk", "pos terminal", "pos-terminal", "pos_terminal", "касса", "киоск", "POS-terminal"]
        period = periods.custom(DAY.first_day, DAY.last_day, ZONE)
        ids = {report_id("custom", period, Scope(kind="device_type", name=name)).casefold() for name in names}
        assert len(ids) == len(names)
        assert "rpt_20261119-20261119_custom_type-kiosk" in ids

    def test_an_hour_that_comes_twice_has_two_reports(self) -> None:
        first = datetime(2026, 10, 25, 2, 0), datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001
        second = first[0].replace(fold=1), first[1].replace(fold=1)
        ids = {report_id("custom", periods.custom(*span, ZONE), SITE) for span in (first, second)}
        assert len(ids) == 2


class TestReplay:
    def test_made_again_it_is_the_edition_that_was_made_first(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        german = settings.model_copy(
            update={"reports": settings.reports.model_copy(update={"locale": "de_DE", "paper": "Letter"})}
        )
        subscribe(world, "a@example.net", Wanted(scope="site", scope_id=1, language="en", paper="A4"))
        first = make(world, german, pool)
        again = make(world, german, pool, later=1)
        assert first.edition == Edition("maintenance", "de", "Letter")
        assert again.edition == first.edition
        assert again.pdf == first.pdf


class TestIncidents:
    def test_closed_for_a_moment_before_the_preliminary_report_it_still_gets_a_final_one(
        self, database: Database, settings: Settings, pool: RenderPool
    ) -> None:
        small_fleet(database, 4)
        start = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
        incident = opened(database, at=start)
        made_at = start + 40 * MINUTE
        first = make_incident_report(database, settings, incident, render=pool.render, now=made_at)
        # Scoring catches up, or a person says when it was over: the close lies before the report.
        closed(database, incident, start + 20 * MINUTE, by="Ann", resolution="cable")
        later = made_at + 10 * MINUTE
        with database.reader() as conn:
            waiting = stored.incidents_to_report(conn, since=start, now=later, limit=50)
        assert waiting == [incident]
        final = make_incident_report(database, settings, incident, render=pool.render, now=later)
        assert (first.revision, final.revision, final.created) == (1, 2, True)
        with database.reader() as conn:
            assert stored.incidents_to_report(conn, since=start, now=later + MINUTE, limit=50) == []
        again = make_incident_report(database, settings, incident, render=pool.render, now=later + MINUTE)
        assert (again.revision, again.created) == (2, False)

    def test_a_final_report_made_in_the_second_of_the_close_is_final(
        self, database: Database, settings: Settings, pool: RenderPool
    ) -> None:
        small_fleet(database, 4)
        start = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
        incident = opened(database, at=start)
        over = start + timedelta(minutes=20, microseconds=400_000)
        closed(database, incident, over)
        now = over + timedelta(microseconds=300_000)
        make_incident_report(database, settings, incident, render=pool.render, now=now)
        with database.reader() as conn:
            assert stored.incidents_to_report(conn, since=start, now=now + MINUTE, limit=50) == []


class TestDigests:
    def test_a_report_that_was_stored_while_the_digest_was_made_follows_alone(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "boss@example.org", Wanted(scope="own", digest=True))
        for site in (1, 2):
            make(world, settings, pool, Scope(kind="site", id=site))
        # Another run renders site 3, begun before the digest and done after it: neither knows of the other.
        sent: list[int] = []

        def render(job: object) -> bytes:
            if not sent:
                told = digests.make_digests(
                    world.db, settings, kind="daily", period=DAY, render=pool.render, now=AT + MINUTE
                )
                sent.append(told.queued)
            return pool.render(job)  # type: ignore[arg-type]

        third = Scope(kind="site", id=3)
        make_report(world.db, settings, scope=third, at=AT, render=render, now=AT)
        make_report(world.db, settings, scope=third, at=AT, render=pool.render, now=AT + 5 * MINUTE)
        assert sent == [1]
        keys = [key.partition(":")[0] for key, _, _ in mails(world)]
        assert keys == ["digest_20261119_daily_europe-berlin", "rpt_20261119_daily_site3#1"]
        # And those that were in it do not.
        make(world, settings, pool, later=1)
        assert len(mails(world)) == 2


class TestFigures:
    def test_minutes_filled_in_after_the_hours_were_rolled_up_are_counted(
        self, world: World, settings: Settings
    ) -> None:
        hole = DAY.start + 90 * MINUTE
        with world.db.admin() as conn:
            conn.execute("DELETE FROM ai_health_scores WHERE device_id = 1 AND at = %s", [hole])
        health_hours.roll_up(world.db, settings, DAY.start, DAY.end, now=AT)

        def healthy() -> int:
            with world.db.reader() as conn:
                reading = health_hours.parts(conn, DAY.start, DAY.end)
                return health_hours.sums(conn, reading, health_hours.Opening(), [1])[1].healthy

        before = healthy()
        with world.db.writer() as conn:
            conn.execute(
                "INSERT INTO ai_health_scores (device_id, at, score, status, sample_count) "
                "VALUES (1, %s, 0.9, 'healthy', 2)",
                [hole],
            )
            health_hours.filled(conn, hole, hole)
        assert healthy() == before + 1
        assert health_hours.roll_up(world.db, settings, DAY.start, DAY.end, now=AT) == [hole.date()]
        assert healthy() == before + 1

    def test_a_site_that_was_not_scored_any_more_has_no_status_at_the_end_in_any_report(
        self, world: World, settings: Settings
    ) -> None:
        # Its shard stopped at noon; the other sites went on.
        noon = DAY.start + 720 * MINUTE
        with world.db.admin() as conn:
            conn.execute("DELETE FROM ai_health_scores WHERE device_id = 2 AND at > %s", [noon])
        with world.db.reader() as conn:
            fleet, site, device = (
                gather(conn, settings, scope, DAY, AT)
                for scope in (Scope(kind="fleet"), Scope(kind="site", id=2), Scope(kind="device", id=2))
            )
        assert fleet.headline is not None
        assert fleet.headline.figures.status_at_end.not_scored == 1
        for facts in (site, device):
            assert facts.headline is not None
            assert facts.headline.figures.status_at_end.not_scored == 1
            assert facts.headline.figures.status_at_end.healthy == 0
