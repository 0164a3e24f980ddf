"""Who can reach what we start: nothing listens beyond this machine without asking who is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments import environment, processes
from homepot_ai.errors import SettingsError
from homepot_ai.settings import ApiSettings, PrefectSettings, Settings

LOGIN = "operator:a-long-password"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "", "::", "prefect.example.org"])
def test_a_prefect_server_that_others_reach_needs_a_login(host: str) -> None:
    with pytest.raises(SettingsError, match="HOMEPOT_AI_PREFECT__AUTH"):
        environment.require_guarded(Settings(prefect=PrefectSettings(host=host)))
    environment.require_guarded(Settings(prefect=PrefectSettings(host=host, auth=LOGIN)))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.0.1"])
def test_on_this_machine_it_may_be_without_one(host: str) -> None:
    environment.require_guarded(Settings(prefect=PrefectSettings(host=host)))


@pytest.mark.parametrize("auth", ["", "operator", "operator:", ":a-long-password", "operator:short"])
def test_a_login_that_is_none_is_refused_and_not_repeated(auth: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PrefectSettings(auth=auth)
    assert "at least 12 characters" in str(refused.value)
    assert "short" not in str(refused.value)


def test_server_and_clients_share_the_login_and_a_shell_does_not_decide_about_it(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path, prefect=PrefectSettings(auth=LOGIN))
    given = environment.child_environment(settings, {"PREFECT_API_AUTH_STRING": "somebody:else"})
    assert given["PREFECT_API_AUTH_STRING"] == given["PREFECT_SERVER_API_AUTH_STRING"] == LOGIN
    open_ = environment.child_environment(
        Settings(var_dir=tmp_path),
        {"PREFECT_API_AUTH_STRING": "somebody:else", "PREFECT_SERVER_API_AUTH_STRING": "somebody:else"},
    )
    assert not [name for name in open_ if name.endswith("AUTH_STRING")]


def test_the_http_door_asks_for_a_token_wherever_others_reach_it() -> None:
    from homepot_ai.api import access

    assert not access.token_needed(Settings())
    for beyond in (
        ApiSettings(host="0.0.0.0"),
        ApiSettings(host=""),
        ApiSettings(public_url="https://ai.example.org"),
    ):
        assert access.token_needed(Settings(api=beyond))


def test_the_dependency_audit_is_never_run_by_ci() -> None:
    import os
    import subprocess

    script = Path(__file__).resolve().parents[2] / "scripts" / "audit"
    refused = subprocess.run(
        [script], env={**os.environ, "CI": "1"}, capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "not for CI" in refused.stderr) == (2, True)
    assert "scripts/audit" not in (script.parents[1] / ".ci" / "run").read_text(encoding="utf-8")


def test_nobody_is_ended_by_an_empty_mark() -> None:
    with pytest.raises(ValueError, match="everybody's"):
        processes.marked("")
