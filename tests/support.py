"""Small helpers that several test modules share."""

from __future__ import annotations

from homepot_ai.store.database import Database


def table_checksums(db: Database, schema: str) -> dict[str, str]:
    """A checksum of every table's rows, whatever their order."""
    with db.admin() as conn:
        tables = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema]
        ).fetchall()
        return {
            table: str(
                conn.execute(
                    f"SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) "
                    f'FROM "{schema}"."{table}" t'
                ).fetchone()[0]
            )
            for (table,) in tables
        }
