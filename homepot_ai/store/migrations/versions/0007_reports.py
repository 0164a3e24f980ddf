"""Reports of every kind: editions of one report, wider subscriptions, bounces, health by the hour."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    # One report is one record of facts; mode, language and paper make editions of it, each a PDF of its own.
    """CREATE TABLE ai_report_editions (
         report_id text NOT NULL,
         revision integer NOT NULL,
         mode text NOT NULL CHECK (mode IN ('maintenance', 'predictive', 'executive')),
         language text NOT NULL,
         paper text NOT NULL CHECK (paper IN ('A4', 'Letter')),
         pdf bytea NOT NULL,
         words jsonb NOT NULL,
         template_version text NOT NULL,
         PRIMARY KEY (report_id, revision, mode, language, paper),
         FOREIGN KEY (report_id, revision) REFERENCES ai_reports ON DELETE CASCADE
       )""",
    """INSERT INTO ai_report_editions
       SELECT report_id, revision, mode, 'en', coalesce(content ->> 'paper', 'A4'), pdf,
              coalesce(content -> 'words', '{}'::jsonb), template_version
         FROM ai_reports""",
    "ALTER TABLE ai_reports DROP COLUMN pdf, DROP COLUMN template_version",
    # The canonical JSON, byte for byte: what the hash is of. Null where a report is older than this column.
    "ALTER TABLE ai_reports ADD COLUMN facts text, ADD COLUMN scope_name text",
    "CREATE INDEX ai_reports_scope ON ai_reports (scope, site_id, period_end)",
    # 'own' are the sites that HOMEPOT lets the reader see. A digest is one mail for all of a reader's sites.
    "ALTER TABLE ai_subscriptions DROP CONSTRAINT ai_subscriptions_scope_check",
    "ALTER TABLE ai_subscriptions DROP CONSTRAINT ai_subscriptions_check",
    """ALTER TABLE ai_subscriptions
         ADD CHECK (scope IN ('fleet', 'site', 'device', 'own')),
         ADD CHECK ((scope IN ('fleet', 'own')) = (scope_id IS NULL)),
         ADD COLUMN paper text CHECK (paper IN ('A4', 'Letter')),
         ADD COLUMN digest boolean NOT NULL DEFAULT false,
         ADD COLUMN csv boolean NOT NULL DEFAULT false,
         ADD CHECK (NOT digest OR scope IN ('own', 'fleet'))""",
    # What mail servers said for good about an address. Addresses in lower case.
    """CREATE TABLE ai_mail_bounces (
         email text PRIMARY KEY,
         first_at timestamptz NOT NULL,
         last_at timestamptz NOT NULL,
         in_a_row integer NOT NULL CHECK (in_a_row >= 0),
         code integer,
         answer text NOT NULL
       )""",
    # Scores by the hour, for what looks back further than minutes are kept. `hour` is its beginning: the
    # minutes named in (hour, hour + 1 h]. open_*: of these, the minutes within the site's opening hours as
    # they were known when the hour was rolled up. ages: minutes whose newest data were at most 30 s, 1 min,
    # 2 min, 5 min, 15 min, 1 h old, and all whose age is known.
    """CREATE TABLE ai_health_hours (
         device_id integer NOT NULL,
         hour timestamptz NOT NULL,
         last_at timestamptz NOT NULL,
         score_points integer NOT NULL,
         lowest real,
         healthy smallint NOT NULL,
         warning smallint NOT NULL,
         critical smallint NOT NULL,
         no_data smallint NOT NULL,
         in_maintenance smallint NOT NULL,
         not_scored smallint NOT NULL,
         young smallint NOT NULL,
         unjudged smallint NOT NULL,
         open_minutes smallint NOT NULL,
         open_judged smallint NOT NULL,
         open_with_data smallint NOT NULL,
         open_critical smallint NOT NULL,
         ages smallint[] NOT NULL,
         last_status text NOT NULL,
         PRIMARY KEY (hour, device_id)
       )""",
    "CREATE INDEX ai_health_hours_device ON ai_health_hours (device_id, hour)",
    # Which UTC days were rolled up, and when so many shard-minutes of them were scored: a day of which more
    # were scored since is rolled up again.
    """CREATE TABLE ai_health_rollups (
         day date PRIMARY KEY,
         rolled_at timestamptz NOT NULL,
         minutes bigint NOT NULL
       )""",
    # Which minutes were scored is asked by time, and kept as long as the hours: our own availability.
    "CREATE INDEX ai_scoring_minutes_at ON ai_scoring_minutes (at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("migrations are not taken back: restore a backup from before instead")
