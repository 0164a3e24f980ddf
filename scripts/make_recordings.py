#!/usr/bin/env python3
"""Make the shipped recordings out of the publishers' data.

    scripts/make_recordings.py --smd ad_smd.npz --asd ad_asd.npz --js2 ad_js2.npz [--out FOLDER]

Each input FILE.npz holds `<unit>/train`, `<unit>/test` (float [rows, metrics]) and `<unit>/period_s`;
beside it, FILE_labels.npz holds `<unit>/label` (0 or 1 per test row). Nothing is left out, resampled or
reordered; values are rounded as `homepot_ai/testing/sample_recordings.py` describes. The output is the
same bytes whenever it is made again.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np

from homepot_ai.testing import sample_recordings as shipped

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a fixed time in the archive, so that its bytes do not depend on today


def add(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    """One member; LZMA halves what deflate needs here, and numpy reads it through zipfile."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(values), allow_pickle=False)
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=LONG_AGO)
    entry.compress_type = zipfile.ZIP_LZMA
    archive.writestr(entry, buffer.getvalue())


def convert(source: Path, target: Path, raw_units: bool) -> None:
    encode = shipped.encode_digits if raw_units else shipped.encode_scaled
    with (
        np.load(source) as data,
        np.load(source.with_name(f"{source.stem}_labels.npz")) as labels,
        zipfile.ZipFile(target, "w") as archive,
    ):
        add(archive, "format", np.int64(shipped.FORMAT))
        for unit in sorted(key.removesuffix("/train") for key in data.files if key.endswith("/train")):
            train, test, label = data[f"{unit}/train"], data[f"{unit}/test"], labels[f"{unit}/label"]
            if len(test) != len(label):
                raise SystemExit(f"{unit}: {len(test)} test rows but {len(label)} labels")
            for part, encoded in encode(np.concatenate([train, test])).items():
                add(archive, f"{unit}/{part}", encoded)
            add(archive, f"{unit}/label", label.astype(np.uint8))
            add(archive, f"{unit}/train_rows", np.int64(len(train)))
            add(archive, f"{unit}/period_s", np.int64(data[f"{unit}/period_s"]))
    print(f"{target}: {target.stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description="Encode SMD, ASD and JS2 telemetry for the sample fleet.")
    for name in shipped.SETS:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=shipped.FOLDER)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in shipped.SETS:
        convert(getattr(given, name), given.out / f"{name}.npz", raw_units=name == "js2")


if __name__ == "__main__":
    main()
