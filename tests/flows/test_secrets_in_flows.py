"""A flow that cannot reach what it needs says so and says no secret, in its state, artifacts and logs."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from prefect.settings import get_current_settings

from flows.mail import deliver
from flows.upkeep import clean_event_cache
from homepot_ai.errors import DatabaseUnreachable
from homepot_ai.settings import load_settings
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, run

PASSWORD = "Planted-Database-Password"


def with_password(url: str, password: str) -> str:
    """The same address with a password, which the test's server does not ask for."""
    return re.sub(r"//([^@/:]*)@", lambda found: f"//{found[1] or 'postgres'}:{password}@", url)


def server_files() -> bytes:
    """The Prefect server's database as it lies on the disk."""
    url = get_current_settings().server.database.connection_url
    assert url is not None
    path = Path(url.get_secret_value().partition("///")[2])
    return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


def test_a_flow_that_works_and_one_that_fails(
    database: Database, connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    url = with_password(database.url, PASSWORD)
    connect(database, DATABASE_URL=url, MAIL__PASSWORD="Planted-Mail-Password", MAIL__USER="ai")
    assert run(clean_event_cache).is_completed()
    away = re.sub(r"\?host=.*", "?host=127.0.0.1&port=9", url)
    connect(database, DATABASE_URL=away)
    for flow in (clean_event_cache, deliver):
        state = run(flow)
        assert state.is_failed()
        assert "PostgreSQL does not answer" in str(state.message)
        assert PASSWORD not in str(state.message)
    out, err = capfd.readouterr()
    # Its own tracebacks and log lines as well.
    assert "Planted" not in out + err
    kept = server_files()
    assert b"PostgreSQL does not answer" in kept
    assert b"Planted" not in kept
    assert url not in str(load_settings()) + repr(load_settings())


@pytest.mark.parametrize(
    "password", ["Planted/Slash@Sign", "Planted%Percent", "Planted#Hash?Mark", "Planted:Colon@"]
)
def test_a_password_that_nobody_escaped_is_not_quoted(password: str) -> None:
    for address in (
        f"postgresql://ann:{password}@127.0.0.1:9/homepot",
        f"postgresql://ann:{quote(password, safe='')}@127.0.0.1:9/homepot",
        f"postgresql://ann@127.0.0.1:9/homepot?password={quote(password, safe='')}",
    ):
        with pytest.raises(DatabaseUnreachable) as refused, Database(address).reader():
            pass
        said = f"{refused.value!r} {refused.value.__cause__!r} {Database(address)!r}"
        assert [word for word in re.split(r"[^A-Za-z]+", password) if word and word in said] == []
