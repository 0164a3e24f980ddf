"""What a nightly fit says to an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homepot_ai.fleet import metrics
from homepot_ai.health.week import in_force_from
from homepot_ai.store.fits import FitRow
from homepot_ai.text import clean

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
VERSIONS_SHOWN = 8


@dataclass(frozen=True)
class FitSummary:
    """One fit and the versions around it.

    Attributes:
        recent: fits, newest first; kept: versions that can be put back.
        device_name: names by device id.
    """

    shard: int
    fit: FitRow
    recent: Sequence[FitRow]
    kept: frozenset[int]
    device_name: Mapping[int, str]

    def __str__(self) -> str:
        fit = self.fit
        return (
            f"shard={self.shard} version={fit.version} adopted={fit.adopted} series={fit.series} "
            f"shaped={fit.details.get('shaped', 0)} bytes={fit.payload_bytes} {fit.reason}"
        )

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        version = self.fit.version
        if "put_back" in self.fit.details:
            return f"version {version} in force: {self.fit.reason}"
        if self.fit.adopted:
            return f"version {version} adopted: {self.fit.reason}"
        now = next(
            (f"version {row.version} stays" for row in self.recent if row.in_force), "no week in force"
        )
        return f"version {version} not adopted, {now}: {self.fit.reason}"

    def markdown(self) -> str:
        """What an operator reads first."""
        told, fit = self.fit.details, self.fit
        lines = [f"**Weekly baselines: {self.headline}**", ""]
        lines += [
            f"- {told.get('shaped', 0)} of {fit.series} series have a shape of the week; "
            f"{told.get('eligible', 0)} have the two weeks of history that it takes",
            f"- hours from {fit.data_from:%Y-%m-%d %H:%M} to {fit.data_until:%Y-%m-%d %H:%M} UTC",
        ]
        if fit.adopted:
            since = in_force_from(fit.fitted_at.timestamp())
            minutes = round((since - fit.fitted_at.timestamp()) / 60)
            lines.append(
                f"- it counts from {minutes} minutes after it was stored, and takes over within a day; "
                f"{fit.payload_bytes / 1e6:.1f} MB"
            )
        lines += ["", *self._errors(), *self._largest(), *self._versions()]
        return "\n".join(lines) + "\n"

    def _errors(self) -> list[str]:
        fit = self.fit
        if fit.error_new is None or fit.error_without is None:
            return []
        lines = [
            f"Error on the last day, in usual deviations ({fit.details['compared']} series compared):",
            "",
        ]
        lines += ["| expectation | error |", "|---|---:|", f"| this version | {fit.error_new:.3f} |"]
        if fit.error_old is not None:
            lines.append(f"| version {fit.details['against']}, in force then | {fit.error_old:.3f} |")
        return [*lines, f"| no week | {fit.error_without:.3f} |", ""]

    def _largest(self) -> list[str]:
        found = self.fit.details.get("largest") or []
        if not found:
            return []
        lines = ["| largest shapes | metric | at most | when, UTC |", "|---|---|---:|---|"]
        for one in found:
            name = _cell(self.device_name.get(one["device_id"], f"device {one['device_id']}"))
            amount, usual = one["amount"], one["usual"]
            label, unit = metrics.label(one["metric"]), metrics.unit(one["metric"])
            when = f"{DAYS[one['hour'] // 24]} {one['hour'] % 24:02d}:00"
            most = f"{amount:+.3g}{unit} ({abs(amount) / usual:.1f} × usual)"
            lines.append(f"| {name} | {_cell(label)} | {most} | {when} |")
        return [*lines, ""]

    def _versions(self) -> list[str]:
        lines = ["| version | stored, UTC | series | error / in force / none | |", "|---:|---|---:|---|---|"]
        for row in self.recent[:VERSIONS_SHOWN]:
            state = "in force" if row.in_force else "kept" if row.version in self.kept else "gone"
            errors = " / ".join(
                "-" if e is None else f"{e:.3f}" for e in (row.error_new, row.error_old, row.error_without)
            )
            state = state if row.adopted else "not adopted"
            lines.append(
                f"| {row.version} | {row.fitted_at:%Y-%m-%d %H:%M} | {row.series} | {errors} | {state} |"
            )
        return [
            *lines,
            "",
            "Put one back: `homepot-ai run learn-baselines -p use_version=VERSION` (0: no week).",
        ]


def _cell(text: str) -> str:
    """Text that cannot break a Markdown table, whoever wrote it."""
    return clean(text).replace("|", "/").replace("`", "'").replace("<", "‹")
