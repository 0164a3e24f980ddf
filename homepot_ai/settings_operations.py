"""Settings of how the system looks after itself: branches of the tree in `settings.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


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
    # A backup older than this is told; a nightly one has an hour or two to spare.
    backup_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 27
    # How long before they expire certificates and tokens are told.
    expiry_days: Annotated[int, Field(ge=1, le=365)] = 14
    # Asked after each check of the services: whoever waits there notices when we are dead.
    ping_url: str = ""


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    # One JSON object a line, for a collector.
    json_lines: bool = False


class SecuritySettings(Section):
    # Encrypts people's addresses in our tables; keep it elsewhere too: without it they are lost.
    field_key: SecretStr | None = None
