"""The health engine: marks and thresholds, fitted baselines, backtests, shards of a state."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Which shard scores a device: a multiplicative hash, so that no pattern in HOMEPOT's numbers (every
    # second one, every hundredth) ends in one shard. The same as in fleet/shards.py, and never changed:
    # each shard's state holds the devices that it names.
    """CREATE FUNCTION ai_shard_of(device_id bigint, shards integer) RETURNS integer
       LANGUAGE sql IMMUTABLE PARALLEL SAFE
       RETURN (((device_id * 2654435769) >> 16) & 65535) % shards""",
    # What the alarm rested on: decades above the device's routine at its highest, and what opened it.
    """ALTER TABLE ai_anomaly_logs
         ADD COLUMN strength real,
         ADD COLUMN opened_by text CHECK (opened_by IN ('evidence', 'limit', 'signal'))""",
    # A verdict is never overwritten: a new one or its withdrawal is another row.
    """CREATE TABLE ai_anomaly_marks (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         anomaly_id bigint NOT NULL REFERENCES ai_anomaly_logs,
         verdict text NOT NULL CHECK (verdict IN ('true', 'false', 'withdrawn')),
         marked_by text NOT NULL,
         comment text,
         source text NOT NULL DEFAULT 'flow',
         marked_at timestamptz NOT NULL
       )""",
    "CREATE INDEX ai_anomaly_marks_anomaly ON ai_anomaly_marks (anomaly_id, id DESC)",
    # The newest row of a device type is in force: how far marks moved its alarm threshold.
    """CREATE TABLE ai_alarm_thresholds (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_type text NOT NULL,
         offset_decades real NOT NULL,
         marked_true integer NOT NULL,
         marked_false integer NOT NULL,
         reason text NOT NULL,
         decided_by text NOT NULL,
         decided_at timestamptz NOT NULL
       )""",
    "CREATE INDEX ai_alarm_thresholds_type ON ai_alarm_thresholds (device_type, id DESC)",
    # kind fitted: what learn-baselines made; part is the hour of the week, version that of the fit.
    "ALTER TABLE ai_baselines DROP CONSTRAINT ai_baselines_kind_check",
    """ALTER TABLE ai_baselines
         ADD CONSTRAINT ai_baselines_kind_check CHECK (kind IN ('live', 'snapshot', 'fitted')),
         ADD COLUMN shards integer NOT NULL DEFAULT 1""",
    # The fast part of a state changes as a whole every minute. In rows that fill a page it is written five
    # times as fast as in one value, which PostgreSQL would cut in pieces of 2 kB; and it may be of any size.
    """CREATE TABLE ai_baseline_pages (
         shard integer NOT NULL,
         live boolean NOT NULL,
         at timestamptz NOT NULL,
         page integer NOT NULL,
         payload bytea NOT NULL,
         PRIMARY KEY (shard, live, at, page)
       )""",
    "ALTER TABLE ai_baseline_pages ALTER COLUMN payload SET STORAGE PLAIN",
    """ALTER TABLE ai_baseline_pages SET (
         autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
         autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0)""",
    """CREATE TABLE ai_baseline_fits (
         shard integer NOT NULL,
         version integer NOT NULL,
         fitted_at timestamptz NOT NULL,
         data_from timestamptz NOT NULL,
         data_until timestamptz NOT NULL,
         series integer NOT NULL,
         payload_bytes bigint NOT NULL,
         error_new real,
         error_old real,
         error_without real,
         adopted boolean NOT NULL,
         in_force boolean NOT NULL,
         reason text NOT NULL,
         details jsonb NOT NULL,
         PRIMARY KEY (shard, version)
       )""",
    "CREATE UNIQUE INDEX ai_baseline_fits_in_force ON ai_baseline_fits (shard) WHERE in_force",
    """CREATE TABLE ai_backtests (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         asked_at timestamptz NOT NULL,
         asked_by text NOT NULL,
         range_from timestamptz NOT NULL,
         range_until timestamptz NOT NULL,
         site_id integer,
         configurations jsonb NOT NULL,
         result jsonb NOT NULL,
         pdf bytea,
         seconds real NOT NULL
       )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError(
        "marks and fits would be lost: restore a backup from before the migration to really go back"
    )
