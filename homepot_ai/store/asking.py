"""What questions may read: a schema of views, a role that sees nothing else, and only its sites' rows.

Every view bears the name of the table behind it, so that any reader's SQL runs on the views as it stands: for
the asker the search path ends there. Which sites an asker may see is a setting of the transaction, and each
view asks for it: a query cannot forget it, and where nobody set it there are no rows at all.

HOMEPOT's tables stand behind functions, which do not bind them: HOMEPOT may change its tables at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, LiteralString

import psycopg
from psycopg import sql

from homepot_ai.errors import NotMigrated
from homepot_ai.store import sealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homepot_ai.store.database import Connection, Database

#: The transaction's setting: "*", or the numbers of sites, with commas.
SITES_SETTING = "homepot_ai.sites"
EVERYTHING = "*"

Keeper = Literal["device", "site", "incident", "anomaly", "scope", "open", "fleet"]
# How rows are kept back from who may not see all. A subquery per statement, not per row.
_KEPT: Mapping[Keeper, LiteralString] = {
    "device": "device_id IN (SELECT allowed_devices())",
    "site": "site_id IN (SELECT allowed_sites())",
    "incident": "incident_id IN (SELECT id FROM {ours}.ai_incidents "
    "WHERE site_id IN (SELECT allowed_sites()))",
    "anomaly": "anomaly_id IN (SELECT id FROM {ours}.ai_anomaly_logs "
    "WHERE device_id IN (SELECT allowed_devices()))",
    "scope": "(scope = 'site' AND scope_id IN (SELECT allowed_sites()) "
    "OR scope = 'device' AND scope_id IN (SELECT allowed_devices()))",
    "open": "true",
    "fleet": "false",  # only who may see everything
}
# view -> (how its rows are kept, columns; "*": all). No payloads, no prompts, no secrets.
VIEWS: Mapping[str, tuple[Keeper, LiteralString]] = {
    "ai_health_scores": ("device", "*"),
    "ai_health_hours": ("device", "*"),
    "ai_metric_hours": ("device", "*"),
    "ai_anomaly_logs": ("device", "*"),
    "ai_anomaly_marks": ("anomaly", "id, anomaly_id, verdict, marked_by, marked_at"),
    "ai_event_cache": ("device", "*"),
    "ai_device_gaps": ("device", "*"),
    "ai_device_settings": ("device", "*"),
    "ai_device_risks": ("device", "*"),
    "ai_device_outcomes": ("device", "*"),
    "ai_predictions": ("device", "*"),
    "ai_risk_episodes": ("device", "*"),
    "ai_maintenance_schedule": ("device", "*"),
    "ai_site_settings": ("site", "*"),
    "ai_incidents": ("site", "*"),
    "ai_incident_devices": ("device", "*"),
    "ai_incident_anomalies": ("incident", "*"),
    "ai_incident_events": ("incident", "*"),
    "ai_incident_patterns": ("site", "*"),
    "ai_suppressed": ("incident", "*"),
    "ai_actions": ("incident", "*"),
    "ai_alert_messages": ("incident", "*"),
    "ai_windows": ("scope", "*"),
    "ai_subscriptions": ("scope", "email, kind, scope, scope_id, mode, locale, digest, active"),
    "ai_reports": (
        "site",
        "report_id, revision, report_type, scope, site_id, device_id, scope_name, period_start, period_end, "
        "timezone, mode, generated_at",
    ),
    "ai_prediction_rules": ("fleet", "*"),
    "ai_hazard_models": ("fleet", "version, fitted_at, failures, kind, adopted, in_force, reason"),
    "ai_health_rollups": ("open", "*"),
    "ai_scoring_minutes": ("open", "shard, at, seconds, scored_at"),
    "ai_baselines": ("open", "shard, shards, kind, at, part, version, created_at"),
    # The number of a key, not a key: with it the connection knows how to look addresses up.
    "ai_sealing": ("open", "key_id"),
    # What was seen of a service may name addresses.
    "ai_service_checks": ("fleet", "*"),
}

_FUNCTIONS: tuple[LiteralString, ...] = (
    """CREATE OR REPLACE FUNCTION {ask}.allowed_sites() RETURNS SETOF integer
       LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog AS $$
         SELECT id FROM {theirs}.sites
          WHERE current_setting('homepot_ai.sites', true) = '*'
             OR id = ANY (string_to_array(
                  nullif(current_setting('homepot_ai.sites', true), '*'), ',')::integer[])
       $$""",
    """CREATE OR REPLACE FUNCTION {ask}.allowed_devices() RETURNS SETOF integer
       LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog AS $$
         SELECT id FROM {theirs}.devices WHERE site_id IN (SELECT {ask}.allowed_sites())
       $$""",
    """CREATE OR REPLACE FUNCTION {ask}.sites_seen()
       RETURNS TABLE (id integer, site_id text, name text, location text, is_active boolean)
       LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = pg_catalog AS $$
         SELECT id, site_id::text, name::text, location::text, is_active FROM {theirs}.sites
          WHERE id IN (SELECT {ask}.allowed_sites())
       $$""",
    """CREATE OR REPLACE FUNCTION {ask}.devices_seen()
       RETURNS TABLE (id integer, device_id text, name text, device_type text, site_id integer,
                      lifecycle_state text, is_active boolean, is_simulated boolean, firmware_version text,
                      last_heartbeat_at timestamptz, created_at timestamptz)
       LANGUAGE sql STABLE SECURITY DEFINER ROWS 5000 SET search_path = pg_catalog AS $$
         SELECT id, device_id::text, name::text, device_type::text, site_id, lifecycle_state::text, is_active,
                is_simulated, firmware_version::text, last_heartbeat_at, created_at
           FROM {theirs}.devices WHERE site_id IN (SELECT {ask}.allowed_sites())
       $$""",
    # One device by its number, by its index: most questions are about one.
    """CREATE OR REPLACE FUNCTION {ask}.device_seen(wanted integer)
       RETURNS TABLE (id integer, device_id text, name text, device_type text, site_id integer,
                      lifecycle_state text, is_active boolean, is_simulated boolean, firmware_version text,
                      last_heartbeat_at timestamptz, created_at timestamptz)
       LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog AS $$
         SELECT id, device_id::text, name::text, device_type::text, site_id, lifecycle_state::text, is_active,
                is_simulated, firmware_version::text, last_heartbeat_at, created_at
           FROM {theirs}.devices WHERE id = wanted AND site_id IN (SELECT {ask}.allowed_sites())
       $$""",
    """CREATE OR REPLACE FUNCTION {ask}.samples_seen(wanted integer, after timestamp, until timestamp)
       RETURNS TABLE (id bigint, at float8, device_id integer, cpu_percent float8, memory_percent float8,
                      disk_percent float8, network_latency_ms float8, transaction_volume float8,
                      active_connections float8, queue_depth float8, error_rate float8,
                      transaction_count float8, extra_metrics text, provenance text, interval_s float4)
       LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
         SELECT m.id, extract(epoch FROM m.timestamp)::float8, m.device_id, m.cpu_percent, m.memory_percent,
                m.disk_percent, m.network_latency_ms, m.transaction_volume, m.active_connections::float8,
                m.queue_depth::float8, m.error_rate, m.transaction_count::float8, m.extra_metrics::text,
                m.provenance::text, m.collection_interval_seconds::float4
           FROM {theirs}.device_metrics m
          WHERE m.device_id = wanted AND m.timestamp > after AND m.timestamp <= until
            AND EXISTS (SELECT FROM {ask}.device_seen(wanted))
          ORDER BY m.timestamp, m.id
          LIMIT 20000
       $$""",
    """CREATE OR REPLACE FUNCTION {ask}.schedules_seen()
       RETURNS TABLE (site_id integer, day_of_week integer, open_time time, close_time time,
                      is_closed boolean, is_maintenance_window boolean, peak_hours_start time,
                      peak_hours_end time)
       LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
         SELECT site_id, day_of_week, open_time, close_time, is_closed, is_maintenance_window,
                peak_hours_start, peak_hours_end
           FROM {theirs}.site_operating_schedules WHERE site_id IN (SELECT {ask}.allowed_sites())
       $$""",
    """CREATE OR REPLACE FUNCTION {ask}.ai_shard_of(device_id bigint, shards integer) RETURNS integer
       LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {ours}.ai_shard_of(device_id, shards)""",
    "CREATE OR REPLACE VIEW {ask}.sites AS SELECT * FROM {ask}.sites_seen()",
    "CREATE OR REPLACE VIEW {ask}.devices AS SELECT * FROM {ask}.devices_seen()",
)
_SCHEDULES: LiteralString = (
    "CREATE OR REPLACE VIEW {ask}.site_operating_schedules AS SELECT * FROM {ask}.schedules_seen()"
)


def make(db: Database, conn: Connection) -> list[str]:
    """Make the role, its schema, functions and views. Safe to repeat; as the owner of our tables.

    Returns:
        What could not be done, one sentence each.
    """
    names = _names(db)
    notes: list[str] = []
    # A table's new columns are in its view only when that is made anew.
    conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {ask} CASCADE").format(**names))
    conn.execute(sql.SQL("CREATE SCHEMA {ask}").format(**names))
    for statement in (*_FUNCTIONS, _SCHEDULES):
        try:
            with conn.transaction():
                conn.execute(sql.SQL(statement).format(**names))
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            notes.append(f"some questions cannot be answered on this HOMEPOT: {str(error).splitlines()[0]}")
        except psycopg.errors.UndefinedFunction:  # its function is the one that could not be made
            continue
    for name, (keeper, columns) in VIEWS.items():
        kept = sql.SQL(_KEPT[keeper].replace("SELECT allowed", "SELECT {ask}.allowed")).format(**names)
        conn.execute(
            sql.SQL(
                "CREATE VIEW {ask}.{name} AS SELECT {columns} FROM {ours}.{name} "
                "WHERE (SELECT current_setting('homepot_ai.sites', true)) = '*' OR ({kept})"
            ).format(name=sql.Identifier(name), columns=sql.SQL(columns), kept=kept, **names)
        )
    for statement in (
        "GRANT USAGE ON SCHEMA {ask} TO {asker}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {ask} TO {asker}",
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {ask} FROM PUBLIC",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {ask} TO {asker}",
    ):
        conn.execute(sql.SQL(statement).format(**names))
    return notes


def drop(db: Database, conn: Connection) -> None:
    """Drop the views, so that a migration may change the tables behind them."""
    conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {ask} CASCADE").format(**_names(db)))


@contextmanager
def transaction(
    db: Database, conn: Connection, sites: Collection[int] | None, *, timeout_s: float
) -> Iterator[Connection]:
    """One read-only transaction of an asker, on a connection of the login that is as before after it.

    Args:
        sites: what they may see; None: everything; empty: nothing.
        timeout_s: seconds that one statement may take.

    Raises:
        NotMigrated: the role or its views are not there.
    """
    allowed = EVERYTHING if sites is None else ",".join(str(int(site)) for site in sorted(sites))
    names = _names(db)
    with conn.transaction():
        try:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            with conn.transaction():
                conn.execute(sql.SQL("SET LOCAL ROLE {asker}").format(**names))
        except (
            psycopg.errors.UndefinedObject,
            psycopg.errors.InvalidParameterValue,
            psycopg.errors.InsufficientPrivilege,
        ) as error:
            raise NotMigrated(
                f"the role {db.asker_role!r} is missing or the login may not act as it: run "
                "`homepot-ai db upgrade` as the owner of our tables"
            ) from error
        conn.execute(sql.SQL("SET LOCAL search_path = {ask}").format(**names))
        (there,) = conn.execute(
            "SELECT to_regclass('ai_health_hours'), set_config(%s, %s, true), "
            "set_config('statement_timeout', %s, true), set_config('TimeZone', 'UTC', true)",
            [SITES_SETTING, allowed, str(max(1, round(timeout_s * 1000)))],
        ).fetchone()[:1]  # type: ignore[index]
        if there is None:
            raise NotMigrated("the views that questions read are not there: run `homepot-ai db upgrade`")
        sealing.enter(conn)
        yield conn


def _names(db: Database) -> dict[str, sql.Identifier]:
    return {
        "ask": sql.Identifier(db.asking_schema),
        "asker": sql.Identifier(db.asker_role),
        "ours": sql.Identifier(db.schema),
        "theirs": sql.Identifier(db.homepot_schema),
    }
