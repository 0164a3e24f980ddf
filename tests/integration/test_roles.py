"""What each of our database roles may do, and what it is refused: tried on a real server, as a plain login.

The login is none of a superuser and owns nothing: it may only act as one of our roles, as a careful
installation gives it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import LiteralString

import psycopg
import pytest

from homepot_ai.fleet.schema import PEOPLE_COLUMNS, READ_TABLES
from homepot_ai.store import migrate
from homepot_ai.store.database import Connection, Database

ROLES = ("reader", "writer", "asker")
As = Callable[[str], Connection]


@pytest.fixture(scope="module")
def guarded(postgres: str, empty_template: str) -> Iterator[Database]:
    """A database with a stranger's schema in it and three logins, each a member of one role."""
    name = "roles_tried"
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {empty_template}")
        for role in ROLES:
            conn.execute(f"CREATE ROLE roles_tried_{role} LOGIN NOINHERIT IN ROLE homepot_ai_{role}")
    db = Database(postgres.replace("/homepot?", f"/{name}?"))
    with db.admin() as conn:
        conn.execute("CREATE SCHEMA another_pod; CREATE TABLE another_pod.ai_reports (content text)")
        conn.execute("SELECT ai_make_score_partitions('2026-11-20', '2026-11-22')")
    yield db
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for role in ROLES:
            conn.execute(f"DROP ROLE roles_tried_{role}")


@pytest.fixture
def acting(guarded: Database) -> Iterator[As]:
    """A connection of the plain login that acts as its role."""
    opened: list[Connection] = []

    def as_role(role: str) -> Connection:
        url = re.sub(r"//[^@/]*@", f"//roles_tried_{role}@", guarded.url)
        conn = psycopg.connect(url, autocommit=True)
        opened.append(conn)
        conn.execute("SET search_path = homepot_ai, public")
        conn.execute(f"SET ROLE homepot_ai_{role}")
        return conn

    yield as_role
    for conn in opened:
        conn.close()


#: Refused to every role: other people's data, passwords, the machine, and more rights.
FORBIDDEN = {
    "another pod's schema": "SELECT * FROM another_pod.ai_reports",
    "writing another pod's schema": "INSERT INTO another_pod.ai_reports VALUES ('x')",
    "password hashes of people": "SELECT hashed_password FROM public.users",
    "keys of people": "SELECT api_key FROM public.users",
    "the whole of users": "SELECT * FROM public.users",
    "keys of devices": "SELECT api_key_hash FROM public.devices",
    "what enrols a device": "SELECT enrollment_token FROM public.devices",
    "push tokens": "SELECT push_token FROM public.devices",
    "keys of sites": "SELECT bootstrap_key_hash FROM public.sites",
    "credentials of devices": "SELECT * FROM public.device_credentials",
    "password hashes of the server": "SELECT rolpassword FROM pg_authid",
    "a device's name": "UPDATE public.devices SET name = 'x'",
    "a device": "DELETE FROM public.devices",
    "a sample": "INSERT INTO public.device_metrics (timestamp, device_id) VALUES (now(), 1)",
    "an alert's end": "DELETE FROM public.alerts",
    "emptying a table": "TRUNCATE homepot_ai.ai_audit_log",
    "rewriting the audit log": "UPDATE homepot_ai.ai_audit_log SET actor = 'somebody else'",
    "a table of ours": "DROP TABLE homepot_ai.ai_reports",
    "its columns": "ALTER TABLE homepot_ai.ai_reports ADD COLUMN x text",
    "a new table of ours": "CREATE TABLE homepot_ai.mine (x text)",
    "a new table of HOMEPOT's": "CREATE TABLE public.mine (x text)",
    "a new schema": "CREATE SCHEMA mine",
    "a new function": "CREATE FUNCTION homepot_ai.f() RETURNS int LANGUAGE sql RETURN 1",
    "a trigger": "CREATE TRIGGER t BEFORE UPDATE ON homepot_ai.ai_audit_log FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "an extension": "CREATE EXTENSION vector",
    "files of the server": "SELECT pg_read_file('postgresql.conf')",
    "folders of the server": "SELECT pg_ls_dir('.')",
    "large objects out of files": "SELECT lo_import('/etc/passwd')",
    "a program": "COPY (SELECT 1) TO PROGRAM 'id'",
    "a program's output": "COPY homepot_ai.ai_audit_log FROM PROGRAM 'id'",
    "writing a file": "COPY (SELECT 1) TO '/tmp/x'",
    "the server's settings": "ALTER SYSTEM SET log_statement = 'all'",
    "reloading it": "SELECT pg_reload_conf()",
    "ending others' sessions": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename = 'postgres'",
    "a new role": "CREATE ROLE mine",
    "more rights": "ALTER ROLE CURRENT_USER SUPERUSER",
    "the superuser": "SET ROLE postgres",
    "passing rights on": "GRANT homepot_ai_writer TO roles_tried_reader",
}


def allowed(conn: Connection, tried: Mapping[str, LiteralString]) -> list[str]:
    """What of it was done; an error of another kind than a refusal is one of the test."""
    done = []
    for what, statement in tried.items():
        try:
            conn.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            continue
        done.append(what)
    return done


@pytest.mark.parametrize("role", ROLES)
def test_what_no_role_may(role: str, acting: As) -> None:
    assert allowed(acting(role), FORBIDDEN) == []


@pytest.mark.parametrize("role", ROLES)
def test_nobody_passes_rights_on(role: str, acting: As, guarded: Database) -> None:
    # PostgreSQL only warns of a GRANT by somebody who has the right but may not pass it on: nothing is given.
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        acting(role).execute("GRANT SELECT ON homepot_ai.ai_reports, homepot_ai.ai_api_tokens TO PUBLIC")
    with guarded.admin() as conn:
        given = conn.execute(
            "SELECT relname FROM pg_class, aclexplode(relacl) AS given WHERE given.grantee = 0 "
            "AND relnamespace IN ('homepot_ai'::regnamespace, 'homepot_ai_ask'::regnamespace)"
        ).fetchall()
    assert given == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_not_become_another(role: str, acting: As) -> None:
    for other in {*ROLES} - {role}:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            acting(role).execute(f"SET ROLE homepot_ai_{other}")


#: Refused to those who only read.
NOT_WRITING = {
    "a row of ours": "INSERT INTO homepot_ai.ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')",
    "deleting of ours": "DELETE FROM homepot_ai.ai_reports",
    "an alert": "INSERT INTO public.alerts (timestamp, title, severity, category) "
    "VALUES (now(), 't', 'low', 'system')",
    "a partition": "SELECT homepot_ai.ai_make_score_partitions('2026-12-01', '2026-12-01')",
    "dropping one": "SELECT homepot_ai.ai_drop_score_partition('2026-11-21')",
}
#: Refused to who answers questions: it sees its views, and nothing behind them.
NOT_ASKED = {
    "hashes of tokens": "SELECT * FROM homepot_ai.ai_api_tokens",
    "the audit log": "SELECT * FROM homepot_ai.ai_audit_log",
    "mails": "SELECT * FROM homepot_ai.ai_mail_outbox",
    "reports behind the view": "SELECT * FROM homepot_ai.ai_reports",
    "a score's partition": "SELECT * FROM homepot_ai.ai_health_scores_20261121",
    "HOMEPOT's devices": "SELECT id FROM public.devices",
    "HOMEPOT's people": "SELECT email FROM public.users",
}


@pytest.mark.parametrize("role", ["reader", "asker"])
def test_who_reads_does_not_write(role: str, acting: As) -> None:
    assert allowed(acting(role), NOT_WRITING) == []


def test_who_asks_sees_only_the_views(acting: As) -> None:
    assert allowed(acting("asker"), NOT_ASKED) == []


def test_each_role_may_do_its_work(acting: As) -> None:
    reader, writer, asker = (acting(role) for role in ROLES)
    reader.execute("SELECT id, email, is_active, is_admin FROM users")
    # Partitions made later are covered, whoever makes them.
    writer.execute("SELECT ai_make_score_partitions('2026-12-01', '2026-12-01')")
    for conn in (reader, writer):
        conn.execute("SELECT * FROM ai_health_scores_20261121, ai_health_scores_20261201")
        conn.execute("SELECT d.name, s.name FROM devices d, sites s WHERE d.lifecycle_state IS NULL")
    writer.execute("DELETE FROM ai_health_scores_20261201")
    writer.execute("INSERT INTO ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')")
    writer.execute("UPDATE alerts SET status = 'acknowledged' WHERE false")
    asker.execute("SET search_path = homepot_ai_ask")
    assert asker.execute("SELECT count(*) FROM devices").fetchone() == (0,)


def test_rights_are_these_and_no_others(guarded: Database) -> None:
    """Of every table in the database: a right that nobody thought of is seen here."""
    with guarded.admin() as conn:
        found = conn.execute(
            "SELECT c.relnamespace::regnamespace::text, c.relname, a.grantee::regrole::text, "
            "       array_agg(a.privilege_type ORDER BY 1) "
            "FROM pg_class c, aclexplode(c.relacl) a "
            "WHERE a.grantee::regrole::text LIKE 'homepot_ai_%' AND c.relkind IN ('r', 'p', 'v') "
            "GROUP BY 1, 2, 3"
        ).fetchall()
        columns = conn.execute(
            "SELECT DISTINCT attrelid::regclass::text, attname FROM pg_attribute, aclexplode(attacl) a "
            "WHERE a.grantee::regrole::text LIKE 'homepot_ai_%'"
        ).fetchall()
    whole = {"public": {"SELECT"}, "homepot_ai": {"DELETE", "INSERT", "SELECT", "UPDATE"}}
    for schema, table, role, rights in found:
        if role.endswith("_asker"):
            assert (schema, set(rights)) == ("homepot_ai_ask", {"SELECT"}), table
        elif role.endswith("_reader"):
            assert (schema in {"public", "homepot_ai"}, set(rights)) == (True, {"SELECT"}), table
        elif table == "alerts":
            assert set(rights) == {"SELECT", "INSERT", "UPDATE"}
        elif table == "ai_sealing":
            assert set(rights) == {"SELECT"}
        elif table == "ai_audit_log":
            assert set(rights) == {"SELECT", "INSERT", "DELETE"}
        else:
            assert set(rights) == whole[schema], table
        assert schema != "public" or table in READ_TABLES
    by_column = {table.removeprefix("public.") for table, _ in columns}
    assert by_column == {"devices", "sites", "jobs", *PEOPLE_COLUMNS}
    assert [name for _, name in columns if migrate.SECRET_COLUMN.search(name)] == []


def test_what_acts_with_the_owners_rights_is_lent_to_few_and_cannot_be_misled(guarded: Database) -> None:
    with guarded.admin() as conn:
        lent = conn.execute(
            "SELECT proname, proconfig, has_function_privilege('homepot_ai_reader', oid, 'EXECUTE'), "
            "       EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) "
            "               WHERE grantee = 0) "
            "FROM pg_proc WHERE prosecdef AND pronamespace IN "
            "      ('homepot_ai'::regnamespace, 'homepot_ai_ask'::regnamespace)"
        ).fetchall()
    assert len(lent) >= 5
    for name, config, reader, public in lent:
        assert not reader, name
        assert not public, name
        assert {"search_path=homepot_ai, pg_temp", "search_path=pg_catalog"} & set(config), name


def test_an_upgrade_takes_back_what_an_earlier_version_gave(
    clone: Callable[[str], Database], empty_template: str
) -> None:
    db = clone(empty_template)
    with db.admin() as conn:
        conn.execute("GRANT SELECT ON public.devices TO homepot_ai_reader")
        conn.execute("GRANT UPDATE ON homepot_ai.ai_audit_log TO homepot_ai_writer")
    migrate.upgrade(db)
    with db.admin() as conn:
        assert conn.execute(
            "SELECT has_column_privilege('homepot_ai_reader', 'public.devices', 'api_key_hash', 'SELECT'), "
            "has_column_privilege('homepot_ai_reader', 'public.devices', 'name', 'SELECT'), "
            "has_table_privilege('homepot_ai_writer', 'homepot_ai.ai_audit_log', 'UPDATE')"
        ).fetchone() == (False, True, False)


def test_a_plain_login_acts_as_the_roles_that_it_makes(
    postgres: str, clone: Callable[[str], Database]
) -> None:
    """As docs/deploy.md gives it. Since PostgreSQL 16 who makes a role does not become it."""
    source = clone("template0")
    with psycopg.connect(source.url) as conn:
        conn.execute("CREATE ROLE plain_owner; CREATE ROLE plain_login LOGIN CREATEROLE")
        conn.execute("GRANT plain_owner TO plain_login")
        name = conn.info.dbname
        conn.execute(
            f"GRANT CREATE ON DATABASE {name} TO plain_login; ALTER SCHEMA public OWNER TO plain_owner"
        )
        conn.execute("SET ROLE plain_owner; SET search_path = public")
        conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
    db = Database(re.sub(r"//[^@/]*@", "//plain_login@", source.url), schema="plain")
    try:
        for _ in range(2):
            migrate.upgrade(db)
        for role in (db.reader, db.writer):
            with role() as conn:
                assert conn.execute("SELECT count(*) FROM ai_audit_log").fetchone() is not None
        with db.asker(None) as conn:
            assert conn.execute("SELECT current_user").fetchone() == (db.asker_role,)
    finally:
        roles = [db.reader_role, db.writer_role, db.asker_role, "plain_login", "plain_owner"]
        with psycopg.connect(source.url) as conn:
            conn.execute(f"DROP OWNED BY {', '.join(roles)} CASCADE; DROP ROLE {', '.join(roles)}")
