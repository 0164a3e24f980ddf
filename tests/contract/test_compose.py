"""The compose file and the image's definition, as far as they can be checked without starting them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from homepot_ai.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "deployments" / "compose"
OURS = ("server", "setup", "worker-minute", "worker-batch", "api")
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck", "hostname",
    "image", "init", "logging", "mem_limit", "networks", "ports", "read_only", "restart", "secrets",
    "security_opt", "shm_size", "tmpfs", "user", "volumes",
}  # fmt: skip


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return loaded


def setting(variable: str) -> Any:
    """The type of the setting that a variable sets."""
    model: Any = Settings
    for part in variable.removeprefix("HOMEPOT_AI_").lower().split("__"):
        assert isinstance(model, type), variable
        assert issubclass(model, BaseModel), variable
        assert part in model.model_fields, f"{variable} is no setting"
        model = model.model_fields[part].annotation
    return model


def test_only_keys_that_compose_knows(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == {
        "name",
        "services",
        "networks",
        "volumes",
        "secrets",
    }
    assert set(compose["services"]) == {"postgres", "ollama", *OURS}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (FOLDER / source).exists(), f"{name}: {volume}"
        for other, condition in service.get("depends_on", {}).items():
            wanted = condition["condition"]
            assert wanted in {"service_healthy", "service_completed_successfully"}, name
            if wanted == "service_healthy":
                assert "healthcheck" in compose["services"][other]


def test_nothing_is_root_nothing_can_be_written_and_all_is_bounded(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in {"0", "root", "0:0", 0}, name
        assert "mem_limit" in service or name == "postgres", name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is reachable from other machines"
        if name != "setup":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] == "CMD", name
    # What needs nobody outside reaches nobody.
    assert compose["networks"]["inside"] == {"internal": True}
    assert (
        compose["services"]["postgres"]["networks"] == compose["services"]["ollama"]["networks"] == ["inside"]
    )


def test_secrets_are_files_and_never_in_an_environment(compose: dict[str, Any]) -> None:
    for name in OURS:
        for variable in compose["services"][name]["environment"]:
            assert "SecretStr" not in str(setting(variable)), f"{variable} belongs into secrets/"
    named = {name for name in compose["secrets"] if name.startswith("HOMEPOT_AI_")}
    assert named
    for variable in named:
        assert setting(variable) in {SecretStr, SecretStr | None}, variable
    made = set(re.findall(r"^make (\w+)", (FOLDER / "secrets.sh").read_text(), re.MULTILINE))
    assert made == set(compose["secrets"])
    for variable, entry in compose["secrets"].items():
        assert entry == {"file": f"./secrets/{variable}"}
    assert (FOLDER / ".gitignore").read_text().split() == ["secrets/"]
    assert "deployments/compose/secrets" in (FOLDER.parents[1] / ".dockerignore").read_text().split()


def test_every_part_takes_the_operators_own_settings(compose: dict[str, Any]) -> None:
    """Or nobody could say who is told when the system is ill, and no backup would be sealed."""
    for name, service in compose["services"].items():
        wanted = [{"path": "homepot-ai.env", "required": False}] if name in OURS else None
        assert service.get("env_file") == wanted, name
    # It may hold secrets: neither the image nor the repository takes it up.
    for ignore, line in ((".gitignore", "/{}"), (".dockerignore", "{}")):
        wanted_line = line.format("deployments/compose/homepot-ai.env")
        assert wanted_line in (FOLDER.parents[1] / ignore).read_text().split(), ignore
    # What the page names for it is there, and is not overruled by what stands in the compose file.
    page = (FOLDER.parents[1] / "docs" / "deploy.md").read_text()
    block = page.partition(">homepot-ai.env <<'ENV'")[2].partition("\n    ENV\n")[0]
    named = re.findall(r"^ +(HOMEPOT_AI_\w+)=", block, re.MULTILINE)
    assert {"WATCH__MAIL_TO", "BACKUP__PASSPHRASE", "SECURITY__FIELD_KEY"} <= {
        variable.removeprefix("HOMEPOT_AI_") for variable in named
    }
    for variable in named:
        setting(variable)
        assert variable not in compose["services"]["worker-minute"]["environment"], variable


def test_who_looks_after_prefects_database_knows_its_address(compose: dict[str, Any]) -> None:
    address = "HOMEPOT_AI_PREFECT__DATABASE_URL"
    knowing = {name for name in OURS if address in compose["services"][name]["secrets"]}
    assert knowing == {"server", "worker-minute"}
    # A list of its own replaces the common one: nothing of that may be lost.
    common = set(compose["services"]["api"]["secrets"])
    assert set(compose["services"]["worker-minute"]["secrets"]) == {*common, address}
    # The superuser's password goes to PostgreSQL alone, with those of the logins that it makes.
    holders = {n for n, one in compose["services"].items() if "POSTGRES_PASSWORD" in one.get("secrets", [])}
    assert holders == {"postgres"}
    used = set(re.findall(r"/run/secrets/(\w+)", (FOLDER / "databases.sql").read_text()))
    assert used | {"POSTGRES_PASSWORD"} == set(compose["services"]["postgres"]["secrets"])


def test_each_command_exists(compose: dict[str, Any]) -> None:
    from importlib.metadata import entry_points

    known = {point.name for point in entry_points(group="homepot_ai.commands")} | {"serve"}
    for name in OURS:
        service = compose["services"][name]
        assert service["command"][0] == "homepot-ai"
        assert service["command"][1] in known
        if "healthcheck" in service:
            # A health check does not pass the entry point, which is what makes the secrets known.
            test = service["healthcheck"]["test"]
            assert test[1:5] == ["sh", "/usr/local/bin/entry.sh", "homepot-ai", "check-part"]
            assert test[5] in {"server", "api", "minute", "batch"}


def test_images_are_pinned_and_of_no_private_registry(compose: dict[str, Any]) -> None:
    dockerfile = (FOLDER / "Dockerfile").read_text()
    images = [service["image"] for service in compose["services"].values()]
    images += re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    for image in images:
        # A name with a dot or a port before its first slash is a host.
        assert not re.match(r"[^/]*[.:][^/]*/", image), image
        assert image.startswith("homepot-ai:") or not image.endswith(":latest"), image
        assert ":" in image, image
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE) == ["10001"]
    # Everything that the build copies is there.
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for source in line.split():
            assert (FOLDER.parents[1] / source).exists(), source
    assert "requirements.lock" in dockerfile


def test_the_entry_hands_secrets_over_and_unsets_what_is_empty(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "HOMEPOT_AI_MAIL__PASSWORD").write_text("a $b 'c\n")
    (secrets / "HOMEPOT_AI_PREFECT__AUTH").write_text("")
    (secrets / "OTHER").write_text("x")
    script = tmp_path / "entry.sh"
    script.write_text((FOLDER / "entry.sh").read_text().replace("/run/secrets", str(secrets)))
    done = subprocess.run(
        ["sh", str(script), "env"], capture_output=True, text=True, check=True,
        env={
            "PATH": os.environ["PATH"],
            "HOMEPOT_AI_MAIL__USER": "",
            "HOMEPOT_AI_MAIL__HOST": "mail.example.org",
        },
    )  # fmt: skip
    found = {line for line in done.stdout.splitlines() if line.startswith("HOMEPOT_AI_") or "OTHER" in line}
    assert found == {"HOMEPOT_AI_MAIL__PASSWORD=a $b 'c", "HOMEPOT_AI_MAIL__HOST=mail.example.org"}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "secrets.sh", tmp_path)
    found = {}
    for _ in range(2):
        before = found
        subprocess.run(["sh", str(tmp_path / "secrets.sh")], check=True, capture_output=True)
        found = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
        assert before in ({}, found)
    superuser, fleet, scheduler = (found[f"{name}_PASSWORD"] for name in ("POSTGRES", "FLEET", "PREFECT"))
    assert len({superuser, fleet, scheduler}) == 3
    assert re.fullmatch(r"[0-9a-f]{48}", fleet)
    assert found["HOMEPOT_AI_DATABASE_URL"] == f"postgresql://homepot_ai:{fleet}@postgres/homepot"
    assert found["HOMEPOT_AI_PREFECT__DATABASE_URL"] == f"postgresql://prefect:{scheduler}@postgres/prefect"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
