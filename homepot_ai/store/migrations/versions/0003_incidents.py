"""Incidents: grouped anomalies with a life of their own, their history, windows, what was silenced."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    # One row from the first suspicion to the close. What it was at its opening is never overwritten; a
    # recurrence is a new row that points back.
    """CREATE TABLE ai_incidents (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         fingerprint text NOT NULL,
         kind text NOT NULL CHECK (kind IN ('device', 'gateway', 'site', 'storm')),
         site_id integer,
         root_device_id integer,
         device_type text,
         cause text NOT NULL,
         category text NOT NULL CHECK (category IN
           ('temperature', 'connectivity', 'power', 'performance', 'storage', 'application', 'security')),
         title text NOT NULL,
         state text NOT NULL CHECK (state IN ('pending', 'open', 'acknowledged', 'closed', 'discarded')),
         severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
         initial_severity text NOT NULL CHECK (initial_severity IN ('info', 'warning', 'critical')),
         peak_severity text NOT NULL CHECK (peak_severity IN ('info', 'warning', 'critical')),
         conclusion text NOT NULL DEFAULT 'INCONCLUSIVE'
           CHECK (conclusion IN ('CONFIRMED', 'LIKELY', 'INCONCLUSIVE')),
         provenance text,
         started_at timestamptz NOT NULL,
         opened_at timestamptz,
         acknowledged_at timestamptz,
         acknowledged_by text,
         snoozed_until timestamptz,
         snoozed_by text,
         quiet_since timestamptz,
         closed_at timestamptz,
         closed_by text,
         resolution text,
         devices integer NOT NULL DEFAULT 1,
         peak_devices integer NOT NULL DEFAULT 1,
         initial jsonb NOT NULL,
         facts jsonb NOT NULL,
         previous_id bigint REFERENCES ai_incidents,
         recurrence integer NOT NULL DEFAULT 0,
         flapping boolean NOT NULL DEFAULT false,
         mark boolean,
         homepot_alert_id integer,
         version integer NOT NULL DEFAULT 0,
         updated_at timestamptz NOT NULL,
         CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
         CHECK (state IN ('pending', 'discarded') OR opened_at IS NOT NULL)
       )""",
    # One incident per device and cause at a time.
    """CREATE UNIQUE INDEX ai_incidents_live ON ai_incidents (fingerprint)
       WHERE state IN ('pending', 'open', 'acknowledged')""",
    "CREATE INDEX ai_incidents_opened ON ai_incidents (opened_at)",
    "CREATE INDEX ai_incidents_history ON ai_incidents (fingerprint, id DESC)",
    "CREATE INDEX ai_incidents_closed ON ai_incidents (closed_at) WHERE mark IS NULL",
    """CREATE TABLE ai_incident_devices (
         incident_id bigint NOT NULL REFERENCES ai_incidents ON DELETE CASCADE,
         device_id integer NOT NULL,
         joined_at timestamptz NOT NULL,
         left_at timestamptz,
         PRIMARY KEY (incident_id, device_id, joined_at)
       )""",
    "CREATE INDEX ai_incident_devices_device ON ai_incident_devices (device_id)",
    """CREATE TABLE ai_incident_anomalies (
         incident_id bigint NOT NULL REFERENCES ai_incidents ON DELETE CASCADE,
         anomaly_id bigint NOT NULL REFERENCES ai_anomaly_logs ON DELETE CASCADE,
         PRIMARY KEY (incident_id, anomaly_id)
       )""",
    "CREATE INDEX ai_incident_anomalies_anomaly ON ai_incident_anomalies (anomaly_id)",
    # Everything that ever happened to an incident, and the queue that alerting reads: a row without
    # alerted_at has not been decided on.
    """CREATE TABLE ai_incident_events (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         incident_id bigint NOT NULL REFERENCES ai_incidents ON DELETE CASCADE,
         at timestamptz NOT NULL,
         kind text NOT NULL CHECK (kind IN
           ('opened', 'worsened', 'eased', 'grew', 'acknowledged', 'snoozed', 'snooze_ended', 'flapping',
            'commented', 'marked', 'action', 'investigated', 'suppressed', 'released', 'closed')),
         actor text NOT NULL,
         comment text,
         details jsonb NOT NULL DEFAULT '{}',
         recorded_at timestamptz NOT NULL DEFAULT now(),
         alerted_at timestamptz
       )""",
    "CREATE INDEX ai_incident_events_incident ON ai_incident_events (incident_id, id)",
    "CREATE INDEX ai_incident_events_queue ON ai_incident_events (id) WHERE alerted_at IS NULL",
    # A window of ours: once (starts_at, ends_at) or recurring (weekdays, local begin, minutes, zone).
    """CREATE TABLE ai_windows (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         scope text NOT NULL CHECK (scope IN ('fleet', 'site', 'device')),
         scope_id integer,
         name text NOT NULL,
         starts_at timestamptz,
         ends_at timestamptz,
         weekdays smallint[],
         local_start time,
         minutes integer CHECK (minutes BETWEEN 1 AND 10080),
         timezone text,
         valid_from date,
         valid_until date,
         comment text,
         created_by text NOT NULL,
         created_at timestamptz NOT NULL,
         cancelled_at timestamptz,
         cancelled_by text,
         CHECK ((scope = 'fleet') = (scope_id IS NULL)),
         CHECK ((starts_at IS NOT NULL AND ends_at > starts_at AND weekdays IS NULL)
             OR (starts_at IS NULL AND ends_at IS NULL AND weekdays IS NOT NULL AND local_start IS NOT NULL
                 AND minutes IS NOT NULL AND timezone IS NOT NULL))
       )""",
    # What was not told, why, and what became of it.
    """CREATE TABLE ai_suppressed (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         incident_id bigint NOT NULL REFERENCES ai_incidents ON DELETE CASCADE,
         why text NOT NULL CHECK (why IN
           ('window', 'homepot_schedule', 'snooze', 'flapping', 'storm', 'budget')),
         window_id bigint REFERENCES ai_windows,
         begun_at timestamptz NOT NULL,
         until timestamptz,
         ended_at timestamptz,
         outcome text CHECK (outcome IN ('told_after', 'recovered', 'closed_by_hand'))
       )""",
    "CREATE UNIQUE INDEX ai_suppressed_live ON ai_suppressed (incident_id, why) WHERE ended_at IS NULL",
    # A stretch in which a device could not be judged: silent, maintained, not scored. Kept by the scoring
    # run, in the transaction of its scores: who is silent is a handful of rows, not a search in the scores.
    """CREATE TABLE ai_device_gaps (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         device_id integer NOT NULL,
         status health_status NOT NULL,
         reason unscored_reason,
         last_sample_at timestamptz,
         noticed_at timestamptz NOT NULL,
         ended_at timestamptz,
         CHECK (ended_at >= noticed_at)
       )""",
    "CREATE UNIQUE INDEX ai_device_gaps_live ON ai_device_gaps (device_id) WHERE ended_at IS NULL",
    "CREATE INDEX ai_device_gaps_ended ON ai_device_gaps (ended_at) WHERE ended_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError(
        "incidents and their history would be lost: restore a backup from before the migration to really "
        "go back"
    )
