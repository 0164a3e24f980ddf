"""The event cache: the newest hundred events of each device, each for a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homepot_ai.settings import Settings
from homepot_ai.store import named_sql
from homepot_ai.store.database import Database

_SQL = named_sql.load("retention/sql/retention.sql")


@dataclass(frozen=True)
class CleanSummary:
    """What a clean-up of the event cache found, and removed unless it was a dry run."""

    expired: int
    beyond: int
    kept: int
    devices: int
    per_device: int
    dry_run: bool

    def markdown(self) -> str:
        """What an operator reads first."""
        verb = "would remove (dry run, nothing was removed)" if self.dry_run else "removed"
        return (
            f"**Event cache: {verb} {self.expired + self.beyond} events**\n\n"
            f"| what | events |\n|---|---:|\n| past their time | {self.expired} |\n"
            f"| beyond {self.per_device} per device | {self.beyond} |\n"
            f"| kept, of {self.devices} devices | {self.kept} |\n"
        )


def clean_event_cache(db: Database, settings: Settings, now: datetime, dry_run: bool) -> CleanSummary:
    """Delete events past their time or beyond the newest ones of each device."""
    keep = settings.retention.events_per_device
    parameters = {"now": now, "keep": keep}
    with db.writer() as conn:
        expired, beyond = conn.execute(_SQL["stale_events"], parameters).fetchone() or (0, 0)
        if not dry_run and expired + beyond:
            conn.execute(_SQL["delete_stale_events"], parameters)
        kept, devices = conn.execute(_SQL["count_events"]).fetchone() or (0, 0)
    return CleanSummary(expired, beyond, kept, devices, keep, dry_run)
