"""What a fit of the failure model says to an operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homepot_ai.health.summary import cell
from homepot_ai.store.hazards import HazardRow

SHOWN = 8
FORECASTERS = {"new": "this fit", "in_force": "the model in force then", "base_rate": "base rate"}


@dataclass(frozen=True)
class HazardSummary:
    """One fit and those around it, newest first."""

    fit: HazardRow
    recent: Sequence[HazardRow]

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        fit = self.fit
        if "put_back" in fit.scores:
            return f"model {fit.version} in force: {fit.reason}"
        if fit.adopted:
            return f"model {fit.version} ({fit.kind}) adopted: {fit.reason}"
        now = next((f"model {row.version} stays" for row in self.recent if row.in_force), "none in force")
        return f"model {fit.version} not adopted, {now}: {fit.reason}"

    def markdown(self) -> str:
        """What an operator reads first."""
        fit = self.fit
        lines = [
            f"**Failure model: {cell(self.headline)}**",
            "",
            f"- {fit.failures} failures of {fit.devices} devices in {fit.device_days} days of devices, from "
            f"{fit.data_from:%Y-%m-%d} to {fit.data_until:%Y-%m-%d %H:%M} UTC",
        ]
        if fit.kind == "prior":
            lines.append("- nothing is learned yet: devices are told apart by kind and past failures only")
        return "\n".join([*lines, "", *self._scores(), *self._versions()]) + "\n"

    def _scores(self) -> list[str]:
        told = [
            (words, self.fit.scores[name]) for name, words in FORECASTERS.items() if name in self.fit.scores
        ]
        if not told:
            return []
        windows = list(told[0][1]["windows"])
        failed = self.fit.scores.get("failed_held_out", 0)
        head = " | ".join(f"{window}: log loss, Brier" for window in windows)
        lines = [
            f"On devices that were held out ({failed} of them failed; less is better):",
            "",
            f"| forecaster | {head} |",
            "|---|" + "---|" * len(windows),
        ]
        for words, one in told:
            cells = (_window(one["windows"].get(window)) for window in windows)
            lines.append(f"| {words} | {' | '.join(cells)} |")
        return [*lines, ""]

    def _versions(self) -> list[str]:
        lines = ["| model | stored, UTC | failures | | why |", "|---:|---|---:|---|---|"]
        for row in self.recent[:SHOWN]:
            state = "in force" if row.in_force else "kept" if row.payload_bytes else "gone"
            state = state if row.adopted else "not adopted"
            lines.append(
                f"| {row.version} | {row.fitted_at:%Y-%m-%d %H:%M} | {row.failures} | {state} "
                f"| {cell(row.reason)} |"
            )
        return [*lines, "", "Put one back: `homepot-ai run learn-hazards -p use_version=VERSION`."]


def _window(scores: dict[str, Any] | None) -> str:
    return "-" if scores is None else f"{scores['log_loss']:.4f}, {scores['brier']:.4f}"
