"""Several fleets in one PostgreSQL: who sees whom, and taking one away."""

from __future__ import annotations

import psycopg
from psycopg import sql

from homepot_ai.store import named_sql
from homepot_ai.store.database import Database

_SQL = named_sql.load("store/sql/pods.sql")


def others_seen(db: Database) -> list[str]:
    """Schemas of other fleets that the login may read as well: it should have been one of its own."""
    with db.admin() as conn:
        found = conn.execute(_SQL["seen"], {"schema": db.schema}).fetchall()
    return [str(name) for (name,) in found]


def has_fleet(db: Database) -> bool:
    """Whether HOMEPOT's tables are where the settings say."""
    with db.admin() as conn:
        row = conn.execute(_SQL["fleet_there"], {"homepot": db.homepot_schema}).fetchone()
    return row == (True,)


def drop(db: Database) -> list[str]:
    """Take our schemas and roles away, with everything in them. HOMEPOT's tables stay as they are.

    One transaction for the schemas; roles belong to the whole server, and one that is still used by
    another database stays.

    Returns:
        What was done, one sentence each.
    """
    done = []
    roles = [db.reader_role, db.writer_role, db.asker_role]
    with db.admin() as conn:
        there = [name for (name,) in conn.execute(_SQL["roles"], {"roles": roles}).fetchall()]
        for schema in (db.asking_schema, db.schema):
            conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
            done.append(f"schema {schema} dropped")
        for role in there:
            # Their rights on HOMEPOT's tables.
            conn.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(str(role))))
    for role in there:
        try:
            with db.admin() as conn:
                conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(str(role))))
            done.append(f"role {role} dropped")
        except psycopg.Error as error:
            done.append(f"role {role} stays: {str(error).strip().splitlines()[0]}")
    return done
