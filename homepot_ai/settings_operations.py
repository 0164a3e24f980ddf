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
    # The same alarm is told again at most so often while it lasts.
    repeat_minutes: Annotated[int, Field(ge=5, le=10080)] = 240
    # Asked after each check of the services: whoever waits there notices when we are dead.
    ping_url: str = ""


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    # One JSON object a line, for a collector.
    json_lines: bool = False


class WorkerSettings(Section):
    # Runs at a time of each pool's worker. SQLite takes one writer at a time; PostgreSQL would carry more.
    minute: Annotated[int, Field(ge=1, le=64)] = 2
    batch: Annotated[int, Field(ge=1, le=64)] = 1
    # Memory of each process that a worker starts; None: as much as the machine has.
    memory_mb: Annotated[int, Field(ge=512, le=1_048_576)] | None = None


class SecuritySettings(Section):
    # Encrypts people's addresses in our tables; keep it elsewhere too: without it they are lost.
    field_key: SecretStr | None = None
