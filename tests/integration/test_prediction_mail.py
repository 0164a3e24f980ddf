"""Telling people of warnings: once, to whom it concerns, with a calendar."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from homepot_ai.alerts import foretold
from homepot_ai.prediction import acting
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.prediction_world import HOUR, NOW, risk, rows, world

pytestmark = pytest.mark.slow


def subscribe(db: Database, email: str, kind: str = "alert", site: int | None = None) -> None:
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active) "
            "VALUES (%s, %s, %s, %s, 'maintenance', true)",
            [email, kind, "fleet" if site is None else "site", site],
        )


def mails(db: Database) -> list[tuple[str, EmailMessage]]:
    found = []
    for recipient, payload in rows(db, "SELECT recipient, payload FROM ai_mail_outbox ORDER BY id"):
        parsed = message_from_bytes(payload, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        found.append((str(recipient), parsed))
    return found


@pytest.fixture
def warned(database: Database, settings: Settings) -> Database:
    world(database, rates={"currency": "EUR", "visit": 90, "hour": 60})
    acting.act_on(database, settings, [risk(1), risk(2, "critical", low_days=2)], NOW)
    return database


def test_one_mail_for_each_recipient_about_all_of_the_run(warned: Database, settings: Settings) -> None:
    for email in ("ann@example.org", "bob@example.org"):
        subscribe(warned, email)
    subscribe(warned, "carl@example.org", "daily")
    told = foretold.tell(warned, settings, NOW)
    assert (told.episodes, told.queued, told.nobody) == (2, 2, ())
    (first, mail), (second, _) = mails(warned)
    assert (first, second) == ("ann@example.org", "bob@example.org")
    assert mail["Subject"] == "[HOMEPOT] Berlin: 2 devices near a limit"
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    line = " ".join(text.split())
    assert text.index("Checkout 2") < text.index("Checkout 1"), "the critical one first"
    assert "Disk is expected to reach 90.0 % between Sun 22 Nov and Thu 26 Nov" in " ".join(text.split())
    assert "homepot-ai visits accept" in text
    assert "nobody knows how good they are here" in line
    assert "105 EUR" in text
    assert max(map(len, text.splitlines())) <= 78
    page = mail.get_body(("html",))
    assert page is not None
    assert "Checkout 2" in page.get_content()
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    assert attached.get_filename() == "visits.ics"
    assert str(attached.get_content()).count("BEGIN:VEVENT") == 2


def test_told_once_also_when_killed_between(
    warned: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(warned, "ann@example.org")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        # After the mail is in the outbox, before the warning counts as told.
        patch.setattr(foretold.episodes, "set_told", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        foretold.tell(warned, settings, NOW)
    assert mails(warned) == []
    assert foretold.tell(warned, settings, NOW).queued == 1
    for hour in range(1, 4):
        at = NOW + hour * HOUR
        acting.act_on(warned, settings, [risk(1, at=at), risk(2, "critical", at=at, low_days=2)], at)
        assert foretold.tell(warned, settings, at) == foretold.Told()
    assert len(mails(warned)) == 1


def test_only_to_whom_it_concerns_and_may_see_it(warned: Database, settings: Settings) -> None:
    with warned.admin() as conn:
        conn.execute("INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
                     "VALUES (2, 'SITE-2', 'Paris', true, 'active')")  # fmt: skip
        for number, email in ((1, "may@example.org"), (2, "not@example.org")):
            conn.execute(
                "INSERT INTO users (id, email, username, hashed_password, is_active, is_admin) "
                "VALUES (%s, %s, %s, 'x', true, false)",
                [number, email, f"user{number}"],
            )
            conn.execute(
                "INSERT INTO site_memberships (id, user_id, site_id, role) VALUES (%s, %s, %s, 'viewer')",
                [number, number, number],
            )
    for email in ("may@example.org", "not@example.org"):
        subscribe(warned, email)
    subscribe(warned, "paris@example.org", site=2)
    told = foretold.tell(warned, settings, NOW)
    assert [recipient for recipient, _ in mails(warned)] == ["may@example.org"]
    assert told.not_allowed == 2


def test_severities_nobody_and_what_ended_meanwhile(warned: Database, settings: Settings) -> None:
    with warned.admin() as conn:
        conn.execute("UPDATE ai_risk_episodes SET ended_at = %s WHERE device_id = 2", [NOW])
    told = foretold.tell(warned, settings, NOW)
    assert (told.episodes, told.queued, len(told.nobody)) == (1, 0, 1)
    assert rows(warned, "SELECT count(*) FROM ai_risk_episodes WHERE alerted_at IS NULL") == [(0,)]


def test_a_channel_gets_a_short_message_and_a_bad_address_costs_nobody_else(
    warned: Database, settings: Settings
) -> None:
    with warned.admin() as conn:
        conn.execute("UPDATE devices SET name = E'<b>POS</b>\\r\\nBcc: x@y.z \\u202e' WHERE id = 1")
        conn.execute(
            "INSERT INTO ai_alert_routes (name, channel, address, min_severity, outside, after_minutes, "
            "created_by, created_at) VALUES ('duty', 'slack', '', 'critical', 'wait', 0, 'Ann', now())"
        )
    subscribe(warned, "no address")
    subscribe(warned, "ann@example.org")
    told = foretold.tell(warned, settings, NOW)
    assert told.queued == 2
    assert len(told.failed) == 1
    ((payload,),) = rows(warned, "SELECT payload FROM ai_alerts_outbox")
    assert b"Disk of Checkout 2 nears its limit" in bytes(payload)
    ((_, mail),) = mails(warned)
    assert mail["Bcc"] is None
    page = mail.get_body(("html",))
    assert page is not None
    assert "<b>POS" not in page.get_content()
