"""Make the database ready: HOMEPOT's tables in the embedded default, our migrations, the demo's fleet.

Each part looks first whether it is done, so a second start takes seconds. What was
missed while nothing ran is caught up by the flows, from their watermarks.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store import audit
from homepot_ai.store.database import Database

SETTINGS_NOTED = "settings in force"

if TYPE_CHECKING:
    from rich.progress import TaskID


def main() -> int:
    """Prepare what the settings describe; the exit code is 1 when a part failed."""
    try:
        prepare(load_settings())
    except HomepotAIError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(settings: Settings) -> None:
    """Migrate, and in the demo load the sample fleet and score its last days."""
    from homepot_ai.backup import upgrading

    database = Database.from_settings(settings)
    if settings.database_url is None:
        from homepot_ai.testing import sample

        sample.create_homepot_tables(database, settings)
    for line in upgrading.upgrade(database, settings, datetime.now(UTC)):
        print(line)
    note_settings(database, settings, datetime.now(UTC))
    if settings.profile == "demo":
        load_demo(database, settings)
    if settings.pod:
        from deployments.pod import recipients as pod_recipients

        for line in pod_recipients.ensure(database, settings, datetime.now(UTC)):
            print(line)


def note_settings(database: Database, settings: Settings, now: datetime) -> None:
    """Write into the audit log which parts of the settings are others than at the last start.

    Their values are not written, and of secrets not even a digest: only whether they are set.
    """
    tree = settings.model_dump(mode="json")
    digests = {
        name: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]
        for name, part in tree.items()
    }
    with database.writer() as conn:
        search = audit.Search(datetime.min.replace(tzinfo=UTC), now, action=SETTINGS_NOTED)
        before = next((entry.details for entry in audit.listed(conn, search, limit=1)), None)
        if before is not None and before.get("digests") == digests:
            return
        known = before["digests"] if before else {}
        audit.record(
            conn, at=now, actor=getpass.getuser(), action=SETTINGS_NOTED, subject="homepot-ai",
            purpose="start",
            details={
                "changed": sorted(name for name in digests if digests[name] != known.get(name)),
                "digests": digests,
            },
        )  # fmt: skip


def load_demo(database: Database, settings: Settings) -> None:
    """Load the sample fleet and score its last days; nothing when both is done."""
    from homepot_ai.health import learning
    from homepot_ai.testing import sample

    now = datetime.now(UTC).replace(second=0, microsecond=0)
    if not sample.is_loaded(database, settings):
        with _progress() as progress:
            sample.load(database, settings, now, _reporter(progress, "Loading the sample fleet"))
    # Only after a first load: later on, score-health catches up by itself.
    if scored_until(database) is None:
        days = settings.demo.scored_days
        with _progress() as progress:
            reporter = _reporter(progress, f"Scoring its last {days} days")
            for shard in range(settings.scoring.shards):
                learning.backfill(database, settings, now - timedelta(days=days), now, reporter, shard=shard)
    # Scoring may start before the first run of the replay: what was recorded meanwhile is no silence.
    sample.replay(database, settings, datetime.now(UTC))


def scored_until(database: Database) -> datetime | None:
    """The last minute that was scored."""
    with database.reader() as conn:
        row = conn.execute("SELECT max(at) FROM ai_scoring_minutes").fetchone()
    return None if row is None else row[0]  # type: ignore[return-value]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )


def _reporter(progress: Progress, what: str) -> Callable[..., None]:
    """A callback (done, total, what is being done) that moves a bar, made at its first call."""
    bar: list[TaskID] = []

    def report(done: int, total: int, doing: str = what) -> None:
        if not bar:
            bar.append(progress.add_task(doing, total=total))
        progress.update(bar[0], completed=done, total=total, description=doing)

    return report


if __name__ == "__main__":
    raise SystemExit(main())
