"""Tills by site: the one query that the flow and the section share."""

from __future__ import annotations

from homepot_ai.store.database import Connection

_QUERY = """
SELECT s.name, count(d.id) FILTER (WHERE d.device_type = 'pos_terminal')
  FROM sites s LEFT JOIN devices d ON d.site_id = s.id AND d.is_active
 WHERE s.is_active
 GROUP BY s.name ORDER BY s.name
"""


def tills(conn: Connection) -> dict[str, int]:
    """How many tills each site has."""
    return {str(name): int(count) for name, count in conn.execute(_QUERY).fetchall()}
