"""Settings of how the system looks after itself: branches of the tree in `settings.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """A branch of the tree. An unknown name is an error: a typo must not be silently ignored."""

    # What was typed may be a secret in the wrong place: an error names the setting and not its value.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BackupSettings(Section):
    # None: `backup` in var_dir.
    dir: Path | None = None
    # The whole database and not our tables only; None: where it is the embedded one.
    whole_database: bool | None = None
    keep_daily: Annotated[int, Field(ge=1, le=366)] = 7
    keep_weekly: Annotated[int, Field(ge=0, le=104)] = 4
    keep_monthly: Annotated[int, Field(ge=0, le=120)] = 6
    # With it every archive is encrypted; without it nobody restores one: keep it elsewhere.
    passphrase: SecretStr | None = None
    # A second place: another disk's or machine's folder.
    second_dir: Path | None = None
    # Another: a program that takes the archive there (rclone, restic, scp), as a list of arguments of which
    # one is {archive}; never through a shell. What it needs to log in goes into its environment.
    second_command: tuple[str, ...] = ()
    second_command_env: dict[str, SecretStr] = Field(default_factory=dict)
    second_command_seconds: Annotated[float, Field(gt=0, le=43200)] = 3600.0

    @model_validator(mode="after")
    def _possible(self) -> BackupSettings:
        if self.second_command and not any("{archive}" in part for part in self.second_command):
            raise ValueError("second_command names no {archive}: the program would not know what to take")
        if self.second_dir is not None and self.second_dir == self.dir:
            raise ValueError("second_dir is the folder of the backups itself: name another disk's")
        return self


class WatchSettings(Section):
    # Who is told of what is wrong with this system itself; empty: only screens tell.
    mail_to: tuple[str, ...] = ()
    # Names of channels (alerts.channels) that are told as well: when mail is what is ill, they are who hears.
    channels: tuple[str, ...] = ()
    # The same alarm is told again at most so often while it lasts.
    repeat_minutes: Annotated[int, Field(ge=5, le=10080)] = 240
    # One thing that is looked at may take so long; the others do not wait for it.
    check_seconds: Annotated[float, Field(gt=0, le=60)] = 15.0
    # A disk that will be full within so many days, as it has been filling, is told.
    disk_days: Annotated[int, Field(ge=1, le=365)] = 7
    # Folders on further disks that matter to us though we do not write there, such as PostgreSQL's own.
    disks: tuple[Path, ...] = ()
    # A backup older than this is told; a nightly one has an hour or two to spare.
    backup_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 27
    # Where several machines run workers: this one's name. Its disks are then told apart from theirs.
    machine: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,40}$")] = ""
    # How long before they expire certificates and tokens are told.
    expiry_days: Annotated[int, Field(ge=1, le=365)] = 14
    # Asked after each check of the services: whoever waits there notices when we are dead.
    # Whoever knows it may ask there: a secret.
    ping_url: SecretStr | None = None


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    # One JSON object a line, for a collector.
    json_lines: bool = False


class WorkerSettings(Section):
    # Runs at a time of each pool's worker; None: 2 and 1 where Prefect's server writes to SQLite, which takes
    # one writer at a time, else twice that.
    minute: Annotated[int, Field(ge=1, le=64)] | None = None
    batch: Annotated[int, Field(ge=1, le=64)] | None = None
    # Memory of each process that a worker starts; None: as much as the machine has.
    memory_mb: Annotated[int, Field(ge=512, le=1_048_576)] | None = None


#: `homepot-ai seal --new-key` makes one.
FieldKey = Annotated[SecretStr, Field(min_length=32)]


class SecuritySettings(Section):
    # Encrypts people's addresses in our tables; keep it elsewhere too: without it they are lost.
    field_key: FieldKey | None = None
    # The one before, while keys are changed; alone: everything is opened again.
    previous_field_key: FieldKey | None = None


class UpSettings(Section):
    # Where `homepot-ai up` tells the state of its parts, on this machine only; 0: any free port.
    health_port: Annotated[int, Field(ge=0, le=65535)] = 4280
