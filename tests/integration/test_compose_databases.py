"""What the containers' PostgreSQL runs at its first start, on a real server."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from deployments import parts
from homepot_ai.settings import PrefectSettings, Settings
from homepot_ai.store import migrate
from homepot_ai.store.database import Database
from tests import debian_postgres
from tests.conftest import DUMP

FOLDER = Path(__file__).parents[2] / "deployments" / "compose"
PASSWORDS = {"FLEET_PASSWORD": "first-of-tests", "PREFECT_PASSWORD": "it's-the-second"}

pytestmark = pytest.mark.skipif(debian_postgres.why_not() is not None, reason=str(debian_postgres.why_not()))


@dataclass(frozen=True)
class Begun:
    """A server after its first start; `fleet`, `prefect`: the addresses of the two logins."""

    cluster: debian_postgres.Cluster
    fleet: str
    prefect: str


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    folder = tmp_path_factory.mktemp("secrets")
    for name, password in PASSWORDS.items():
        (folder / name).write_text(password)
    with debian_postgres.cluster() as cluster:
        text = (FOLDER / "databases.sql").read_text().replace("/run/secrets", str(folder))
        as_psql(cluster.url("postgres"), text)
        fleet, prefect = (
            psycopg.conninfo.make_conninfo(cluster.url(database), user=user, password=password)
            for (user, database), password in zip(
                (("homepot_ai", "homepot"), ("prefect", "prefect")), PASSWORDS.values(), strict=True
            )
        )
        # As docs/deploy.md types it.
        as_psql(cluster.url("homepot"), "SET ROLE homepot;\n" + gzip.decompress(DUMP.read_bytes()).decode())
        yield Begun(cluster, fleet, prefect)


def as_psql(url: str, text: str) -> None:
    """Run a script as the image's entry point does."""
    words = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_fleets_login_does_its_work_and_is_no_superuser(begun: Begun) -> None:
    db = Database(begun.fleet)
    migrate.upgrade(db)
    with db.reader() as conn:
        assert conn.execute("SELECT count(*) > 0 FROM public.devices").fetchone() == (True,)
    with db.writer() as conn:
        assert conn.execute("SELECT count(*) FROM ai_audit_log").fetchone() is not None
    with psycopg.connect(begun.fleet) as conn:
        row = conn.execute(
            "SELECT rolsuper, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles "
            "WHERE rolname = current_user"
        ).fetchone()
        assert row == (False,) * 4
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_the_schedulers_login_has_its_database_and_no_other(begun: Begun) -> None:
    chosen = Settings(prefect=PrefectSettings(database_url=SecretStr(begun.cluster.url("prefect"))))
    parts.require_server_can(chosen)
    with psycopg.connect(begun.prefect) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE TABLE tried (word text)")
        conn.execute("CREATE INDEX ON tried USING gin (word gin_trgm_ops)")
        conn.rollback()
    for login, other in ((begun.prefect, "homepot"), (begun.fleet, "prefect")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(login, dbname=other)
