"""The proof at the end of `up --once`: whether the newest reports arrived by mail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployments import cycle
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.service import make_report
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.report_world import World

AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


def deliver_all(database: Database, folder: Path) -> None:
    """Store every queued mail as the sink does, and say that it was sent."""
    folder.mkdir(exist_ok=True)
    with database.admin() as conn:
        for number, payload in conn.execute("SELECT id, payload FROM ai_mail_outbox").fetchall():
            (folder / f"{number:06}.eml").write_bytes(payload)
        conn.execute("UPDATE ai_mail_outbox SET state = 'sent'")


def test_a_revised_report_is_compared_with_its_own_mail(database: Database, tmp_path: Path) -> None:
    world = World(database)
    world.site(1, "Berlin", "Europe/Berlin")
    world.device(1, 1, "Kasse 1")
    world.write()
    world.subscribe("ann@example.org", "site", 1)
    settings = Settings(var_dir=tmp_path, database_url=database.url, reports={"timezone": "Europe/Berlin"})
    for revise in (False, True):
        if revise:
            with database.admin() as conn:
                conn.execute("UPDATE devices SET name = 'Till 1'")
        make_report(database, settings, scope=Scope(kind="site", id=1), at=AT, revise=revise, now=AT)
        with pytest.raises(cycle.CycleFailed, match="queued"):
            cycle.arrived(settings)
        deliver_all(database, tmp_path / "mail")
        (found,) = cycle.arrived(settings)
        assert found.recipient == "ann@example.org"
        assert found.pdf.name.endswith(f"-r{2 if revise else 1}.pdf")
