"""What the sample fleet keeps under `var/sample`: when it was loaded, what is still ahead, the truth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from homepot_ai.errors import SampleError
from homepot_ai.settings import Settings
from homepot_ai.testing.sample_mapping import Layout
from homepot_ai.testing.sample_series import Series


@dataclass(frozen=True)
class ReplayDevice:
    """One device's telemetry after the anchor: the file of its values, and how to write them."""

    device_id: int
    name: str
    file: str
    start: int
    period_s: int
    layout: Layout
    provenance: str


@dataclass(frozen=True)
class Anchor:
    """One loading of the sample fleet; `load_id` is in its devices' config as well."""

    load_id: str
    at: datetime
    devices: tuple[ReplayDevice, ...]


@dataclass(frozen=True)
class TruthRow:
    """One thing that really happened to a device, [started_at, ended_at).

    Attributes:
        source: "recorded" (labelled by the publisher of the recording) or "constructed".
        slow: it came creeping, so that a delay of its discovery means nothing.
        metrics: only findings in these metrics belong to it; empty: in any.
    """

    device_id: int
    device: str
    site: str
    started_at: datetime
    ended_at: datetime
    source: str
    what: str
    slow: bool = False
    metrics: tuple[str, ...] = ()


_ANCHOR = TypeAdapter(Anchor)
_TRUTH = TypeAdapter(list[TruthRow])
_OUTAGE = TypeAdapter(tuple[datetime, datetime, tuple[str, ...]])


def folder(settings: Settings) -> Path:
    """Where the files lie."""
    return settings.var_dir / "sample"


def _write(path: Path, content: bytes) -> None:
    """All or nothing: a reader never sees half a file."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def save(settings: Settings, anchor: Anchor, values: dict[str, Series], truth: list[TruthRow]) -> None:
    """Write the truth, the values still to be replayed (by file name) and last the anchor."""
    place = folder(settings)
    place.mkdir(parents=True, exist_ok=True)
    for old in (*place.glob("*.npy"), *place.glob("outage.json")):
        old.unlink()
    for name, series in values.items():
        np.save(place / name, series.values, allow_pickle=False)
    _write(place / "truth.json", _TRUTH.dump_json(truth, indent=1))
    _write(place / "anchor.json", _ANCHOR.dump_json(anchor, indent=1))


def anchor(settings: Settings) -> Anchor | None:
    """The loading that the files belong to; None when there is none."""
    try:
        return _ANCHOR.validate_json((folder(settings) / "anchor.json").read_bytes())
    except FileNotFoundError:
        return None


def truth(settings: Settings) -> list[TruthRow]:
    """What really happened and, as far as the recordings go, will happen, in order of time.

    Raises SampleError when no sample fleet was loaded. This list is never in the database: what looks
    for incidents must not be able to find it.
    """
    try:
        return _TRUTH.validate_json((folder(settings) / "truth.json").read_bytes())
    except FileNotFoundError:
        raise SampleError(
            f"there is no truth to show: {folder(settings)} holds no sample fleet; start the demo first"
        ) from None


def write_truth(settings: Settings, truth: list[TruthRow]) -> None:
    """Replace the truth, as it becomes longer by what is staged."""
    _write(folder(settings) / "truth.json", _TRUTH.dump_json(truth, indent=1))


def outage(settings: Settings) -> tuple[datetime, datetime, tuple[str, ...]] | None:
    """The newest staged outage: from, to, and the names of the devices; None when there never was one."""
    try:
        return _OUTAGE.validate_json((folder(settings) / "outage.json").read_bytes())
    except FileNotFoundError:
        return None


def write_outage(settings: Settings, began: datetime, ended: datetime, devices: tuple[str, ...]) -> None:
    """Keep a staged outage for the replay."""
    _write(folder(settings) / "outage.json", _OUTAGE.dump_json((began, ended, devices)))


def series(settings: Settings, device: ReplayDevice) -> Series:
    """A device's telemetry after the anchor; the values stay on disk until they are used."""
    values = np.load(folder(settings) / device.file, mmap_mode="r", allow_pickle=False)
    return Series(device.start, device.period_s, values, device.layout, device.provenance)
