"""The door to PostgreSQL: a few ways in, each with only the rights that it needs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import psycopg
from psycopg import sql

from homepot_ai.errors import DatabaseNewer, DatabaseUnreachable, NotMigrated
from homepot_ai.store import sealing
from homepot_ai.store.sealing import Keys

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

CONNECT_TIMEOUT_S = 10
#: Made by the newest migration: where it is missing, that one was not run.
NEWEST_TABLE = "ai_watch_alarms"
#: The newest migration that this program knows.
NEWEST_VERSION = "0009"

NO_KEYS = Keys()

Connection = psycopg.Connection[tuple[Any, ...]]


def without_secrets(message: str, url: str) -> str:
    """A message of the driver without any part of the address that may be a password.

    A password with a `/` or `@` that nobody escaped is taken for a host or a port, and quoted as such.

    >>> without_secrets('could not resolve "word@db"', "postgresql://ann:pass@word@db/homepot")
    'could not resolve "…@db"'
    """
    _, _, rest = url.partition("://")
    _, _, secret = rest.rpartition("@")[0].partition(":")
    given = re.findall(r"password=([^&\s]+)", url)
    parts = {
        part for text in (secret, *given) for part in re.split(r"[:@/?&=#\s]+", unquote(text) + "@" + text)
    }
    for part in sorted(parts - {""}, key=len, reverse=True):
        message = message.replace(part, "…")
    return message


class Database:
    """One PostgreSQL database holding HOMEPOT's tables and ours.

    Args:
        url: libpq connection string.
        schema: our tables' schema (a pod has another).
        homepot_schema: where HOMEPOT's tables lie.
        keys: that people's addresses are sealed with.
    """

    def __init__(
        self,
        url: str,
        schema: str = "homepot_ai",
        homepot_schema: str = "public",
        keys: Keys = NO_KEYS,
    ) -> None:
        self.url = url
        self.keys = keys
        self.schema = schema
        self.homepot_schema = homepot_schema

    def __repr__(self) -> str:
        # The url may hold a password: never in a log line or a traceback.
        return f"Database(schema={self.schema!r}, homepot_schema={self.homepot_schema!r})"

    @classmethod
    def from_settings(cls, settings: Settings) -> Database:
        """The configured database, or the embedded one if it is running.

        Raises:
            DatabaseUnreachable: no address is configured and the embedded server is down.
        """
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            from homepot_ai.store import embedded

            running = embedded.running_url(settings.var_dir)
            if running is None:
                raise DatabaseUnreachable(
                    f"the embedded PostgreSQL under {settings.var_dir} is not running: start it with "
                    "`homepot-ai up`, or set HOMEPOT_AI_DATABASE_URL to use another"
                )
            url = running
        return cls(
            url,
            settings.database.schema_name,
            settings.database.homepot_schema,
            Keys.from_settings(settings.security),
        )

    @property
    def reader_role(self) -> str:
        """May SELECT from HOMEPOT's tables and ours, nothing else."""
        return f"{self.schema}_reader"

    @property
    def writer_role(self) -> str:
        """May write our tables and insert into and update HOMEPOT's `alerts`."""
        return f"{self.schema}_writer"

    @property
    def asker_role(self) -> str:
        """May SELECT from the views that questions read, nothing else."""
        return f"{self.schema}_asker"

    @property
    def asking_schema(self) -> str:
        """Where those views lie."""
        return f"{self.schema}_ask"

    @contextmanager
    def asker(self, sites: Collection[int] | None, *, timeout_s: float = 5.0) -> Iterator[Connection]:
        """A read-only transaction in which a question is answered.

        Args:
            sites: what the asker may see; None: everything.
            timeout_s: seconds that one statement may take.
        """
        from homepot_ai.store import asking

        with self._connect() as conn, asking.transaction(self, conn, sites, timeout_s=timeout_s):
            yield conn

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A read-only transaction with the reader's rights; one snapshot for all its queries."""
        with self._connect() as conn:
            conn.read_only = True
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._assume(conn, self.reader_role)
            yield conn

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """One transaction with the writer's rights: committed at the end, rolled back on an error."""
        with self._connect() as conn:
            self._assume(conn, self.writer_role)
            yield conn

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection without a transaction, with the reader's rights: for locks that it holds."""
        with self._connect() as conn:
            conn.autocommit = True
            self._assume(conn, self.reader_role)
            # A machine that lost its power says no good-bye: its locks are freed after a minute.
            conn.execute(
                "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
            )
            yield conn

    @contextmanager
    def admin(self) -> Iterator[Connection]:
        """One transaction with the login's own rights: migrations, sample data and tests only."""
        with self._connect() as conn:
            if conn.execute("SELECT to_regclass('ai_sealing')").fetchone() != (None,):
                sealing.enter(conn)
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction with the login's own rights, all of it of the moment of its first query."""
        with self._connect() as conn:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            conn.read_only = True
            yield conn

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._open() as conn:
            yield conn

    def _open(self) -> Connection:
        """A new connection that looks where we look, with the login's own rights."""
        try:
            conn = psycopg.connect(self.url, connect_timeout=CONNECT_TIMEOUT_S, application_name="homepot-ai")
        except psycopg.OperationalError as error:
            said = without_secrets(str(error).strip(), self.url)
            raise DatabaseUnreachable(
                f"PostgreSQL does not answer or refuses the login ({said}); check "
                "HOMEPOT_AI_DATABASE_URL and that the server runs"
            ) from None  # the driver's own words may quote the address
        except psycopg.ProgrammingError:
            raise DatabaseUnreachable(
                "HOMEPOT_AI_DATABASE_URL is no address that PostgreSQL's library reads: write "
                "postgresql://user:password@host/database, and each special character of the password as %XX"
            ) from None
        # Half of HOMEPOT's tables hold naive UTC: any other session zone would shift them.
        conn.execute("SET TimeZone = 'UTC'")
        conn.execute(
            sql.SQL("SET search_path = {}, {}").format(
                sql.Identifier(self.schema), sql.Identifier(self.homepot_schema)
            )
        )
        conn.commit()
        sealing.adapt(conn, self.keys)
        return conn

    def version(self, conn: Connection) -> str | None:
        """The migration that our tables are at; None when they are not there."""
        # HOMEPOT has a table of this name as well.
        if conn.execute("SELECT to_regclass(%s)", [f"{self.schema}.alembic_version"]).fetchone() == (None,):
            return None
        row = conn.execute(
            sql.SQL("SELECT version_num FROM {}.alembic_version").format(sql.Identifier(self.schema))
        ).fetchone()
        return None if row is None else str(row[0])

    def _assume(self, conn: Connection, role: str) -> None:
        try:
            conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            # Roles belong to the whole server: another database may have made them.
            first, newest = conn.execute(
                "SELECT to_regclass('ai_health_scores'), to_regclass(%s)", [NEWEST_TABLE]
            ).fetchone() or (None, None)
            if first is None:
                raise NotMigrated(
                    f"the database has no schema {self.schema!r} of ours: run `homepot-ai db upgrade`"
                )
            if newest is None:
                raise NotMigrated(
                    "the database is at an older version than this program: run `homepot-ai db upgrade`"
                )
            require_not_newer(self.version(conn))
            sealing.enter(conn)
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue) as error:
            raise NotMigrated(
                f"the database role {role!r} does not exist: run `homepot-ai db upgrade`"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotMigrated(
                f"the login may not act as {role!r}: run `homepot-ai db upgrade` as the owner, "
                f'or GRANT "{role}" to the login'
            ) from error


def require_not_newer(version: str | None) -> None:
    """Refuse tables that a newer program has migrated.

    >>> require_not_newer(NEWEST_VERSION)  # nothing to say

    Raises:
        DatabaseNewer: it is one; the message says what can be done.
    """
    if version is not None and version > NEWEST_VERSION:
        raise DatabaseNewer(
            f"the database was migrated to version {version} by a newer homepot-ai; this one knows versions "
            f"up to {NEWEST_VERSION} and does nothing with it: start the newer one (on every machine), or "
            "restore the backup from before the upgrade (docs/deploy.md, Downgrade)"
        )
