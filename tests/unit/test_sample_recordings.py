"""The shipped recordings: small enough, complete, aligned with their labels, exact to the stated rounding."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from homepot_ai.testing import sample_recordings as shipped

ROOT = Path(__file__).parents[2]
KINDS = shipped.units()


def decode(members: dict[str, np.ndarray]) -> np.ndarray:
    if "scaled" in members:
        return members["scaled"].T / shipped.DECIMALS
    digits = members["high"].astype(np.int64) * 256 + members["low"]
    return shipped._scale(digits.T.astype(np.float64), members["exponent"].T.astype(np.int64))


def test_together_they_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in shipped.FOLDER.iterdir()}
    assert {"smd.npz", "asd.npz", "js2.npz", "NOTICE.md"} <= set(sizes)
    assert sum(sizes.values()) < 11_000_000


def test_the_notice_carries_every_copyright_line_and_the_licence() -> None:
    notice = (shipped.FOLDER / "NOTICE.md").read_text()
    for owner in ("zhhlee", "NetManAIOps-OmniAnomaly", "NetManAIOps-SMD", "NetManAIOps\n"):
        assert f"Copyright (c) 2021 {owner}" in notice
    assert "Permission is hereby granted, free of charge" in notice


def test_every_set_is_there() -> None:
    kinds = list(KINDS.values())
    assert (kinds.count("smd"), kinds.count("asd"), kinds.count("js2")) == (4, 6, 15)


@pytest.mark.parametrize("unit", sorted(KINDS))
def test_a_unit_is_whole(unit: str) -> None:
    recording = shipped.read(unit)
    metrics, period = {"smd": (38, 60), "asd": (19, 300), "js2": (19, 300)}[KINDS[unit]]
    assert recording.values.shape[1] == metrics
    assert recording.period_s == period
    assert len(recording.label) == len(recording.values)
    assert np.isfinite(recording.values).all()
    assert recording.values.min() >= 0
    assert not recording.label[: recording.train_rows].any()
    assert recording.episodes()
    assert sum(b - a for a, b in recording.episodes()) == recording.label.sum()


@pytest.mark.parametrize(
    ("unit", "row", "metric", "published"),
    [
        ("machine-2-1", 0, 10, 0.00236100), ("machine-2-1", 47386, 15, 0.015162999), ("omi-9", 5000, 7, 0.55),
        ("omi-9", 12959, 15, 0.49), ("js2-s4", 0, 10, 133028320.0), ("js2-s4", 5000, 7, 40542.921875),
        ("js2-s4", 12959, 15, 4320920.5),
    ],
)  # fmt: skip
def test_values_are_the_published_ones_rounded(unit: str, row: int, metric: int, published: float) -> None:
    allowed = 5e-4 * published if KINDS[unit] == "js2" else 5.1e-5
    assert shipped.read(unit).values[row, metric] == pytest.approx(published, abs=allowed, rel=0)


@pytest.mark.parametrize(
    ("unit", "first_row", "rows"),
    # Episodes as the publishers' label files give them, counted in the test part.
    [("machine-1-6", 5873, 12), ("machine-2-1", 9779, 26), ("machine-3-4", 2734, 786), ("omi-9", 738, 19),
     ("js2-s24", 3624, 81)],
)  # fmt: skip
def test_labels_are_where_the_publisher_put_them(unit: str, first_row: int, rows: int) -> None:
    recording = shipped.read(unit)
    begin = recording.train_rows + first_row
    assert (begin, begin + rows) in recording.episodes()


@given(arrays.arrays(np.float64, (7, 3), elements=st.floats(0, 1)))
def test_scaled_values_are_exact_to_four_decimals(values: np.ndarray) -> None:
    members = shipped.encode_scaled(values)
    assert np.abs(decode(members) - values).max() <= 0.5 / shipped.DECIMALS + 1e-12
    again = shipped.encode_scaled(decode(members))
    np.testing.assert_array_equal(again["scaled"], members["scaled"])


@given(arrays.arrays(np.float64, (7, 3), elements=st.one_of(st.just(0.0), st.floats(1e-4, 9.9e8))))
def test_raw_values_are_exact_to_four_digits(values: np.ndarray) -> None:
    members = shipped.encode_digits(values)
    decoded = decode(members)
    assert (np.abs(decoded - values) <= 5e-4 * values + 1e-300).all()
    expected = [[float(f"{value:.3e}") for value in row] for row in values]
    np.testing.assert_allclose(decoded, expected, rtol=1.1e-3)
    again = shipped.encode_digits(decoded)
    for part, array in members.items():
        np.testing.assert_array_equal(again[part], array)


@pytest.mark.parametrize("bad", [-0.1, 1.2, np.nan, np.inf])
def test_what_cannot_be_kept_exactly_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        shipped.encode_scaled(np.array([[0.5, bad]]))


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
def test_negative_raw_values_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        shipped.encode_digits(np.array([[0.5, bad]]))


def test_the_script_makes_the_same_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    arguments = ["make_recordings.py"]
    for kind in shipped.SETS:
        scale = 1e6 if kind == "js2" else 1.0
        source = tmp_path / f"{kind}.npz"
        np.savez(
            source,
            **{
                "u1/train": (scale * rng.random((40, 5))).astype(np.float32),
                "u1/test": (scale * rng.random((30, 5))).astype(np.float32),
                "u1/period_s": 300,
            },
        )
        np.savez(tmp_path / f"{kind}_labels.npz", **{"u1/label": (rng.random(30) < 0.3).astype(np.int8)})
        arguments += [f"--{kind}", str(source)]
    made = []
    for name in ("a", "b"):
        monkeypatch.setattr(sys, "argv", [*arguments, "--out", str(tmp_path / name)])
        runpy.run_path(str(ROOT / "scripts" / "make_recordings.py"), run_name="__main__")
        made.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert made[0] == made[1]
    assert len(made[0]) == 3
