"""Predictions: ledger of forecasts, newest risk of each device, what devices went through, visits."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    # A forecast, as it was made. What it was worth is filled in once, when it is due; nothing else changes.
    # reason: daily rows are made for every device at one fixed hour, whatever its risk, and only they make
    # the track record; raised ones are the warnings that people got.
    """CREATE TABLE ai_predictions (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         made_at timestamptz NOT NULL,
         device_id integer NOT NULL,
         site_id integer,
         device_type text,
         provenance text,
         kind text NOT NULL CHECK (kind IN ('failure', 'limit', 'level', 'life')),
         horizon text NOT NULL,
         from_at timestamptz NOT NULL,
         due_at timestamptz NOT NULL,
         metric text NOT NULL DEFAULT '',
         cause text,
         probability real CHECK (probability BETWEEN 0 AND 1),
         low double precision,
         mid double precision,
         high double precision,
         unit text,
         coverage real CHECK (coverage > 0 AND coverage < 1),
         base_rate real CHECK (base_rate BETWEEN 0 AND 1),
         forecaster text NOT NULL,
         version text NOT NULL,
         reason text NOT NULL CHECK (reason IN ('daily', 'raised', 'on_demand')),
         facts jsonb NOT NULL DEFAULT '{}',
         settled_at timestamptz,
         outcome text CHECK (outcome IN ('happened', 'did_not', 'censored')),
         observed double precision,
         observed_at timestamptz,
         score double precision,
         UNIQUE (device_id, made_at, kind, metric, horizon, forecaster),
         CHECK (due_at > made_at AND from_at >= made_at AND due_at > from_at),
         CHECK ((settled_at IS NULL) = (outcome IS NULL)),
         CHECK (kind <> 'failure' OR probability IS NOT NULL),
         CHECK (kind = 'failure' OR mid IS NOT NULL)
       )""",
    "CREATE INDEX ai_predictions_due ON ai_predictions (due_at) WHERE settled_at IS NULL",
    "CREATE INDEX ai_predictions_settled ON ai_predictions (settled_at) WHERE settled_at IS NOT NULL",
    "CREATE INDEX ai_predictions_device ON ai_predictions (device_id, made_at DESC)",
    # The newest hourly judgement of each device.
    """CREATE TABLE ai_device_risks (
         device_id integer PRIMARY KEY,
         at timestamptz NOT NULL,
         level text NOT NULL CHECK (level IN ('unknown', 'low', 'moderate', 'high', 'critical')),
         cause text,
         metric text,
         p_24h real,
         p_7d real,
         p_30d real,
         forecaster text,
         version text,
         when_low timestamptz,
         when_mid timestamptz,
         when_high timestamptz,
         life_low real,
         life_mid real,
         life_high real,
         refused text,
         action text,
         facts jsonb NOT NULL DEFAULT '{}',
         raised_at timestamptz,
         CHECK ((level = 'unknown') = (refused IS NOT NULL))
       )""",
    # A stretch in which one cause held a device at high or critical risk: told once.
    """CREATE TABLE ai_risk_episodes (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_id integer NOT NULL,
         site_id integer,
         cause text NOT NULL,
         level text NOT NULL CHECK (level IN ('high', 'critical')),
         raised_at timestamptz NOT NULL,
         last_at timestamptz NOT NULL,
         lower_since timestamptz,
         ended_at timestamptz,
         due_at timestamptz NOT NULL,
         probability real,
         action text,
         prediction_id bigint REFERENCES ai_predictions ON DELETE SET NULL,
         alerted_at timestamptz,
         facts jsonb NOT NULL DEFAULT '{}',
         outcome text CHECK (outcome IN ('came_true', 'averted', 'false_alarm', 'censored')),
         happened_at timestamptz,
         settled_at timestamptz,
         CHECK ((outcome IS NULL) = (settled_at IS NULL)),
         CHECK (due_at > raised_at)
       )""",
    "CREATE UNIQUE INDEX ai_risk_episodes_live ON ai_risk_episodes (device_id, cause) WHERE ended_at IS NULL",
    "CREATE INDEX ai_risk_episodes_untold ON ai_risk_episodes (id) WHERE alerted_at IS NULL",
    # What devices went through, out of incidents, state history and people: what forecasts are settled
    # against and models learn from. It stays when its source is past its retention.
    """CREATE TABLE ai_device_outcomes (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_id integer NOT NULL,
         at timestamptz NOT NULL,
         ended_at timestamptz,
         kind text NOT NULL CHECK (kind IN ('failure', 'replaced', 'maintained', 'retired')),
         cause text,
         source text NOT NULL CHECK (source IN ('incident', 'state_history', 'visit', 'person')),
         reference text NOT NULL,
         comment text,
         recorded_by text NOT NULL,
         recorded_at timestamptz NOT NULL,
         changed_at timestamptz NOT NULL,
         withdrawn_at timestamptz,
         withdrawn_by text,
         UNIQUE (source, reference, device_id, kind)
       )""",
    "CREATE INDEX ai_device_outcomes_device ON ai_device_outcomes (device_id, at)",
    "CREATE INDEX ai_device_outcomes_changed ON ai_device_outcomes (changed_at)",
    # The course of the days before a failure is a pattern in memory: one per failure.
    "ALTER TABLE ai_incident_patterns ADD COLUMN outcome_id bigint UNIQUE REFERENCES ai_device_outcomes",
    # What the settled forecasts teach, once a day: from where on a device is at risk, who is believed,
    # and the record itself as it stood.
    """CREATE TABLE ai_prediction_rules (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         made_at timestamptz NOT NULL UNIQUE,
         thresholds jsonb NOT NULL,
         leaders jsonb NOT NULL,
         record jsonb NOT NULL
       )""",
    # Failure models: one row per fit, the newest adopted one in force; why, beside what.
    """CREATE TABLE ai_hazard_models (
         version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         fitted_at timestamptz NOT NULL,
         data_from timestamptz NOT NULL,
         data_until timestamptz NOT NULL,
         devices integer NOT NULL,
         device_days bigint NOT NULL,
         failures integer NOT NULL,
         kind text NOT NULL CHECK (kind IN ('prior', 'learned')),
         payload bytea,
         checksum text,
         scores jsonb NOT NULL,
         adopted boolean NOT NULL,
         in_force boolean NOT NULL,
         reason text NOT NULL
       )""",
    "CREATE UNIQUE INDEX ai_hazard_models_in_force ON ai_hazard_models (in_force) WHERE in_force",
    # Visits: what is proposed for one device; rows of one site that share visit_at are one visit.
    """CREATE TABLE ai_maintenance_schedule (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_id integer NOT NULL,
         site_id integer,
         cause text NOT NULL,
         episode_id bigint REFERENCES ai_risk_episodes ON DELETE SET NULL,
         prediction_id bigint REFERENCES ai_predictions ON DELETE SET NULL,
         visit_at timestamptz NOT NULL,
         visit_until timestamptz NOT NULL,
         needed_by timestamptz,
         timezone text NOT NULL,
         state text NOT NULL CHECK (state IN ('proposed', 'accepted', 'declined', 'done', 'lapsed')),
         reason text NOT NULL,
         action text NOT NULL,
         level text NOT NULL CHECK (level IN ('low', 'moderate', 'high', 'critical')),
         probability real,
         cost numeric(12, 2),
         cost_if_not numeric(12, 2),
         currency text,
         cost_basis jsonb,
         proposed_at timestamptz NOT NULL,
         decided_by text,
         decided_at timestamptz,
         done_at timestamptz,
         comment text,
         sequence integer NOT NULL DEFAULT 0,
         updated_at timestamptz NOT NULL,
         CHECK (visit_until > visit_at)
       )""",
    """CREATE UNIQUE INDEX ai_maintenance_schedule_live ON ai_maintenance_schedule (device_id, cause)
         WHERE state IN ('proposed', 'accepted')""",
    "CREATE INDEX ai_maintenance_schedule_site ON ai_maintenance_schedule (site_id, visit_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError(
        "the record of forecasts would be lost: restore a backup from before the migration to really go back"
    )
