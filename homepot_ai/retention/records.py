"""What retention did, and how an operator reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Removed:
    """One part that was archived and removed; `archive` is the file's path."""

    what: str
    rows: int
    archive: str


@dataclass(frozen=True)
class Emptied:
    """Contents that went while their rows stayed: they are kept elsewhere, or can be made again."""

    mails: int = 0
    backtests: int = 0
    reports: int = 0
    sizes: int = 0


@dataclass(frozen=True)
class RetentionSummary:
    """What retention did, or would do.

    Attributes:
        removed: archived and removed, one for each table and archive.
        failed: what could not be done, one sentence each; it was left as it was.
        files, file_bytes: indexes moved aside, logs and halves of archives that went.
    """

    partitions_made: int
    emptied: Emptied
    removed: Sequence[Removed]
    kept_days: int
    kept_bytes: int
    dry_run: bool
    files: int = 0
    file_bytes: int = 0
    failed: Sequence[str] = ()

    @property
    def line(self) -> str:
        """One line for the list of runs."""
        if self.failed:
            return f"{len(self.failed)} parts could not be archived and were left: {self.failed[0]}"
        if self.dry_run:
            return "listed only (dry run)"
        return "applied"

    def markdown(self) -> str:
        """What an operator reads first."""
        would = self.dry_run
        verb = "would archive and remove (dry run, nothing was changed)" if would else "archived and removed"
        rows = sum(part.rows for part in self.removed)
        lines = [f"**Retention: {verb} {len(self.removed)} parts, {rows} rows**", ""]
        if self.failed:
            lines += ["**Not done, and left as it was:**", "", *(f"- {said}" for said in self.failed), ""]
        if self.removed:
            lines += ["| part | rows | archive |", "|---|---:|---|"]
            lines += [f"| {part.what} | {part.rows} | `{part.archive}` |" for part in self.removed]
            lines.append("")
        lines += [
            f"| {'would be' if would else 'was'} emptied or removed | count |", "|---|---:|",
            f"| contents of mails and messages that were sent | {self.emptied.mails} |",
            f"| PDFs of reports, which can be rendered again | {self.emptied.reports} |",
            f"| PDFs of backtests | {self.emptied.backtests} |",
            f"| sizes, thinned to one a day | {self.emptied.sizes} |",
            f"| old indexes and logs ({self.file_bytes / 1e6:.1f} MB) | {self.files} |", "",
            f"{self.kept_days} days of scores are kept ({self.kept_bytes / 1e6:.1f} MB); "
            f"{self.partitions_made} partitions were made ahead.",
        ]  # fmt: skip
        return "\n".join(lines) + "\n"
