"""NumPy vectors as PostgreSQL arrays, without a Python list in between.

Importing this module teaches psycopg to bind one-dimensional arrays of the
types below in binary form; a hundred thousand values cost a copy and no loop.
NaN stays NaN: write `nullif(x, 'NaN')` where it means absent.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
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
