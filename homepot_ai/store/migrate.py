"""Bring our tables to the version that this program needs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from homepot_ai.errors import NotMigrated
from homepot_ai.store import asking, sealing
from homepot_ai.store.database import Connection, Database, require_not_newer

if TYPE_CHECKING:
    from alembic.config import Config

#: Columns of HOMEPOT's that we never need and that open something: none of our roles reads them.
SECRET_COLUMN = re.compile(r"password|passwd|secret|token|api_?key|_hash$|_key$|credential|private")


def upgrade(db: Database, *, may_add_indexes: bool = False) -> list[str]:
    """Create or migrate our schema, then the roles and their rights. Safe to repeat.

    HOMEPOT's tables are not touched, but for indexes that our readers need when
    `may_add_indexes` is set; those are built without locking its writers.

    Returns:
        What was done or could not be done, one sentence each.

    Raises:
        DatabaseNewer: a newer program has migrated them; nothing was changed.
    """
    found = current(db)
    require_not_newer(found)
    if found != head():
        with db.admin() as conn:
            asking.drop(db, conn)
    tables(db)
    done = [f"schema {db.schema} is at version {head()}"]
    with db.admin() as conn:
        done += rights(db, conn)
    with db.admin() as conn:
        if sealed := sealing.bring_up(conn, now=datetime.now(UTC)):
            done.append(sealed)
    if may_add_indexes:
        done += _add_indexes(db)
    return done


def tables(db: Database) -> None:
    """Bring the tables alone to this program's version: for a copy that nobody asks questions of."""
    from alembic import command

    command.upgrade(_alembic(db), "head")


def rights(db: Database, conn: Connection, *, questions: bool = True) -> list[str]:
    """Make the roles, what each may do, and the views that questions read; returns what could not be done.

    Args:
        questions: False leaves the views out, which need HOMEPOT's tables.
    """
    return [*_roles(db, conn), *(asking.make(db, conn) if questions else [])]


def known(revision: str) -> bool:
    """Whether this program knows how to come from a version to its own."""
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        return ScriptDirectory.from_config(_alembic(None)).get_revision(revision) is not None
    except CommandError:
        return False


def head() -> str:
    """The version that this program needs."""
    from alembic.script import ScriptDirectory

    revision = ScriptDirectory.from_config(_alembic(None)).get_current_head()
    assert revision is not None
    return revision


def current(db: Database) -> str | None:
    """The version in the database; None when our schema is not there."""
    with db.admin() as conn:
        return db.version(conn)


def require_current(db: Database) -> None:
    """Raise NotMigrated or DatabaseNewer unless the database is at this program's version."""
    found = current(db)
    require_not_newer(found)
    if found != head():
        state = "has no tables of ours" if found is None else f"is at version {found}"
        raise NotMigrated(f"the database {state}, this program needs {head()}: run `homepot-ai db upgrade`")


def _alembic(db: Database | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "homepot_ai:store/migrations")
    if db is not None:
        config.attributes["database"] = db
    return config


def _roles(db: Database, conn: Connection) -> list[str]:
    """Make the roles and give reader and writer just what they need. The login becomes a member of all."""
    notes: list[str] = []
    for role in (db.reader_role, db.writer_role, db.asker_role):
        exists = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        name = sql.Identifier(role)
        if exists is None:
            # Two servers started at once may both find it missing.
            with conn.transaction():
                conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
            notes.append(f"role {role} made")
        # Since PostgreSQL 16 who makes a role without being superuser is its member and may not act as it.
        right = "SET" if conn.info.server_version >= 160000 else "MEMBER"
        may = conn.execute("SELECT pg_has_role(current_user, %s, %s)", [role, right]).fetchone()
        if may is not None and not may[0]:
            conn.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    ours, theirs = sql.Identifier(db.schema), sql.Identifier(db.homepot_schema)
    reader, writer = sql.Identifier(db.reader_role), sql.Identifier(db.writer_role)
    for statement in (
        "GRANT USAGE ON SCHEMA {ours} TO {reader}, {writer}",
        "GRANT USAGE ON SCHEMA {theirs} TO {reader}, {writer}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {ours} TO {reader}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {ours} TO {writer}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {ours} TO {writer}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {ours} TO {writer}",
        # What was done is not rewritten; only retention takes it away, archived.
        "REVOKE UPDATE ON {ours}.ai_audit_log FROM {writer}",
        # Partitions made later must be readable as well.
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {ours} GRANT SELECT ON TABLES TO {reader}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {ours} "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {writer}",
    ):
        conn.execute(sql.SQL(statement).format(ours=ours, theirs=theirs, reader=reader, writer=writer))
    # Only the owner says what people's addresses are sealed with. (An older version has no such table.)
    if conn.execute("SELECT to_regclass(%s)", [f'"{db.schema}".ai_sealing']).fetchone() != (None,):
        statement = "REVOKE INSERT, UPDATE, DELETE ON {ours}.ai_sealing FROM {writer}"
        conn.execute(sql.SQL(statement).format(ours=ours, writer=writer))
    from homepot_ai.fleet.schema import PEOPLE_COLUMNS, READ_TABLES

    for table, columns in PEOPLE_COLUMNS.items():
        qualified = sql.Identifier(db.homepot_schema, table)
        if conn.execute("SELECT to_regclass(%s)", [f"{db.homepot_schema}.{table}"]).fetchone() == (None,):
            continue
        # These columns and no others: beside them lie password hashes.
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        conn.execute(sql.SQL("GRANT SELECT ({}) ON {} TO {}, {}").format(listed, qualified, reader, writer))
    for table in READ_TABLES:
        qualified = sql.Identifier(db.homepot_schema, table)
        if conn.execute("SELECT to_regclass(%s)", [f"{db.homepot_schema}.{table}"]).fetchone() == (None,):
            continue
        _may_read(conn, db, table, sql.SQL(", ").join([reader, writer]))
        if table == "alerts":
            conn.execute(sql.SQL("GRANT INSERT, UPDATE ON {} TO {}").format(qualified, writer))
            sequence = conn.execute(
                "SELECT pg_get_serial_sequence(%s, 'id')", [f"{db.homepot_schema}.alerts"]
            ).fetchone()
            if sequence is not None and sequence[0] is not None:
                schema, _, name_ = str(sequence[0]).partition(".")
                conn.execute(
                    sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(sql.Identifier(schema, name_), writer)
                )
    return notes


def _may_read(conn: Connection, db: Database, table: str, roles: sql.Composed) -> None:
    """Let roles read a table of HOMEPOT's, but none of its columns that hold what opens something."""
    listed = conn.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum",
        [f'"{db.homepot_schema}"."{table}"'],
    ).fetchall()
    columns = [str(name) for (name,) in listed]
    harmless = [name for name in columns if not SECRET_COLUMN.search(name)]
    names = {"table": sql.Identifier(db.homepot_schema, table), "roles": roles}
    if harmless == columns:
        conn.execute(sql.SQL("GRANT SELECT ON {table} TO {roles}").format(**names))
        return
    # A right to the whole table, which an earlier version gave, would cover every column.
    conn.execute(sql.SQL("REVOKE SELECT ON {table} FROM {roles}").format(**names))
    conn.execute(
        sql.SQL("GRANT SELECT ({columns}) ON {table} TO {roles}").format(
            columns=sql.SQL(", ").join(map(sql.Identifier, harmless)), **names
        )
    )


# What our readers would like on HOMEPOT's tables: (name, table, definition). Never an index on what a
# json column holds: a value that PostgreSQL cannot take out of it would make HOMEPOT's own INSERT fail.
_INDEXES = (("ai_health_checks_device_time", "health_checks", "(device_id, timestamp)"),)


def _add_indexes(db: Database) -> list[str]:
    notes = []
    with psycopg.connect(db.url, autocommit=True) as conn:  # CONCURRENTLY refuses a transaction
        for name, table, definition in _INDEXES:
            where = sql.Identifier(db.homepot_schema, table)
            valid = conn.execute(
                "SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(%s)",
                [f'"{db.homepot_schema}"."{name}"'],
            ).fetchone()
            if valid == (True,):
                continue
            try:
                if valid == (False,):  # an earlier build was interrupted: it would never be used
                    conn.execute(
                        sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(db.homepot_schema, name))
                    )
                conn.execute(
                    sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} " + definition).format(
                        sql.Identifier(name), where
                    )
                )
                notes.append(f"index {name} on {table} built")
            except psycopg.Error as error:
                notes.append(f"index {name} on {table} could not be built: {str(error).strip()}")
    return notes
