"""Read the recordings that are shipped with the project: real telemetry with labels, compactly encoded.

`recordings/<set>.npz` holds one set. For each unit (a machine, server or service) of a set:

- `<unit>/scaled`: uint16 [metrics, rows], value = scaled / 10 000. Sets SMD and ASD, which their publisher
  scaled to 0..1 of the observed range; four decimals are kept (error at most 0.00005).
- `<unit>/high`, `<unit>/low`, `<unit>/exponent`: uint8, uint8, int8 [metrics, rows], value =
  (256 * high + low) * 10 ** exponent. Set JS2, in raw units from 0.001 to 600 000 000; four significant
  digits are kept (error at most 0.05 %).
- `<unit>/label`: uint8 [rows of the test part], 1 = an incident according to the publisher's labels.
- `<unit>/train_rows`, `<unit>/period_s`: rows before the test part; seconds from one row to the next.

Rows are in their recorded order without gaps: the train part (no labels) and then the test part.
`scripts/make_recordings.py` writes these files; `recordings/NOTICE.md` says where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "recordings"
SETS = ("smd", "asd", "js2")
DECIMALS = 10_000.0
FORMAT = 1


@dataclass(frozen=True)
class Recording:
    """One unit's telemetry: `values` float64 [rows, metrics]; `label` bool [rows], False in the train part.

    Of the train part nobody said whether it holds incidents.
    """

    unit: str
    values: NDArray[np.float64]
    label: NDArray[np.bool_]
    train_rows: int
    period_s: int

    def episodes(self) -> list[tuple[int, int]]:
        """Labelled incidents as (first row, row after the last) of the whole recording, in order of time."""
        edges = np.diff(np.concatenate(([0], self.label.astype(np.int8), [0])))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def encode_scaled(values: NDArray[np.floating]) -> dict[str, NDArray[np.generic]]:
    """Values within 0..1, [rows, metrics], as `scaled`. Raises ValueError for anything else."""
    wide = np.asarray(values, dtype=np.float64)
    if not np.isfinite(wide).all() or wide.min() < 0 or wide.max() > 1:
        raise ValueError("values outside of 0..1 cannot be kept as four decimals")
    return {"scaled": np.ascontiguousarray(np.rint(wide * DECIMALS).astype("<u2").T)}


def encode_digits(values: NDArray[np.floating]) -> dict[str, NDArray[np.generic]]:
    """Values >= 0, [rows, metrics], as four significant digits and exponent. Raises ValueError otherwise."""
    wide = np.asarray(values, dtype=np.float64)
    if not np.isfinite(wide).all() or wide.min() < 0:
        raise ValueError("negative or missing values cannot be kept as digits and exponent")
    positive = np.where(wide > 0, wide, 1.0)
    exponent = np.where(wide > 0, np.floor(np.log10(positive)) - 3, 0).astype(np.int64)
    digits = np.rint(_scale(wide, -exponent)).astype(np.int64)
    exponent = np.where(digits > 9999, exponent + 1, exponent)  # 9999.6 rounds up to five digits
    digits = np.where(digits > 9999, 1000, digits)
    turned = np.ascontiguousarray(digits.T)
    return {
        "high": (turned >> 8).astype(np.uint8),
        "low": (turned & 255).astype(np.uint8),
        "exponent": np.ascontiguousarray(exponent.T).astype(np.int8),
    }


def _scale(numbers: NDArray[np.float64], exponent: NDArray[np.int64]) -> NDArray[np.float64]:
    """numbers * 10 ** exponent, correctly rounded: dividing by 10 ** n is exact where 10 ** -n is not."""
    power = np.power(10.0, np.abs(exponent))
    return np.where(exponent >= 0, numbers * power, numbers / power)


@lru_cache(maxsize=1)
def _where() -> dict[str, str]:
    """Unit -> set."""
    found: dict[str, str] = {}
    for name in SETS:
        with np.load(FOLDER / f"{name}.npz") as members:
            if int(members["format"]) != FORMAT:
                raise ValueError(f"{FOLDER / name}.npz has another format than this program reads ({FORMAT})")
            found |= {key.split("/")[0]: name for key in members.files if key.endswith("/label")}
    return found


def units() -> dict[str, str]:
    """Every recorded unit and its set, such as {"machine-1-6": "smd", ...}."""
    return dict(_where())


def read(unit: str) -> Recording:
    """One unit's recording. Raises KeyError for a unit that is not shipped.

    >>> recording = read("omi-1")
    >>> recording.values.shape, recording.period_s, recording.train_rows
    ((12960, 19), 300, 8640)
    """
    with np.load(FOLDER / f"{_where()[unit]}.npz") as members:
        names = set(members.files)
        if f"{unit}/scaled" in names:
            values = members[f"{unit}/scaled"].T / DECIMALS
        else:
            digits = members[f"{unit}/high"].astype(np.int64) * 256 + members[f"{unit}/low"]
            values = _scale(digits.T.astype(np.float64), members[f"{unit}/exponent"].T.astype(np.int64))
        train_rows = int(members[f"{unit}/train_rows"])
        label = np.zeros(len(values), dtype=np.bool_)
        label[train_rows:] = members[f"{unit}/label"] != 0
        return Recording(
            unit, np.ascontiguousarray(values), label, train_rows, int(members[f"{unit}/period_s"])
        )
