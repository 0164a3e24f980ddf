"""Alembic's entry: runs our migrations in our own schema, with our own version table.

HOMEPOT keeps an `alembic_version` of its own in its schema; ours must never
be mistaken for it.
"""

from alembic import context
from psycopg import sql
from sqlalchemy import create_engine, pool

from homepot_ai.store.database import Database

database: Database = context.config.attributes["database"]


def _connect():  # type: ignore[no-untyped-def]
    import psycopg

    conn = psycopg.connect(database.url)
    schema = sql.Identifier(database.schema)
    # A schema made for us by an administrator is enough: CREATE on the database is not needed then.
    if conn.execute("SELECT to_regnamespace(%s)", [database.schema]).fetchone() == (None,):
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    conn.execute("SET TimeZone = 'UTC'")
    conn.execute(sql.SQL("SET search_path = {}").format(schema))
    # Two programs upgrading at once: the second waits and finds nothing to do.
    conn.execute("SELECT pg_advisory_lock(hashtext('homepot-ai migrations'))")
    conn.commit()
    return conn


engine = create_engine("postgresql+psycopg://", creator=_connect, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection, version_table="alembic_version", version_table_schema=database.schema
    )
    with context.begin_transaction():
        context.run_migrations()
