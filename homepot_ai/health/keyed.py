"""A small table over some of the series: kept by key, so that it follows them as they come and go."""

from __future__ import annotations

import numpy as np

from homepot_ai.health.layout import find
from homepot_ai.health.records import Ints
from homepot_ai.health.table import Matrix


class KeyedRows:
    """Rows of float32 ``[field, n]`` for sorted series keys."""

    def __init__(self, fields: int, key: Ints | None = None, rows: Matrix | None = None) -> None:
        self.key = np.zeros(0, np.int64) if key is None else key
        self.rows = np.zeros((fields, 0), np.float32) if rows is None else rows

    def align(self, key: Ints, fresh: Matrix) -> Matrix:
        """The rows for exactly these sorted keys, changed in place later; new are ``fresh`` [field, 1]."""
        pos, known = find(self.key, key)
        if pos is not None:
            rows = np.repeat(fresh, len(key), axis=1)
            rows[:, known] = self.rows[:, pos[known]]
            self.rows = rows
        self.key = key
        return self.rows
