"""Pods: other fleets, customers or domains on the same host, each a profile and a file of secrets.

    deployments/pods/east.yaml   what it is: settings, schedules, templates, recipients, code of its own
    deployments/pods/east.env    its secrets, readable by its owner only

A pod is an environment: the same programs, started with these settings instead of the host's. Its
workers, its HTTP door and its commands see nothing else, so that nothing below has to know of pods but
the names on the one Prefect server that all of them share (`homepot_ai.pod_names`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from homepot_ai import pod_names
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.settings import Settings, Zone
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
