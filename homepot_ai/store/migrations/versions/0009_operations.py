"""Operations: backups and their drills, sizes over time, alarms about ourselves."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BACKUP = (
    # Every backup that was tried, good or not.
    """CREATE TABLE ai_backups (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         name text NOT NULL UNIQUE,
         started_at timestamptz NOT NULL,
         finished_at timestamptz,
         outcome text NOT NULL CHECK (outcome IN ('running', 'good', 'failed')),
         bytes bigint,
         sha256 text,
         contents jsonb NOT NULL DEFAULT '{}',
         places jsonb NOT NULL DEFAULT '[]',
         detail text NOT NULL DEFAULT ''
       )""",
    # Every time that a backup was restored somewhere and questioned.
    """CREATE TABLE ai_restore_drills (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         at timestamptz NOT NULL,
         backup text NOT NULL,
         kind text NOT NULL CHECK (kind IN ('nightly', 'by hand', 'restore')),
         outcome text NOT NULL CHECK (outcome IN ('passed', 'failed')),
         seconds real NOT NULL,
         checks jsonb NOT NULL,
         detail text NOT NULL DEFAULT ''
       )""",
    "CREATE INDEX ai_restore_drills_at ON ai_restore_drills (at)",
)

RETENTION = (
    # Every archive file that was written and verified before its rows went.
    """CREATE TABLE ai_archives (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         path text NOT NULL UNIQUE,
         source text NOT NULL,
         first_at timestamptz,
         until_at timestamptz,
         row_count bigint NOT NULL,
         bytes bigint NOT NULL,
         sha256 text NOT NULL,
         made_at timestamptz NOT NULL
       )""",
    # A PDF that can be rendered again from its facts is not kept for ever; copies are known by their hashes.
    "ALTER TABLE ai_report_editions ADD COLUMN pdf_sha256 text[] NOT NULL DEFAULT '{}'",
)

WATCH = (
    # Sizes and ages over time: what grows, and when a disk will be full.
    """CREATE TABLE ai_watch_sizes (
         what text NOT NULL,
         at timestamptz NOT NULL,
         value double precision NOT NULL,
         PRIMARY KEY (what, at)
       )""",
    # What is wrong with ourselves: one row for each cause, told at most so often.
    """CREATE TABLE ai_watch_alarms (
         key text PRIMARY KEY,
         severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
         title text NOT NULL,
         detail text NOT NULL,
         runbook text NOT NULL,
         count integer NOT NULL DEFAULT 1,
         first_at timestamptz NOT NULL,
         last_at timestamptz NOT NULL,
         told_at timestamptz,
         resolved_at timestamptz
       )""",
)

SECURITY = (
    # The number of the key that people's addresses are sealed with; no row: they are not.
    """CREATE TABLE ai_sealing (
         one boolean PRIMARY KEY DEFAULT true CHECK (one),
         key_id text NOT NULL,
         since timestamptz NOT NULL
       )""",
    # They act with the owner's rights: nothing that a session made for itself may stand in for our tables.
    """DO $$
       DECLARE found regprocedure;
       BEGIN
         FOR found IN SELECT oid FROM pg_proc
                       WHERE prosecdef AND pronamespace = current_schema()::regnamespace LOOP
           EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', found, current_schema());
         END LOOP;
       END $$""",
)


def upgrade() -> None:
    for statement in (*BACKUP, *RETENTION, *WATCH, *SECURITY):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("migrations are not taken back: restore a backup from before instead")
