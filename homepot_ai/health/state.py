"""The engine's memory as bytes: a short JSON header and raw arrays, the same bytes for the same state.

No pickle: what is read back is numbers of the stated type and shape, and nothing runs.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ScoringError
from homepot_ai.health.records import Ints

MAGIC = b"HAIS0004"
Arrays = dict[str, npt.NDArray[Any]]


def pack(meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Serialise JSON-able ``meta`` and arrays, in the order given."""
    return b"".join(views(meta, arrays))


def views(meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> list[memoryview]:
    """What :func:`pack` joins, without a copy of the arrays: it shows them as they are when it is read."""
    chunks = [np.ascontiguousarray(a) for a in arrays.values()]
    shapes = [[name, a.dtype.str, list(a.shape)] for name, a in zip(arrays, chunks, strict=True)]
    header = json.dumps({"meta": meta, "arrays": shapes}, sort_keys=True, separators=(",", ":")).encode()
    return [
        memoryview(MAGIC + len(header).to_bytes(8, "little") + header),
        *(c.data.cast("B") for c in chunks if c.size),
    ]


def unpack(payload: bytes | bytearray) -> tuple[dict[str, Any], Arrays]:
    """The inverse of :func:`pack`; arrays are writable copies.

    Raises:
        ScoringError: these bytes are not a state, or one of another version.
    """
    if payload[:8] != MAGIC:
        raise ScoringError(
            "The stored scoring state is not of this version of homepot-ai: its first bytes are "
            f"{bytes(payload[:8])!r}, expected {MAGIC!r}. The next live run of score-health learns anew; "
            "if it fails with this, empty the tables ai_baseline_pages and ai_baselines. Scores and "
            "anomalies stay."
        )
    size = int.from_bytes(payload[8:16], "little")
    header = json.loads(payload[16 : 16 + size])
    at = 16 + size
    arrays: Arrays = {}
    for name, dtype, shape in header["arrays"]:
        kind = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(payload, kind, count, at).reshape(shape).copy()
        at += count * kind.itemsize
    return header["meta"], arrays


def squeeze(keys: Ints) -> npt.NDArray[np.uint8]:
    """Sorted keys in little space: devices with the same metrics have the same differences."""
    steps = np.diff(keys, prepend=np.int64(0))
    return np.frombuffer(zlib.compress(steps.tobytes(), 1), np.uint8)


def unsqueeze(packed: npt.NDArray[np.uint8]) -> Ints:
    """The inverse of :func:`squeeze`."""
    steps = np.frombuffer(zlib.decompress(packed.tobytes()), np.int64)
    out: Ints = np.cumsum(steps, dtype=np.int64)
    return out
