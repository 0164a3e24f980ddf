"""Units of systemd: rendered, installed without overwriting an edit, checked by systemd's own programs."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployments import install
from homepot_ai.cli.main import app, main
from homepot_ai.errors import SettingsError
from homepot_ai.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
EXPOSURE_AT_MOST = 1.6


@pytest.fixture
def files(settings: Settings) -> list[install.File]:
    return list(install.wanted(settings, ollama="unit"))


def units(folder: Path) -> list[Path]:
    return sorted((folder / install.UNITS).glob("*.*"))


def test_examples() -> None:
    failed, tried = doctest.testmod(install)
    assert tried
    assert not failed


def test_every_placeholder_is_filled(files: list[install.File]) -> None:
    for file in files:
        assert re.findall(r"@[A-Z_]+@", file.content) == [], file.path


def test_everything_is_installed_once_and_secrets_are_roots(
    files: list[install.File], tmp_path: Path
) -> None:
    first = install.install(files, tmp_path)
    assert {one.did for one in first} == {"new"}
    assert {one.did for one in install.install(files, tmp_path)} == {"unchanged"}
    secrets = tmp_path / "etc/homepot-ai/secrets.env"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.rglob("*.part"))
    # As an older version of ours wrote it: replaced. As somebody edited it: left, ours beside it.
    target, server = (
        tmp_path / install.UNITS / name for name in ("homepot-ai.target", "homepot-ai-server.service")
    )
    target.write_text(install.sealed("[Unit]\nDescription=older\n"))
    edited = server.read_text().replace("MemoryMax=2G", "MemoryMax=8G")
    server.write_text(edited)
    secrets.write_text("HOMEPOT_AI_MAIL__PASSWORD=x\n")
    for dry_run in (True, False):
        did = {one.path.name: one.did for one in install.install(files, tmp_path, dry_run=dry_run)}
        assert did.pop("homepot-ai.target") == "updated"
        assert did.pop("homepot-ai-server.service") == "kept"
        assert set(did.values()) == {"unchanged"}
        assert server.with_name(server.name + ".new").exists() is not dry_run
    assert server.read_text() == edited
    assert "MemoryMax=2G" in server.with_name(server.name + ".new").read_text()
    assert secrets.read_text() == "HOMEPOT_AI_MAIL__PASSWORD=x\n"
    did = {one.path.name: one.did for one in install.install(files, tmp_path, force=True)}
    assert did["homepot-ai-server.service"] == "replaced"
    assert server.with_name(server.name + ".before").read_text() == edited
    assert secrets.read_text() == "HOMEPOT_AI_MAIL__PASSWORD=x\n"


def test_a_machine_that_joins_gets_workers_only(settings: Settings) -> None:
    names = {Path(file.path).name for file in install.wanted(settings, role="worker", ollama="none")}
    assert {name for name in names if name.endswith(".service")} == {
        "homepot-ai-worker-minute.service",
    }


@pytest.mark.parametrize("user", ["Root", "a b", "x;rm", "", "a" * 40, "$(id)"])
def test_names_that_would_break_a_unit_are_refused(settings: Settings, user: str) -> None:
    with pytest.raises(SettingsError, match="no name of a user"):
        list(install.wanted(settings, user=user))


def test_a_path_that_would_break_a_unit_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot stand in a unit"):
        list(install.wanted(settings.model_copy(update={"home": tmp_path / "a b%h"})))


def test_what_a_hardened_unit_cannot_see_is_said(settings: Settings) -> None:
    hidden = settings.model_copy(update={"home": Path("/") / "home" / "somebody" / "homepot-ai"})
    assert "clone to /opt/homepot-ai" in install.hidden(hidden)[0]


def test_each_unit_starts_a_command_that_exists(files: list[install.File]) -> None:
    from importlib.metadata import entry_points

    known = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    known |= {group.name for group in app.registered_groups if group.name}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        known |= {
            c.name or c.callback.__name__ for c in group.typer_instance.registered_commands if c.callback
        }
    known |= {point.name for point in entry_points(group="homepot_ai.commands")}
    starts = [
        line.partition("=")[2].split()
        for file in files
        for line in file.content.splitlines()
        if line.startswith("ExecStart=") and "homepot-ai" in line
    ]
    assert len(starts) == 7
    assert {words[1] for words in starts} <= known
    assert callable(main)


def test_every_variable_of_a_unit_is_a_setting(files: list[install.File]) -> None:
    own = {"HOMEPOT_AI_HOME", "HOMEPOT_AI_VAR_DIR", "HOMEPOT_AI_PROFILE", "HOMEPOT_AI_SETTINGS_FILE"}
    named = {name for file in files for name in re.findall(r"HOMEPOT_AI_[A-Z_]+", file.content)}
    for name in named - own:
        model: object = Settings
        for part in name.removeprefix("HOMEPOT_AI_").lower().split("__"):
            fields = model.model_fields  # type: ignore[attr-defined]
            assert part in fields, f"{name} is no setting"
            model = fields[part].annotation


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_finds_nothing_wrong_and_little_exposed(files: list[install.File], tmp_path: Path) -> None:
    program = tmp_path / "usr/local/bin/ollama"
    files = [
        # systemd looks whether it is there; here it is a stand-in.
        install.File(file.path, file.content.replace("/usr/local/bin/ollama", str(program)), file.mode)
        for file in files
    ]
    install.install(files, tmp_path)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    names = [str(path) for path in units(tmp_path)]
    assert len(names) == 10
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = [line for line in verified.stderr.splitlines() if str(tmp_path) in line or "homepot" in line]
    assert (verified.returncode, said) == (0, [])
    for name in names:
        if not name.endswith(".service"):
            continue
        scored = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager", name],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        score = re.search(r"exposure level for \S+: ([\d.]+)", scored.stdout)
        assert score, scored.stdout + scored.stderr
        assert float(score[1]) <= EXPOSURE_AT_MOST, scored.stdout


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="becoming somebody needs root"
)
def test_the_command_runs_with_the_units_settings_and_rights(settings: Settings, tmp_path: Path) -> None:
    """`homepot-ai` of an installed machine: secrets as systemd reads them, nothing expanded, as the user."""
    program, etc = tmp_path / "program", tmp_path / "etc"
    program.write_text(
        '#!/bin/sh\nid -un; printf "%s\\n" "$HOMEPOT_AI_MAIL__PASSWORD" "$HOMEPOT_AI_HOME" "$*"; umask\n'
    )
    program.chmod(0o755)
    etc.mkdir()
    (etc / "secrets.env").write_text(
        '# HOMEPOT_AI_X=no\nHOMEPOT_AI_MAIL__PASSWORD=a$b `id` "c" %d=e\nOTHER=1'
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    [file] = [one for one in install.wanted(settings, user="nobody") if one.path.endswith("bin/homepot-ai")]
    text = file.content.replace(install.ETC, str(etc)).replace(
        str(Path(sys.executable).parent / "homepot-ai"), str(program)
    )
    # Debian's `nobody` is of the group nogroup.
    script = tmp_path / "homepot-ai"
    text = text.replace("--regid=nobody", "--regid=nogroup").replace("-g nobody", "-g nogroup")
    script.write_text(text.replace("/var/lib/homepot-ai", str(tmp_path / "state")))
    done = subprocess.run(["sh", str(script), "status", "--json"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "nobody",
        'a$b `id` "c" %d=e',
        str(settings.home.resolve()),
        "status --json",
        "0077",
    ]


def test_what_was_typed_for_a_command_stays(settings: Settings, tmp_path: Path) -> None:
    """`HOMEPOT_AI_SECURITY__FIELD_KEY=NEW homepot-ai seal` is not undone by the old key in secrets.env."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "secrets.env").write_text(
        "HOMEPOT_AI_SECURITY__FIELD_KEY=old\n"
        "HOMEPOT_AI_MAIL__PASSWORD=first\n"
        "HOMEPOT_AI_MAIL__PASSWORD='a  $b \"c\" \\d'\n"
        '  HOMEPOT_AI_BACKUP__PASSPHRASE="of = three  words" \n'
        "HOMEPOT_AI_API__LINK_SECRET=\n"
        "HOMEPOT_AI_NO NAME=1\nHOMEPOT_AI_PREFECT__AUTH=ann:it's\n"
        "HOMEPOT_AI_WATCH__MACHINE=second"
    )
    [file] = [one for one in install.wanted(settings) if one.path.endswith("bin/homepot-ai")]
    before, start, _ = file.content.replace(install.ETC, str(etc)).partition('if [ "$(id -u)" = 0 ]')
    assert start
    # Without what asks for the user and what becomes him: how settings come together is the same for all.
    script = before.replace('"$(id -un)"', "homepot-ai") + "env -0\n"
    typed = {
        "PATH": os.environ["PATH"],
        "HOMEPOT_AI_SECURITY__FIELD_KEY": 'new "key" $x',
        "HOMEPOT_AI_WATCH__MACHINE": "",
        "OTHER": "x\nHOMEPOT_AI_MAIL__PASSWORD=y",
    }
    done = subprocess.run(["sh", "-c", script], env=typed, capture_output=True, check=True)
    got = dict(line.split("=", 1) for line in done.stdout.decode().split("\0") if line)
    assert {name: value for name, value in got.items() if "__" in name} == {
        "HOMEPOT_AI_SECURITY__FIELD_KEY": 'new "key" $x',
        "HOMEPOT_AI_WATCH__MACHINE": "",
        "HOMEPOT_AI_MAIL__PASSWORD": 'a  $b "c" \\d',
        "HOMEPOT_AI_BACKUP__PASSPHRASE": "of = three  words",
        "HOMEPOT_AI_API__LINK_SECRET": "",
        "HOMEPOT_AI_PREFECT__AUTH": "ann:it's",
    }
