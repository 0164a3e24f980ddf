"""A part that is started alone looks first whether it can work, and says in one sentence why it cannot."""

from __future__ import annotations

import base64
import doctest
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest
from pydantic import SecretStr

from deployments import environment, parts, run
from homepot_ai.errors import DatabaseNewer, HomepotAIError, NotMigrated, SettingsError
from homepot_ai.settings import PrefectSettings, Settings
from homepot_ai.store.database import Database
from tests import debian_postgres

LOGIN = "operator:a-password-of-tests"


def with_prefect(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"prefect": PrefectSettings(**values)})  # type: ignore[arg-type]


class Answering:
    """A server as far as the questions before a start go: it answers what it was told to."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["Authorization"]))
                found = outer.answers.get(self.path.removeprefix("/api/"))
                self.send_response(404 if found is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"


@pytest.fixture
def server() -> Iterator[Answering]:
    answering = Answering()
    yield answering
    answering.server.shutdown()
    answering.server.server_close()


@pytest.mark.parametrize("module", [environment, parts])
def test_examples(module: object) -> None:
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried
    assert not failed


def test_a_database_without_trigrams_is_refused_before_the_start(settings: Settings, postgres: str) -> None:
    """The embedded wheel is such a one."""
    chosen = with_prefect(settings, database_url=SecretStr(postgres))
    with pytest.raises(SettingsError, match="has no pg_trgm, which Prefect's server needs"):
        parts.require_server_can(chosen)


@pytest.mark.skipif(debian_postgres.why_not() is not None, reason=str(debian_postgres.why_not()))
def test_debians_postgresql_has_them_and_a_wrong_password_is_not_repeated(settings: Settings) -> None:
    with debian_postgres.cluster() as cluster:
        url = cluster.url("postgres")
        parts.require_server_can(with_prefect(settings, database_url=SecretStr(url)))
        wrong = with_prefect(
            settings, database_url=SecretStr(url.replace(debian_postgres.SECRET, "geheim-3"))
        )
        with pytest.raises(SettingsError, match="no database answers") as refused:
            parts.require_server_can(wrong)
    assert "geheim-3" not in str(refused.value)
    assert "docs/deploy.md" in str(refused.value)


def test_an_address_that_is_none_of_postgresql_is_refused(settings: Settings) -> None:
    for url in ("sqlite:///geheim.db", "postgresql+psycopg://geheim", "geheim.example.org"):
        with pytest.raises(SettingsError, match="is an address like postgresql://") as refused:
            parts.require_server_can(with_prefect(settings, database_url=SecretStr(url)))
        assert "geheim" not in str(refused.value)


def test_only_the_server_gets_the_address_of_its_database(settings: Settings) -> None:
    chosen = with_prefect(settings, database_url=SecretStr("postgresql://prefect:geheim-4@db/prefect"))
    assert "geheim-4" in str(environment.server_environment(chosen))
    assert "geheim-4" not in str(environment.prefect_environment(chosen))
    # What workers inherit is how we were told ourselves, and nothing that we add.
    assert "geheim-4" not in str(environment.child_environment(chosen, {}))
    assert environment.server_environment(settings) == {}


def test_more_runs_at_a_time_beside_a_server_that_is_not_on_sqlite(settings: Settings) -> None:
    assert environment.worker_limit(settings, "minute") == 2
    assert environment.worker_limit(with_prefect(settings, url="http://server:4200/api"), "minute") == 4


def test_no_server_pool_or_version_is_one_sentence(settings: Settings, server: Answering) -> None:
    nobody = with_prefect(settings, url="http://127.0.0.1:9/api")
    with pytest.raises(HomepotAIError, match="no Prefect server answers at http://127"):
        parts.wait_for_server(nobody, 0)
    chosen = with_prefect(settings, url=server.url)
    server.answers = {"health": True, "work_pools/filter": [{"name": "batch"}], "admin/version": "3.0.0"}
    parts.wait_for_server(chosen, 0)
    parts.require_pool(chosen, "batch", 0)
    with pytest.raises(HomepotAIError, match=r"has no pool minute: run `homepot-ai setup`"):
        parts.require_pool(chosen, "minute", 0)
    with pytest.raises(HomepotAIError, match=rf"is 3.0.0, this machine has {version('prefect')}"):
        parts.require_same_prefect(chosen)
    server.answers["admin/version"] = version("prefect")
    parts.require_same_prefect(chosen)


def test_the_login_is_shown_where_one_is_set(settings: Settings, server: Answering) -> None:
    server.answers = {"admin/version": "1"}
    parts.ask(with_prefect(settings, url=server.url), "admin/version")
    parts.ask(with_prefect(settings, url=server.url, auth=SecretStr(LOGIN)), "admin/version")
    assert [header for _, header in server.asked] == [
        None,
        "Basic " + base64.b64encode(LOGIN.encode()).decode(),
    ]


def test_places_are_freed_only_where_nobody_else_works(settings: Settings, server: Answering) -> None:
    chosen = with_prefect(settings, url=server.url)
    mine, other = {"name": "db1-minute", "status": "ONLINE"}, {"name": "db2-minute", "status": "ONLINE"}
    server.answers = {"work_pools/minute/workers/filter": [mine, other], "flow_runs/filter": []}
    parts.free_places(chosen, "minute", "db1-minute")
    assert "/api/flow_runs/filter" not in [path for path, _ in server.asked]
    server.answers["work_pools/minute/workers/filter"] = [mine, other | {"status": "OFFLINE"}]
    parts.free_places(chosen, "minute", "db1-minute")
    assert "/api/flow_runs/filter" in [path for path, _ in server.asked]


def test_the_database_of_another_machine_must_be_named_and_of_this_version(
    settings: Settings, database: Database, raw_homepot_dump: Database
) -> None:
    elsewhere = with_prefect(settings, url="http://server:4200/api")
    with pytest.raises(SettingsError, match="set HOMEPOT_AI_DATABASE_URL"):
        parts.require_database(elsewhere)
    parts.require_database(elsewhere.model_copy(update={"database_url": SecretStr(database.url)}))
    with pytest.raises(NotMigrated, match="all machines need the same version"):
        parts.require_database(elsewhere.model_copy(update={"database_url": SecretStr(raw_homepot_dump.url)}))
    with database.admin() as conn:
        conn.execute("UPDATE homepot_ai.alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer):
        parts.require_database(elsewhere.model_copy(update={"database_url": SecretStr(database.url)}))


def test_a_second_worker_of_a_pool_on_the_same_folder_is_refused(settings: Settings) -> None:
    """The first holds its lock also after it has become another program, and gives it up with its end."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from deployments import parts; from homepot_ai.settings import *\n"
        "parts.only_one_here(Settings(var_dir=Path(sys.argv[1])), 'minute')\n"
        "os.execv('/bin/sh', ['sh', '-c', 'echo holds it; read line'])"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.var_dir)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert first.stdout is not None
    assert first.stdout.readline() == "holds it\n"
    with pytest.raises(HomepotAIError, match="a worker of minute works on"):
        parts.only_one_here(settings, "minute")
    parts.only_one_here(settings, "batch")
    first.communicate("end\n")
    parts.only_one_here(settings, "minute")


def test_run_goes_to_the_server_that_is_set(settings: Settings) -> None:
    assert run.server_of(settings) is None
    assert run.server_of(with_prefect(settings, url="http://server:4200/api/")) == "http://server:4200/api"
