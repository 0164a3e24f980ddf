"""Alerts: who is told of what, what was told to whom, and the outbox of the channels that are not mail."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    # A rule: which incidents, to whom, when. A rule with after_minutes is an escalation.
    """CREATE TABLE ai_alert_routes (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         name text NOT NULL UNIQUE,
         channel text NOT NULL,
         address text NOT NULL DEFAULT '',
         site_id integer,
         device_types text[],
         min_severity text NOT NULL DEFAULT 'warning' CHECK (min_severity IN ('info', 'warning', 'critical')),
         kinds text[],
         weekdays smallint[],
         local_from time,
         local_to time,
         timezone text,
         outside text NOT NULL DEFAULT 'wait' CHECK (outside IN ('wait', 'skip')),
         after_minutes integer NOT NULL DEFAULT 0 CHECK (after_minutes BETWEEN 0 AND 10080),
         renotify_minutes integer CHECK (renotify_minutes BETWEEN 5 AND 10080),
         active boolean NOT NULL DEFAULT true,
         created_by text NOT NULL,
         created_at timestamptz NOT NULL,
         CHECK ((channel = 'mail') = (address <> '')),
         CHECK (num_nonnulls(local_from, local_to) IN (0, 2)),
         CHECK (weekdays IS NULL OR cardinality(weekdays) > 0)
       )""",
    # What each recipient was told of each incident, what waits for their hours or for a digest, and what
    # was not told. The newest row is not overwritten by the next: this is also the record of the pages.
    """CREATE TABLE ai_alert_messages (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         incident_id bigint NOT NULL REFERENCES ai_incidents ON DELETE CASCADE,
         event_id bigint NOT NULL DEFAULT 0,
         channel text NOT NULL,
         address text NOT NULL DEFAULT '',
         kind text NOT NULL CHECK (kind IN ('opened', 'released', 'worsened', 'escalated', 'still_open',
           'flapping', 'acknowledged', 'investigated', 'recovered')),
         severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
         at timestamptz NOT NULL,
         state text NOT NULL CHECK (state IN ('told', 'waiting', 'not_told')),
         why text CHECK (why IN ('hours', 'budget', 'suppressed', 'not_allowed')),
         due_at timestamptz,
         told_at timestamptz,
         page text,
         message_id text,
         CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
         CHECK ((state = 'told') = (told_at IS NOT NULL))
       )""",
    "CREATE INDEX ai_alert_messages_incident ON ai_alert_messages (incident_id)",
    "CREATE INDEX ai_alert_messages_waiting ON ai_alert_messages (due_at) WHERE state = 'waiting'",
    "CREATE INDEX ai_alert_messages_told ON ai_alert_messages (told_at) WHERE state = 'told'",
    # The same columns and states as ai_mail_outbox: one state machine serves both. `recipient` is the
    # channel's name; its address, with its secret, is in a block and never here.
    """CREATE TABLE ai_alerts_outbox (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         key text NOT NULL UNIQUE,
         kind text NOT NULL CHECK (kind = 'alert'),
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
    """CREATE INDEX ai_alerts_outbox_due ON ai_alerts_outbox (not_before)
       WHERE state IN ('queued', 'claimed', 'in_data')""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError(
        "routes and the record of what was told would be lost: restore a backup from before the migration "
        "to really go back"
    )
