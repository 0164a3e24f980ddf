"""The spine: scores, anomalies, hours, scoring state, events, reports, mail, settings, audit."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TYPE health_status AS ENUM
       ('healthy', 'warning', 'critical', 'no_data', 'in_maintenance', 'not_scored')""",
    """CREATE TYPE unscored_reason AS ENUM
       ('new_device', 'too_few_samples', 'stale', 'excluded', 'silent', 'engine_error')""",
    # One row per device and minute, 14 million a day at 10 000 devices: narrow, partitioned by UTC day.
    """CREATE TABLE ai_health_scores (
         device_id integer NOT NULL,
         at timestamptz NOT NULL,
         score real CHECK (score BETWEEN 0 AND 1),
         status health_status NOT NULL,
         reason unscored_reason,
         sample_count smallint NOT NULL,
         data_age_seconds real,
         factors jsonb,
         PRIMARY KEY (device_id, at),
         CHECK (status NOT IN ('healthy', 'warning', 'critical') OR score IS NOT NULL),
         CHECK (status NOT IN ('no_data', 'not_scored') OR score IS NULL)
       ) PARTITION BY RANGE (at)""",
    "CREATE INDEX ai_health_scores_at ON ai_health_scores USING brin (at)",
    # Only a table's owner may add or drop its partitions. These two functions lend the writer
    # exactly that, and nothing more.
    """CREATE FUNCTION ai_make_score_partitions(first date, last date) RETURNS integer
       LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
       DECLARE day date; made integer := 0;
       BEGIN
         PERFORM pg_advisory_xact_lock(hashtext('ai_health_scores partitions'));
         FOR day IN SELECT generate_series(first, last, interval '1 day')::date LOOP
           IF to_regclass(format('ai_health_scores_%s', to_char(day, 'YYYYMMDD'))) IS NULL THEN
             EXECUTE format(
               'CREATE TABLE ai_health_scores_%s PARTITION OF ai_health_scores FOR VALUES FROM (%L) TO (%L)',
               to_char(day, 'YYYYMMDD'),
               day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
             made := made + 1;
           END IF;
         END LOOP;
         RETURN made;
       END $$""",
    """CREATE FUNCTION ai_drop_score_partition(day date) RETURNS boolean
       LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
       BEGIN
         IF to_regclass(format('ai_health_scores_%s', to_char(day, 'YYYYMMDD'))) IS NULL THEN
           RETURN false;
         END IF;
         EXECUTE format('DROP TABLE ai_health_scores_%s', to_char(day, 'YYYYMMDD'));
         RETURN true;
       END $$""",
    "REVOKE ALL ON FUNCTION ai_make_score_partitions(date, date), ai_drop_score_partition(date) FROM PUBLIC",
    """CREATE TABLE ai_anomaly_logs (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_id integer NOT NULL,
         health_score real,
         status text NOT NULL CHECK (status IN ('open', 'closed')),
         metrics jsonb NOT NULL,
         created_at timestamptz NOT NULL,
         started_at timestamptz NOT NULL,
         ended_at timestamptz,
         severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
         metric text,
         observed double precision,
         expected_low double precision,
         expected_high double precision,
         initial_score real,
         peak_score real,
         provenance text,
         mark boolean,
         UNIQUE (device_id, started_at),
         CHECK ((status = 'open') = (ended_at IS NULL))
       )""",
    "CREATE INDEX ai_anomaly_logs_started ON ai_anomaly_logs (started_at)",
    "CREATE INDEX ai_anomaly_logs_open ON ai_anomaly_logs (device_id) WHERE status = 'open'",
    """CREATE TABLE ai_metric_hours (
         device_id integer NOT NULL,
         hour timestamptz NOT NULL,
         metrics text[] NOT NULL,
         n integer[] NOT NULL,
         mean real[] NOT NULL,
         min real[] NOT NULL,
         max real[] NOT NULL,
         last real[] NOT NULL,
         PRIMARY KEY (device_id, hour)
       )""",
    "CREATE INDEX ai_metric_hours_hour ON ai_metric_hours USING brin (hour)",
    # kind live: one version, moved every minute; kind snapshot: what a past minute is scored from.
    # part -1 is the fast state, 0.. are time-of-day slots, so that a minute reads only what it touches.
    """CREATE TABLE ai_baselines (
         shard integer NOT NULL,
         kind text NOT NULL CHECK (kind IN ('live', 'snapshot')),
         at timestamptz NOT NULL,
         part smallint NOT NULL,
         version bigint NOT NULL,
         payload bytea NOT NULL,
         checksum text NOT NULL,
         created_at timestamptz NOT NULL,
         PRIMARY KEY (shard, kind, at, part)
       )""",
    "CREATE UNIQUE INDEX ai_baselines_live ON ai_baselines (shard, part) WHERE kind = 'live'",
    # Payloads are arrays of floats that hardly compress: the attempt would cost more than the write.
    "ALTER TABLE ai_baselines ALTER COLUMN payload SET STORAGE EXTERNAL",
    # The live state is rewritten every minute: vacuum it often, or it grows.
    """ALTER TABLE ai_baselines SET (
         autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20,
         toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000,
         toast.autovacuum_vacuum_cost_delay = 0)""",
    """CREATE TABLE ai_scoring_minutes (
         shard integer NOT NULL,
         at timestamptz NOT NULL,
         devices integer NOT NULL,
         healthy integer NOT NULL,
         warning integer NOT NULL,
         critical integer NOT NULL,
         no_data integer NOT NULL,
         in_maintenance integer NOT NULL,
         not_scored integer NOT NULL,
         rows_read integer NOT NULL,
         rejected jsonb NOT NULL,
         seconds real NOT NULL,
         scored_at timestamptz NOT NULL,
         PRIMARY KEY (shard, at)
       )""",
    """CREATE TABLE ai_event_cache (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_id integer NOT NULL,
         at timestamptz NOT NULL,
         kind text NOT NULL CHECK (kind IN
           ('anomaly', 'status_change', 'error_burst', 'failed_job', 'configuration_change')),
         key text NOT NULL,
         summary text NOT NULL,
         details jsonb,
         expires_at timestamptz NOT NULL,
         UNIQUE (device_id, kind, at, key)
       )""",
    "CREATE INDEX ai_event_cache_device ON ai_event_cache (device_id, at DESC)",
    "CREATE INDEX ai_event_cache_expiry ON ai_event_cache (expires_at)",
    """CREATE TABLE ai_site_settings (
         site_id integer PRIMARY KEY,
         timezone text NOT NULL,
         locale text,
         cost_rates jsonb,
         alert_budget_per_day real,
         updated_at timestamptz NOT NULL DEFAULT now()
       )""",
    """CREATE TABLE ai_device_settings (
         device_id integer PRIMARY KEY,
         gateway_device_id integer,
         excluded boolean NOT NULL DEFAULT false,
         updated_at timestamptz NOT NULL DEFAULT now()
       )""",
    """CREATE TABLE ai_subscriptions (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         email text NOT NULL,
         kind text NOT NULL CHECK (kind IN ('daily', 'weekly', 'monthly', 'incident', 'alert')),
         scope text NOT NULL CHECK (scope IN ('fleet', 'site', 'device')),
         scope_id integer,
         mode text NOT NULL CHECK (mode IN ('maintenance', 'predictive', 'executive')),
         timezone text,
         locale text,
         active boolean NOT NULL DEFAULT true,
         created_at timestamptz NOT NULL DEFAULT now(),
         UNIQUE NULLS NOT DISTINCT (email, kind, scope, scope_id),
         CHECK ((scope = 'fleet') = (scope_id IS NULL))
       )""",
    """CREATE TABLE ai_reports (
         report_id text NOT NULL,
         revision integer NOT NULL,
         report_type text NOT NULL,
         scope text NOT NULL,
         site_id integer,
         device_id integer,
         period_start timestamptz NOT NULL,
         period_end timestamptz NOT NULL,
         timezone text NOT NULL,
         mode text NOT NULL,
         content jsonb NOT NULL,
         facts_hash text NOT NULL,
         pdf bytea NOT NULL,
         template_version text NOT NULL,
         generated_at timestamptz NOT NULL,
         recipients jsonb NOT NULL,
         differences jsonb,
         PRIMARY KEY (report_id, revision)
       )""",
    "CREATE INDEX ai_reports_generated ON ai_reports (generated_at)",
    """CREATE TABLE ai_mail_outbox (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         key text NOT NULL UNIQUE,
         kind text NOT NULL CHECK (kind IN ('report', 'alert')),
         reference text NOT NULL,
         recipient text NOT NULL,
         subject text NOT NULL,
         message_id text NOT NULL UNIQUE,
         payload bytea NOT NULL,
         state text NOT NULL DEFAULT 'queued' CHECK (state IN
           ('queued', 'claimed', 'in_data', 'sent', 'failed', 'unknown', 'dropped')),
         attempts integer NOT NULL DEFAULT 0,
         not_before timestamptz NOT NULL DEFAULT now(),
         claimed_by text,
         claimed_at timestamptz,
         last_answer text,
         created_at timestamptz NOT NULL DEFAULT now(),
         sent_at timestamptz
       )""",
    """CREATE INDEX ai_mail_outbox_due ON ai_mail_outbox (not_before)
       WHERE state IN ('queued', 'claimed', 'in_data')""",
    """CREATE TABLE ai_service_checks (
         service text PRIMARY KEY,
         state text NOT NULL CHECK (state IN ('ok', 'degraded', 'down')),
         detail text NOT NULL,
         checked_at timestamptz NOT NULL,
         since timestamptz NOT NULL
       )""",
    """CREATE TABLE ai_audit_log (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         at timestamptz NOT NULL DEFAULT now(),
         actor text NOT NULL,
         action text NOT NULL,
         subject text NOT NULL,
         purpose text,
         details jsonb
       )""",
    "CREATE INDEX ai_audit_log_at ON ai_audit_log (at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError(
        "the first version cannot be taken back by a migration: drop the schema if you really want to lose it"
    )
