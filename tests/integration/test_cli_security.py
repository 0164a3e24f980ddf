"""`homepot-ai seal` and `homepot-ai audit`, as somebody at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import SettingsError
from homepot_ai.store import audit
from homepot_ai.store.database import Database

Said = Callable[..., str]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database) -> Iterator[Said]:
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)

    def say(*words: str) -> str:
        settings.load_settings.cache_clear()
        done = CliRunner().invoke(cli.app, list(words))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    yield say
    settings.load_settings.cache_clear()


def test_addresses_are_sealed_with_a_new_key_and_opened_again(
    said: Said, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "ops@example.org"
    said("subscribe", address)

    def stored() -> list[str]:
        # As the bytes lie there: our own connections open what is sealed.
        with psycopg.connect(database.url) as conn:
            query = sql.SQL("SELECT email FROM {}.ai_subscriptions").format(sql.Identifier(database.schema))
            return [row[0] for row in conn.execute(query).fetchall()]

    assert set(stored()) == {address}
    assert "addresses are not sealed" in said("seal")
    key = said("seal", "--new-key").strip()
    assert len(key) >= 32
    assert said("seal", "--new-key").strip() != key
    assert set(stored()) == {address}, "a key that is only printed changes nothing"
    monkeypatch.setenv("HOMEPOT_AI_SECURITY__FIELD_KEY", key)
    assert "●" in said("seal")
    assert address not in "".join(stored())
    assert "nothing to do" in said("seal")
    # What a person's address opens is opened with the key, and told to whoever asks.
    assert address in said("subscriptions")
    monkeypatch.delenv("HOMEPOT_AI_SECURITY__FIELD_KEY")
    monkeypatch.setenv("HOMEPOT_AI_SECURITY__PREVIOUS_FIELD_KEY", key)
    said("seal")
    assert set(stored()) == {address}


def test_who_did_what_is_found_by_who_what_and_when(said: Said, database: Database) -> None:
    now = datetime.now(UTC)
    assert "nothing since" in said("audit", "--since", "1h")
    with database.writer() as conn:
        for hours, actor, action in ((1, "anna", "export"), (2, "ben", "export"), (30, "anna", "restored")):
            audit.record(
                conn, at=now - timedelta(hours=hours), actor=actor, action=action, subject="ai_incidents",
                purpose=f"because {hours}", details={"rows": hours},
            )  # fmt: skip
    recent = said("audit", "--since", "24h")
    assert "anna" in recent
    assert "ben" in recent
    assert "restored" not in recent
    assert "rows=1" in recent
    mine = said("audit", "--since", "3d", "--by", "anna")
    assert "ben" not in mine
    assert "restored" in mine
    assert "because 30" in said("audit", "--since", "3d", "--action", "restore")
    assert "2 older ones" in said("audit", "--since", "3d", "--limit", "1")
    with pytest.raises(SettingsError, match="no moment"):
        said("audit", "--since", "yesterday")
