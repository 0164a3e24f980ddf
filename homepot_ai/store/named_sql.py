"""SQL by name: a file holds statements, each under a line `-- name: what_it_does`.

    -- name: open_anomalies
    SELECT id FROM ai_anomaly_logs WHERE status = 'open';

Statements are plain SQL with bound parameters (`%(name)s`) and never name a
schema: the connection's search path decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


def parse(text: str) -> Mapping[str, LiteralString]:
    """Split a file's text into its named statements.

    >>> dict(parse("-- name: one\\nSELECT 1;\\n"))
    {'one': 'SELECT 1'}
    """
    parts = _NAME.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a statement's name is used twice among {names}")
    statements = {
        name: cast(LiteralString, body.strip().rstrip(";")) for name, body in zip(names, bodies, strict=True)
    }
    return MappingProxyType(statements)


@lru_cache
def load(path: str) -> Mapping[str, LiteralString]:
    """Read the named statements of a file inside `homepot_ai`, e.g. `store/sql/scores.sql`."""
    return parse(files("homepot_ai").joinpath(path).read_text(encoding="utf-8"))
