"""`homepot-ai token`, as somebody at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import AccessError, NotFound
from homepot_ai.store import tokens
from homepot_ai.store.database import Database
from tests.support import small_fleet


def test_a_token_is_made_listed_and_revoked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database
) -> None:
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    settings.load_settings.cache_clear()

    def said(*words: str) -> str:
        done = CliRunner().invoke(cli.app, ["token", *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    small_fleet(database, devices=1)
    assert "no token was made yet" in said("list")
    secret = said("make", "dashboard", "--scope", "read", "--site", "berlin", "--expires", "90d").strip()
    with database.reader() as conn:
        found = tokens.find(conn, secret)
    assert found is not None
    assert (found.scopes, found.sites) == (("read",), frozenset({1}))
    listed = said("list")
    assert secret not in listed
    assert "Berlin" in listed
    assert "valid" in listed
    with pytest.raises(AccessError, match="no scope root"):
        said("make", "other", "--scope", "root")
    with pytest.raises(NotFound, match="no site 'Bern'; did you mean: Berlin"):
        said("make", "other", "--site", "Bern")
    assert "dashboard is revoked" in said("revoke", "dashboard")
    assert "revoked" in said("list")
    settings.load_settings.cache_clear()
