"""What the programs of a pod are started with: settings as a file, secrets, the rest of their environment.

Nothing of the host's settings is in it, but where the shared Prefect server is and the programs are.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from deployments.pod.profiles import NOT_SETTINGS, PREFIX, Pod
from homepot_ai.errors import SettingsError
from homepot_ai.settings import Settings, load_settings


def secrets(pod: Pod) -> dict[str, str]:
    """What the file of secrets says; empty where there is none.

    Raises:
        SettingsError: others may read it, or a line of it is none.
    """
    file = pod.env_file
    if not file.exists():
        return {}
    found = file.stat()
    if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.geteuid():
        raise SettingsError(
            f"{file} holds secrets and may be read by others (mode {stat.S_IMODE(found.st_mode):04o}, owner "
            f"{found.st_uid}): `chmod 600 {file}`, and let it belong to who runs the pod"
        )
    values: dict[str, str] = {}
    known = _variables(Settings)
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        # The line itself is never shown: it may be half a password.
        if not equals:
            raise SettingsError(f"{file}, line {number}: write HOMEPOT_AI_NAME=value")
        if not any(name == other or name.startswith(f"{other}__") for other in known):
            raise SettingsError(
                f"{file}, line {number}: {name} is no setting; see docs/settings.md, and join parts by "
                "two underscores: HOMEPOT_AI_MAIL__PASSWORD"
            )
        if name in {f"{PREFIX}{part.replace('.', '__').upper()}" for part in NOT_SETTINGS}:
            raise SettingsError(f"{file}, line {number}: {name} is not for a pod's file of secrets")
        values[name] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _variables(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and name != "health":
            yield from _variables(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def rendered(pod: Pod, host: Settings, templates: Path | None = None) -> dict[str, Any]:
    """The settings of a pod as a file: the profile's, and what follows from its name.

    Args:
        host: where it shares what it has not of its own: the Prefect server, the programs.
        templates: its folder of templates, made from the host's and its own.
    """
    tree: dict[str, Any] = {key: _plain(value) for key, value in pod.profile.settings.items()}
    tree |= {"pod": pod.name, "pods_dir": str(pod.file.parent.resolve())}
    # Not relative to where somebody happens to be.
    tree["var_dir"] = str((host.home / (tree.get("var_dir") or host.var_dir / "pods" / pod.name)).resolve())
    defaults: dict[str, dict[str, Any]] = {
        "database": {"schema_name": pod.name},
        "prefect": {"host": host.prefect.host, "port": host.prefect.port, "url": host.prefect.url},
        # The port that is watched is the host's: a pod that comes up first must not answer there.
        "up": {"health_port": 0},
    }
    if pod.profile.sections:
        defaults["reports"] = {"own_sections": list(pod.profile.sections)}
    for key, usual in defaults.items():
        said = tree.get(key) or {}
        # What is no tree there is told by the settings themselves.
        tree[key] = usual | said if isinstance(said, dict) else said
    if templates is not None:
        tree["templates_dir"] = str(templates)
    return tree


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def environment_of(
    pod: Pod, host: Settings, file: Path, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a pod's programs: nothing of the host's settings is in it.

    Args:
        file: its rendered settings.
        inherited: the environment to start from; default this process's.
    """
    source = dict(os.environ if inherited is None else inherited)
    env = {name: value for name, value in source.items() if not name.startswith((PREFIX, "PREFECT_"))}
    env |= {f"{PREFIX}HOME": str(host.home), f"{PREFIX}SETTINGS_FILE": str(file)}
    env[f"{PREFIX}PROFILE"] = str(pod.profile.settings.get("profile", "default"))
    # The door of the shared server, where it has a lock.
    auth = getattr(host.prefect, "auth", None)
    if auth is not None:
        env[f"{PREFIX}PREFECT__AUTH"] = auth.get_secret_value()
    env |= secrets(pod)
    if pod.python_path is not None:
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(pod.python_path), source.get("PYTHONPATH")]))
    return env


@contextmanager
def within(env: Mapping[str, str]) -> Iterator[None]:
    """Read settings as a program with this environment would. For one thread."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(env)
        load_settings.cache_clear()
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        load_settings.cache_clear()


def settings_of(pod: Pod, host: Settings, file: Path) -> Settings:
    """The settings that a pod's programs will see.

    Raises:
        SettingsError: naming every wrong one.
    """
    from homepot_ai.settings import settings_for

    env = environment_of(pod, host, file)
    with within(env):
        try:
            return settings_for(None)
        except SettingsError as error:
            said = str(error).replace(str(file), f"{pod.file} or {pod.env_file.name}")
            raise SettingsError(said) from error


def write(tree: Mapping[str, Any], file: Path) -> Path:
    """Write rendered settings whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    header = "# Made by `homepot-ai pod` from the pod's profile: edit that one.\n"
    part.write_text(header + yaml.safe_dump(dict(tree), sort_keys=False), encoding="utf-8")
    part.chmod(0o600)
    part.replace(file)
    return file


def ready(pod: Pod, host: Settings) -> tuple[Settings, dict[str, str]]:
    """Make a pod's settings and templates; its settings, and the environment that its programs need.

    Safe to repeat: each call makes what is missing.
    """
    from deployments.pod import templates as pod_templates

    folder = var_dir(pod, host)
    templates = None
    if pod.templates is not None:
        templates = pod_templates.overlay(host.home / "templates", pod.templates, folder / "templates")
    file = write(rendered(pod, host, templates), folder / "run" / "settings.yaml")
    return settings_of(pod, host, file), environment_of(pod, host, file)


def var_dir(pod: Pod, host: Settings) -> Path:
    """Where a pod's state lies."""
    return Path(rendered(pod, host)["var_dir"])


def command(*arguments: str) -> list[str]:
    """Our command line, as an argument vector."""
    return [sys.executable, "-m", "homepot_ai.cli", *arguments]
