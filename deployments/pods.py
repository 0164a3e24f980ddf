"""Pods: other fleets, customers or domains on the same host, each a profile and a file of secrets.

    deployments/pods/east.yaml   what it is: settings, schedules, templates, recipients, code of its own
    deployments/pods/east.env    its secrets, readable by its owner only

A pod is an environment: the same programs, started with these settings instead of the host's. Its
workers, its HTTP door and its commands see nothing else, so that nothing below has to know of pods but
the names on the one Prefect server that all of them share (`homepot_ai.pod_names`).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from homepot_ai import pod_names
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.settings import Settings, Zone, load_settings
from homepot_ai.store.people import Kind, Mode

PREFIX = "HOMEPOT_AI_"
# What the profile says in words of its own, or what the host decides.
NOT_SETTINGS = {
    "pod": "the profile's name says it",
    "pods_dir": "the host says it",
    "home": "the host says it",
    "templates_dir": "write `templates:` beside `settings:`",
    "reports.own_sections": "write `sections:` beside `settings:`",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(_Part):
    """When a deployment runs, instead of when `prefect.yaml` says.

    Attributes:
        cron: five fields, in `timezone`; of the reports at 06:00: in every timezone of the fleet.
        every_minutes: at this distance, in UTC.
    """

    cron: str | None = None
    every_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _one(self) -> Schedule:
        if (self.cron is None) == (self.every_minutes is None):
            raise ValueError("say either cron or every_minutes")
        return self


class OwnDeployment(_Part):
    """A flow of a package of one's own.

    Attributes:
        entrypoint: module and function, `east_ops.flows.count_tills`.
        when_busy: `drop`: a run that finds another one busy is left out; `wait`: it waits.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$")]
    entrypoint: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
    description: Annotated[str, Field(min_length=10)]
    pool: Literal["minute", "batch"] = "batch"
    when_busy: Literal["drop", "wait"] = "wait"
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    schedule: Schedule | None = None


class Recipient(_Part):
    """Who gets what from the beginning on; people may change it later, as everywhere.

    Attributes:
        site: a site's name, public id or number; None: the whole fleet.
    """

    email: str
    kind: Kind = "daily"
    site: str | None = None
    mode: Mode | None = None
    language: Literal["en", "de"] | None = None


class Profile(_Part):
    """What the file of a pod says."""

    description: Annotated[str, Field(min_length=1)]
    settings: Mapping[str, Any] = Field(default_factory=dict)
    # A deployment's name to when it runs; false: on demand only.
    schedules: Mapping[str, Schedule | Literal[False]] = Field(default_factory=dict)
    # Folders beside the profile.
    templates: str | None = None
    python_path: str | None = None
    deployments: tuple[OwnDeployment, ...] = ()
    sections: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")], ...] = ()
    recipients: tuple[Recipient, ...] = ()


class Pod(_Part):
    """One pod, as its two files say it. Nothing is looked at beyond them."""

    name: str
    file: Path
    profile: Profile

    @property
    def env_file(self) -> Path:
        """Its secrets: lines of `HOMEPOT_AI_NAME=value`."""
        return self.file.with_suffix(".env")

    @property
    def templates(self) -> Path | None:
        """The folder that is looked into first for templates."""
        return self._beside(self.profile.templates)

    @property
    def python_path(self) -> Path | None:
        """The folder that holds its own package."""
        return self._beside(self.profile.python_path)

    def _beside(self, name: str | None) -> Path | None:
        if name is None:
            return None
        return (self.file.parent / name).resolve()


def names(folder: Path) -> list[str]:
    """The pods that have a profile."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def check_name(name: str) -> str:
    """A name that can be part of every other name.

    Raises:
        SettingsError: it cannot.

    >>> check_name("east")
    'east'
    """
    allowed = len(name) <= 20 and name.isascii() and name.isalnum() and name[:1].isalpha()
    if not allowed or name != name.lower() or name in pod_names.RESERVED:
        raise SettingsError(
            f"{name!r} cannot be a pod's name: small letters and digits, a letter first, at most 20, "
            f"and none of {', '.join(sorted(pod_names.RESERVED))}"
        )
    return name


def load(folder: Path, name: str) -> Pod:
    """Read a profile.

    Raises:
        NotFound: there is none of that name.
        SettingsError: naming everything in it that is wrong.
    """
    check_name(name)
    file = folder / f"{name}.yaml"
    if not file.is_file():
        raise NotFound("pod", name, names(folder))
    return read(file)


def read(file: Path) -> Pod:
    """Read a profile by its path; its name is the file's."""
    name = check_name(file.stem)
    try:
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"the profile {file} cannot be read: {error}") from error
    try:
        profile = Profile.model_validate(loaded or {})
    except ValidationError as error:
        raise SettingsError(f"the profile {file} is wrong:\n{_listed(error)}") from error
    pod = Pod(name=name, file=file, profile=profile)
    wrong = [*_refused(profile), *_secrets_in(Settings, profile.settings, pod), *_outside(pod)]
    if wrong:
        raise SettingsError(f"the profile {file} is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    return pod


def _listed(error: ValidationError) -> str:
    return "\n".join(
        f"  {'.'.join(str(part) for part in item['loc']) or 'the file'}: {item['msg']}"
        for item in error.errors()
    )


def _refused(profile: Profile) -> Iterator[str]:
    for name, reason in NOT_SETTINGS.items():
        found: Any = profile.settings
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is not None:
            yield f"settings.{name} is not for a profile: {reason}"


def _outside(pod: Pod) -> Iterator[str]:
    here = pod.file.parent.resolve()
    for name, folder in (("templates", pod.templates), ("python_path", pod.python_path)):
        if folder is not None and (folder == here or not folder.is_relative_to(here)):
            yield f"{name}: {folder} is no folder inside of {here}: move it there"


def _secrets_in(model: type[BaseModel], tree: Any, pod: Pod, path: str = "") -> Iterator[str]:
    """A sentence for each secret that stands in a profile: those belong into the other file."""
    if not isinstance(tree, Mapping):
        return
    for name, field in model.model_fields.items():
        if tree.get(name) is None:
            continue
        kind, here = field.annotation, f"{path}{name}"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _secrets_in(kind, tree[name], pod, f"{here}.")
        elif _secret(kind):
            variable = PREFIX + here.replace(".", "__").upper()
            yield f"settings.{here} is a secret: write {variable}=... into {pod.env_file.name}"


def _secret(kind: Any) -> bool:
    return kind is SecretStr or any(_secret(part) for part in get_args(kind))


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
    from deployments import pod_templates

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
