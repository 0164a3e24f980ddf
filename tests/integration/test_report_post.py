"""Who gets what: editions, access, digests, threads and sizes of report mails, against a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from homepot_ai.errors import SettingsError
from homepot_ai.reporting import batch, pdf, service, stored
from homepot_ai.reporting.batch import LocalScope
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.periods import day
from homepot_ai.reporting.render_pool import RenderPool
from homepot_ai.reporting.service import ReportOutcome, Wish, make_report
from homepot_ai.settings import Settings
from homepot_ai.store import people
from homepot_ai.store.people import Wanted
from tests.report_world import World

ZONE = "Europe/Berlin"
DAY = day(date(2026, 11, 19), ZONE)
AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
SITE, OTHER, FLEET = Scope(kind="site", id=1), Scope(kind="site", id=2), Scope(kind="fleet")


@pytest.fixture(scope="module")
def pool() -> Iterator[RenderPool]:
    """The tests share what a batch's threads share."""
    with RenderPool(1, memory_mb=1024) as made:
        yield made


@pytest.fixture
def world(database: Any) -> World:
    """Site 1 has a device that is critical at the end, sites 2 and 3 are quiet; a day of each."""
    world = World(database)
    for site in (1, 2, 3):
        world.site(site, f"Site {site}", ZONE)
        world.device(site, site, f"Till {site}")
    for n in range(DAY.minutes):
        at = DAY.start + timedelta(minutes=n + 1)
        for device in (1, 2, 3):
            ill = device == 1 and n > 1400
            world.scores.append((device, at, 0.3 if ill else 0.95, "critical" if ill else "healthy", None))
            world.metrics.append((device, at - timedelta(minutes=1), "real", 60))
        world.minutes.append(at)
    world.write()
    with database.admin() as conn:
        for number, (email, admin) in enumerate([("ann@example.org", False), ("boss@example.org", True)], 1):
            conn.execute(
                "INSERT INTO users (id, email, username, hashed_password, is_active, is_admin) "
                "VALUES (%s, %s, %s, 'x', true, %s)",
                (number, email, email.partition("@")[0], admin),
            )
        conn.execute("INSERT INTO site_memberships (user_id, site_id, role) VALUES (1, 1, 'x'), (1, 2, 'x')")
    return world


def subscribe(world: World, email: str, wanted: Wanted) -> None:
    with world.db.writer() as conn:
        people.subscribe(conn, email, wanted, actor="test", now=AT)


def make(
    world: World, settings: Settings, pool: RenderPool, scope: Scope = SITE, *, later: float = 0, **more: Any
) -> ReportOutcome:
    now = AT + timedelta(hours=later)
    return make_report(world.db, settings, scope=scope, at=AT, render=pool.render, now=now, **more)


def mails(world: World) -> list[tuple[str, str, EmailMessage]]:
    """Key, recipient and message of everything queued, in order."""
    with world.db.admin() as conn:
        rows = conn.execute("SELECT key, recipient, payload FROM ai_mail_outbox ORDER BY id").fetchall()
    return [(key, to, message_from_bytes(bytes(raw), policy=policy.default)) for key, to, raw in rows]  # type: ignore[misc, call-overload]


def files(message: EmailMessage) -> list[str]:
    return [str(part.get_filename()) for part in message.iter_attachments()]


def text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


class TestEditions:
    def test_one_report_an_edition_for_everybody_and_the_same_hash_in_all(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "tech@example.net", Wanted(scope="site", scope_id=1))
        subscribe(
            world, "chef@example.net", Wanted(scope="site", scope_id=1, mode="executive", language="de")
        )
        made = make(world, settings, pool)
        assert made.queued == 2
        tech, chef = (message for _, _, message in mails(world))
        assert made.facts_hash in text(tech)
        assert made.facts_hash in text(chef)
        assert "needs attention" in str(tech["Subject"])
        assert str(tech["Subject"]) != str(chef["Subject"])
        with world.db.reader() as conn:
            german = stored.edition(conn, made.report_id, 1, Edition("executive", "de"))
        assert german in [part.get_content() for part in chef.iter_attachments()]
        assert german != made.pdf

    def test_an_edition_wanted_later_is_rendered_from_the_same_facts_and_time(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        first = make(world, settings, pool)
        wanted = Edition("predictive", "en", "Letter")
        later = make(world, settings, pool, later=30, wish=Wish(wanted))
        again = make(world, settings, pool, later=60, wish=Wish(wanted))
        assert (later.created, later.facts_hash, later.generated_at) == (False, first.facts_hash, AT)
        assert later.pdf == again.pdf
        with world.db.admin() as conn:
            conn.execute("DELETE FROM ai_report_editions WHERE paper = 'Letter'")
        assert make(world, settings, pool, later=90, wish=Wish(wanted)).pdf == later.pdf

    def test_a_report_of_an_earlier_version_replays_its_pdf_and_says_so(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        first = make(world, settings, pool)
        with world.db.admin() as conn:
            conn.execute("UPDATE ai_reports SET facts = NULL")
        again = make(world, settings, pool, later=3, revise=True)
        assert again.pdf == first.pdf
        assert "earlier version" in again.markdown()


class TestAccess:
    def test_nobody_gets_what_homepot_would_not_let_them_see(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "ann@example.org", Wanted(scope="site", scope_id=3))
        subscribe(world, "boss@example.org", Wanted(scope="site", scope_id=3))
        subscribe(world, "team@example.net", Wanted(scope="site", scope_id=3))
        subscribe(world, "ann@example.org", Wanted(scope="fleet"))
        site, fleet = (
            make(world, settings, pool, Scope(kind="site", id=3)),
            make(world, settings, pool, FLEET),
        )
        assert [to for _, to, _ in mails(world)] == ["boss@example.org", "team@example.net"]
        assert site.skipped == ("subscription 1: HOMEPOT does not let its owner see this site",)
        assert fleet.skipped == ("subscription 4: HOMEPOT does not let its owner see every site",)

    def test_own_sites_are_those_of_the_moment(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "ann@example.org", Wanted(scope="own"))
        for site in (1, 2, 3):
            make(world, settings, pool, Scope(kind="site", id=site))
        assert [key.partition("#")[0][-5:] for key, _, _ in mails(world)] == ["site1", "site2"]
        with world.db.admin() as conn:
            conn.execute("UPDATE users SET is_active = false WHERE id = 1")
            conn.execute("DELETE FROM ai_mail_outbox")
        assert make(world, settings, pool, later=1).queued == 0

    def test_one_mail_however_many_subscriptions_cover_it(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "boss@example.org", Wanted(scope="own", mode="executive"))
        subscribe(world, "Boss@example.org", Wanted(scope="site", scope_id=1))
        assert make(world, settings, pool).queued == 1
        assert "MAINTENANCE" in text(mails(world)[0][2]), "the narrower one decides how it is read"

    def test_whom_a_form_names(self, world: World, settings: Settings, pool: RenderPool) -> None:
        wish = Wish(addresses=("ann@example.org", "guest@example.net", "no address", "guest@example.net"))
        made = make(world, settings, pool, Scope(kind="site", id=3), wish=wish)
        assert [to for _, to, _ in mails(world)] == ["guest@example.net"]
        assert any("ann@example.org: HOMEPOT does not let them see this site" in why for why in made.skipped)
        assert any("'no address' is no mail address" in why for why in made.skipped)
        assert make(world, settings, pool, Scope(kind="site", id=3), wish=wish, later=1).queued == 0
        with world.db.admin() as conn:
            audit = conn.execute(
                "SELECT action, details FROM ai_audit_log WHERE action = 'mailed'"
            ).fetchall()
        assert audit == [("mailed", {"recipients": 1, "revision": 1})]

    def test_what_does_not_fit_together_is_refused(self, world: World) -> None:
        for email, wanted, said in [
            ("nobody", Wanted(), "is no mail address"),
            ("x@example.net", Wanted(scope="own"), "does not know x@example.net"),
            ("x@example.net", Wanted(scope="site", scope_id=1, digest=True), "leave --site"),
            ("x@example.net", Wanted("incident", digest=True), "a digest gathers"),
            ("ann@example.org", Wanted("alert", "own"), "alerts are of a site"),
        ]:
            with pytest.raises(SettingsError, match=said):
                subscribe(world, email, wanted)


class TestDigests:
    def run(self, world: World, settings: Settings, now: datetime = AT) -> batch.Batch:
        scopes = [LocalScope(Scope(kind="site", id=site), ZONE) for site in (1, 2, 3)]
        made = batch.make_all(world.db, settings, "daily", scopes, at=AT, now=now)
        later = now + timedelta(minutes=1)
        told = batch.digest_zones(
            world.db, settings, "daily", scopes, at=AT, failures=made.failures, now=later
        )
        return replace(made, digests=told)

    def test_one_mail_worst_first_quiet_sites_in_a_line_and_only_ones_own(
        self, world: World, settings: Settings
    ) -> None:
        subscribe(world, "ann@example.org", Wanted(scope="own", digest=True))
        subscribe(world, "team@example.net", Wanted(scope="fleet", digest=True, language="de"))
        assert self.run(world, settings).queued == 2
        assert self.run(world, settings, AT + timedelta(hours=1)).queued == 0
        (key, to, ann), (_, _, team) = mails(world)
        assert (key, to) == ("digest_20261119_daily_europe-berlin:ann@example.org", "ann@example.org")
        assert ann["Subject"] == "[HOMEPOT] 1 site of 2 needs attention - daily 2026-11-19"
        assert ann["List-Id"] == "HOMEPOT daily reports <daily-digest.homepot.example>"
        assert files(ann) == ["20261119_daily_site1.pdf"], "the PDF of the site that needs attention"
        said = text(ann)
        assert said.index("Site 1") < said.index("Site 2")
        assert "Site 3" not in said
        assert "Site 3" in text(team)
        assert max(map(len, said.splitlines())) <= 78
        with world.db.reader() as conn:
            kept = stored.edition(conn, "rpt_20261119_daily_site1", 1, Edition("maintenance", "de"))
        assert kept in [part.get_content() for part in team.iter_attachments()]

    def test_a_site_that_failed_is_named_and_follows_in_the_thread(
        self, world: World, settings: Settings
    ) -> None:
        subscribe(world, "boss@example.org", Wanted(scope="own", digest=True))
        with world.db.admin() as conn:
            conn.execute(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no room for site two'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON ai_reports
                FOR EACH ROW WHEN (NEW.site_id = 2) EXECUTE FUNCTION refuse();
                """
            )
        first = self.run(world, settings)
        assert list(first.failures) == ["site2"]
        assert len(first.reports) == 2
        [(_, _, digest)] = mails(world)
        assert "Site 2" in text(digest)
        assert "no room for site two" in text(digest)
        with world.db.admin() as conn:
            conn.execute("DROP TRIGGER refuse ON ai_reports")
        second = self.run(world, settings, AT + timedelta(hours=2))
        assert (second.failures, second.queued) == ({}, 1)
        _, (key, _, late) = mails(world)
        assert key == "rpt_20261119_daily_site2#1:boss@example.org"
        assert late["In-Reply-To"] == digest["Message-ID"]
        assert self.run(world, settings, AT + timedelta(hours=3)).queued == 0


class TestThreadsAndSizes:
    def test_a_revision_replies_to_the_first_mail(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "team@example.net", Wanted(scope="site", scope_id=1))
        make(world, settings, pool)
        with world.db.admin() as conn:
            conn.execute("UPDATE ai_health_scores SET score = 0.95, status = 'healthy'")
        assert make(world, settings, pool, revise=True, later=2).revision == 2
        first, second = (message for _, _, message in mails(world))
        assert first["In-Reply-To"] is None
        assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
        assert first["List-Id"] == second["List-Id"] == "HOMEPOT daily reports <daily-site1.homepot.example>"
        assert first["List-Unsubscribe"].endswith("?subject=unsubscribe%20daily%20site1>")

    def test_tables_on_wish_and_left_out_before_the_pdf_when_the_mail_is_too_large(
        self, world: World, settings: Settings, pool: RenderPool
    ) -> None:
        subscribe(world, "a@example.net", Wanted(scope="site", scope_id=1, csv=True))
        subscribe(world, "b@example.net", Wanted(scope="site", scope_id=1))
        make(world, settings, pool)
        with_tables, plain = (message for _, _, message in mails(world))
        assert files(plain) == ["20261119_daily_site1.pdf"]
        assert files(with_tables)[0] == "20261119_daily_site1.pdf"
        assert all(name.endswith(".csv") for name in files(with_tables)[1:])
        assert len(files(with_tables)) > 1
        with world.db.admin() as conn:
            sizes = conn.execute("SELECT octet_length(payload) FROM ai_mail_outbox ORDER BY id").fetchall()
        whole, bare = (int(str(size)) for (size,) in sizes)
        for limit, kept, said in [
            (whole - 10, ["20261119_daily_site1.pdf"], "The tables (CSV) are not attached"),
            (bare // 2, [], "20261119_daily_site1.pdf is not attached"),
        ]:
            with world.db.admin() as conn:
                conn.execute("DELETE FROM ai_mail_outbox")
            mail = settings.mail.model_copy(update={"max_megabytes": limit / 1e6})
            make(world, settings.model_copy(update={"mail": mail}), pool)
            message = mails(world)[0][2]
            assert files(message) == kept
            assert said in " ".join(text(message).split())

    def test_a_disk_that_is_full_for_the_renderer_fails_that_report_alone(
        self, world: World, settings: Settings
    ) -> None:
        def full(job: pdf.Job) -> bytes:
            return pdf.render(replace(job, fonts=job.fonts / "gone"))

        with pytest.raises(service.ReportError, match="could not be rendered"):
            make_report(world.db, settings, scope=SITE, at=AT, render=full, now=AT)
        assert mails(world) == []
        with world.db.reader() as conn:
            assert stored.read(conn, "rpt_20261119_daily_site1") is None
