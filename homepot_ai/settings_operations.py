"""Settings of how the system looks after itself: branches of the tree in `settings.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """A branch of the tree. An unknown name is an error: a typo must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    # The same alarm is told again at most so often while it lasts.
    repeat_minutes: Annotated[int, Field(ge=5, le=10080)] = 240
    # Asked after each check of the services: whoever waits there notices when we are dead.
    ping_url: str = ""


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    # One JSON object a line, for a collector.
    json_lines: bool = False


class SecuritySettings(Section):
    # Encrypts people's addresses in our tables; keep it elsewhere too: without it they are lost.
    field_key: SecretStr | None = None
