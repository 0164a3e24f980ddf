"""Two pods in one database and on one Prefect server: what reaches the other of what one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from deployments import bootstrap
from deployments.pod import prefect as pod_prefect
from flows import health, mail
from homepot_ai.errors import NotMigrated
from homepot_ai.settings import Settings
from homepot_ai.store import migrate, tokens
from homepot_ai.store import pods as sharing
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests import mail_helpers
from tests.flows.conftest import Connect, artifact, run
from tests.support import START, small_fleet, telemetry, wave

DEVICES = {"podnorth": 2, "podsouth": 3}
NOW = START


@pytest.fixture
def pair(
    postgres: str, clone: Callable[[str], Database], empty_template: str
) -> Iterator[dict[str, Database]]:
    """Two fleets in one database, each with a login as docs/pods.md makes it."""
    url = clone(empty_template).url
    made = {}
    with psycopg.connect(url, autocommit=True) as conn:
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        for pod in DEVICES:
            roles = [f"{pod}_reader", f"{pod}_writer", f"{pod}_asker"]
            conn.execute(f"CREATE ROLE {pod} LOGIN")
            for role in roles:
                conn.execute(f"CREATE ROLE {role} NOLOGIN")
            conn.execute(f"GRANT {', '.join(roles)} TO {pod}")
            conn.execute(f"GRANT CREATE ON DATABASE {name} TO {pod}")
            conn.execute(f"CREATE SCHEMA {pod}_homepot AUTHORIZATION {pod}")
            conn.execute(f"SET ROLE {pod}")
            text = files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text()
            conn.execute(text.replace("public.", f"{pod}_homepot."))
            conn.execute("RESET ROLE")
            made[pod] = Database(psycopg.conninfo.make_conninfo(url, user=pod), pod, f"{pod}_homepot")
    for pod, devices in DEVICES.items():
        migrate.upgrade(made[pod])
        small_fleet(made[pod], devices=devices)
        telemetry(made[pod], NOW - timedelta(minutes=4), 5, range(1, devices + 1), cpu_percent=wave(20))
    yield made
    with psycopg.connect(url, autocommit=True) as conn:
        for pod in DEVICES:
            roles = f"{pod}_reader, {pod}_writer, {pod}_asker, {pod}"
            conn.execute(f"DROP OWNED BY {roles} CASCADE")
            conn.execute(f"DROP ROLE {roles}")


def test_two_pods_beside_each_other(
    pair: dict[str, Database], connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    def become(pod: str, sink: MailSink) -> Settings:
        made = connect(
            pair[pod],
            POD=pod,
            DATABASE__SCHEMA_NAME=pod,
            DATABASE__HOMEPOT_SCHEMA=f"{pod}_homepot",
            SCORING__WARMUP_DAYS="0",
            MAIL__PORT=str(sink.port),
        )
        with get_client(sync_client=True) as client:
            bootstrap.make_pools(client, pod)
        return made

    north, south = pair["podnorth"], pair["podsouth"]
    with MailSink(tmp_path / "podnorth") as one, MailSink(tmp_path / "podsouth") as two:
        sinks = {"podnorth": one, "podsouth": two}
        for pod, db in pair.items():
            become(pod, sinks[pod])
            assert run(health.score_health, at=NOW).is_completed()
            mail_helpers.queue(db, mail_helpers.mail(pod))
            with db.reader() as conn:
                scored = conn.execute("SELECT count(DISTINCT device_id) FROM ai_health_scores").fetchone()
            assert scored == (DEVICES[pod],), "its own fleet, and all of it"
        # Both have everything on the server by now: each run finds its own.
        for pod in pair:
            become(pod, sinks[pod])
            assert "1 sent" in str(run(mail.deliver, at=NOW).message)
            assert artifact(f"{pod}-deliver")
            assert list(mail_helpers.received(tmp_path / pod)) == [f"<{pod}@homepot.example>"]

    # No login and no role of one reads anything of the other.
    assert sharing.others_seen(north) == []
    for way in (north.admin, north.reader, north.writer, lambda: north.asker(None)):
        for statement in (
            "SELECT * FROM podsouth.ai_health_scores",
            "SELECT * FROM podsouth_homepot.devices",
            "DELETE FROM podsouth.ai_mail_outbox",
        ):
            with way() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
    for role in (south.reader_role, south.writer_role, south.asker_role, "podsouth"):
        with north.admin() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"SET ROLE {role}")
    other = Database(north.url, "podsouth", "podsouth_homepot")
    with pytest.raises((NotMigrated, psycopg.errors.InsufficientPrivilege)), other.reader():
        pass
    with north.writer() as conn:
        secret = tokens.make(
            conn, "board", scopes=["read"], sites=None, user=None, expires_at=None, actor="test", now=NOW
        )
    with north.reader() as conn, south.reader() as conn_south:
        assert tokens.find(conn, secret) is not None
        assert tokens.find(conn_south, secret) is None

    # One fails: the other's next run does not notice.
    with south.admin() as conn:
        conn.execute("ALTER TABLE ai_mail_outbox RENAME TO away")
    with MailSink(tmp_path / "again") as sink:
        become("podsouth", sink)
        assert not run(mail.deliver, at=NOW).is_completed()
        settings = become("podnorth", sink)
        assert run(mail.deliver, at=NOW).is_completed()

    # One is taken away, secrets and all; the other stays.
    monkeypatch.setattr(pod_prefect.environment, "prefect_environment", lambda _: {})
    done = pod_prefect.forget(settings)
    assert "block podnorth-fleet removed" in done
    with get_client(sync_client=True) as client:
        pools = {pool.name for pool in client.read_work_pools()}
        blocks = {block.name for block in client.read_block_documents_by_type("fleet-database")}
    assert {"podsouth-minute", "podsouth-batch"} <= pools
    assert not [name for name in pools if name.startswith("podnorth")]
    assert "podsouth-fleet" in blocks
    assert "podnorth-fleet" not in blocks
