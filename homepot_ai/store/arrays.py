"""NumPy vectors as PostgreSQL arrays, without a Python list in between.

Importing this module teaches psycopg to bind one-dimensional arrays of the
types below in binary form; a hundred thousand values cost a copy and no loop.
NaN stays NaN: write `nullif(x, 'NaN')` where it means absent.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format

# dtype -> (oid of the element, oid of its array, big-endian element)
_TYPES: dict[str, tuple[int, int, str]] = {
    "int16": (21, 1005, ">i2"),
    "int32": (23, 1007, ">i4"),
    "int64": (20, 1016, ">i8"),
    "float32": (700, 1021, ">f4"),
    "float64": (701, 1022, ">f8"),
}


class VectorDumper(Dumper):
    """Dumps a one-dimensional array in PostgreSQL's binary array format.

    Raises:
        TypeError: more than one dimension, or a type that is not in the list.
    """

    format = Format.BINARY
    element = ""

    def get_key(self, obj: Any, format: PyFormat) -> tuple[type, type]:
        """One dumper per element type, since the parameter's type goes with it."""
        return (self.cls, obj.dtype.type)

    def upgrade(self, obj: Any, format: PyFormat) -> Dumper:
        """The dumper for this element type."""
        name = obj.dtype.name
        if name not in _TYPES or obj.ndim != 1:
            raise TypeError(f"cannot bind an array of {name} with {obj.ndim} dimensions; use {list(_TYPES)}")
        dumper = VectorDumper(self.cls)
        dumper.element, dumper.oid = name, _TYPES[name][1]
        return dumper

    def dump(self, obj: Any) -> Buffer:
        """Header, then (length, value) per element."""
        oid, _, layout = _TYPES[self.element]
        cells = np.empty(len(obj), dtype=[("size", ">i4"), ("value", layout)])
        cells["size"], cells["value"] = obj.itemsize, obj
        if not len(obj):
            return struct.pack(">iii", 0, 0, oid)
        return struct.pack(">iiiii", 1, 0, oid, len(obj), 1) + cells.tobytes()


psycopg.adapters.register_dumper(np.ndarray, VectorDumper)


def unpack(payload: bytes) -> npt.NDArray[Any]:
    """An array in PostgreSQL's binary format (`array_send`) as numbers, of one dimension or more.

    Raises:
        ValueError: it holds NULLs, or another type.
    """
    dimensions, nulls, oid = struct.unpack_from(">iii", payload)
    names = [name for name, (element, _, _) in _TYPES.items() if element == oid]
    if nulls or not names:
        raise ValueError(f"cannot read an array with NULLs, or of type {oid}, as numbers")
    layout = np.dtype([("size", ">i4"), ("value", _TYPES[names[0]][2])])
    shape = [struct.unpack_from(">i", payload, 12 + 8 * d)[0] for d in range(dimensions)]
    cells = np.frombuffer(payload, layout, offset=12 + 8 * dimensions)
    return cells["value"].reshape(shape or [0]).astype(names[0])
