"""The state folder is its owner's alone, and settings that others can read are named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments import private
from homepot_ai import doctor
from homepot_ai.settings import Settings


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_open_is_closed_and_what_is_written_later_is_private(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    var = tmp_path / "var"
    (var / "mail").mkdir(parents=True, mode=0o755)
    (var / "postgres").mkdir(mode=0o755)
    (var / "note").write_text("x")
    (var / "elsewhere").symlink_to(outside)
    private.keep_private(var)
    later = var / "mail" / "later.eml"
    later.write_text("x")
    assert mode(var) & 0o077 & ~0o011 == 0
    assert (mode(var / "mail"), mode(var / "note"), mode(later)) == (0o700, 0o600, 0o600)
    # Another program's own folder, and what a link leads to, are not ours to change.
    assert (mode(var / "postgres"), mode(outside)) == (0o755, 0o755)


def test_the_doctor_names_what_others_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "homepot-ai.yaml"
    file.write_text("{}")
    file.chmod(0o644)
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(file))
    (told,) = doctor._secrets(Settings(var_dir=tmp_path / "none"))
    assert (told.state, told.detail) == ("degraded", f"others may read {file}: chmod 600 {file}")
    file.chmod(0o600)
    assert [one.state for one in doctor._secrets(Settings(var_dir=tmp_path / "none"))] == ["ok"]
