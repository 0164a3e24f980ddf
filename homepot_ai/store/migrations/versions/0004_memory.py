"""Memory: what past incidents were, passages of operators' pages, actions and whether they helped."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    # The text of record; the vector index is made of it and can be made again. One pattern per incident
    # (kind incident) or per course before a failure (kind course, of a device).
    """CREATE TABLE ai_incident_patterns (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         kind text NOT NULL CHECK (kind IN ('incident', 'course')),
         incident_id bigint UNIQUE REFERENCES ai_incidents ON DELETE CASCADE,
         device_id integer,
         site_id integer,
         device_type text,
         category text NOT NULL CHECK (category IN
           ('temperature', 'connectivity', 'power', 'performance', 'storage', 'application', 'security')),
         severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
         metrics text[] NOT NULL DEFAULT '{}',
         pattern_description text NOT NULL,
         content_hash text NOT NULL,
         resolution text,
         outcome text CHECK (outcome IN ('held', 'came_back', 'unknown')),
         provenance text,
         happened_at timestamptz NOT NULL,
         created_at timestamptz NOT NULL,
         embedding_model text,
         embedded_at timestamptz,
         CHECK ((kind = 'incident') = (incident_id IS NOT NULL))
       )""",
    "CREATE INDEX ai_incident_patterns_exact ON ai_incident_patterns (category, device_type, "
    "happened_at DESC)",
    "CREATE INDEX ai_incident_patterns_todo ON ai_incident_patterns (id) WHERE embedding_model IS NULL",
    # Operators' pages, by file; a file that could not be read has a reason and no passages.
    """CREATE TABLE ai_manuals (
         path text PRIMARY KEY,
         bytes bigint NOT NULL,
         content_hash text NOT NULL,
         state text NOT NULL CHECK (state IN ('read', 'skipped')),
         reason text,
         passages integer NOT NULL,
         read_at timestamptz NOT NULL,
         CHECK ((state = 'skipped') = (reason IS NOT NULL))
       )""",
    """CREATE TABLE ai_passages (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         path text NOT NULL REFERENCES ai_manuals ON DELETE CASCADE,
         position integer NOT NULL,
         heading text NOT NULL,
         page integer,
         body text NOT NULL,
         content_hash text NOT NULL,
         embedding_model text,
         UNIQUE (path, position)
       )""",
    # What was done about an incident. It grows only; the judgement is filled in once, a day later or more.
    """CREATE TABLE ai_actions (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         key text NOT NULL UNIQUE,
         incident_id bigint NOT NULL REFERENCES ai_incidents ON DELETE CASCADE,
         device_id integer,
         category text NOT NULL,
         kind text NOT NULL CHECK (kind IN ('taken', 'nothing')),
         action text NOT NULL,
         action_key text NOT NULL,
         done_by text NOT NULL,
         done_at timestamptz NOT NULL,
         recorded_at timestamptz NOT NULL,
         source text NOT NULL,
         health_before real,
         outcome text CHECK (outcome IN ('helped', 'did_not_help', 'cannot_tell')),
         recovered_at timestamptz,
         held_until timestamptz,
         reason text,
         judged_at timestamptz,
         CHECK ((outcome IS NULL) = (judged_at IS NULL))
       )""",
    "CREATE INDEX ai_actions_incident ON ai_actions (incident_id)",
    "CREATE INDEX ai_actions_unjudged ON ai_actions (done_at) WHERE outcome IS NULL",
    "CREATE INDEX ai_actions_key ON ai_actions (category, action_key)",
    # A resumable rebuild: what is being built, how far it is, and which collection is in force.
    """CREATE TABLE ai_memory_index (
         collection text PRIMARY KEY,
         model text NOT NULL,
         active text NOT NULL,
         building text,
         built_to bigint NOT NULL DEFAULT 0,
         built_at timestamptz,
         checked_at timestamptz,
         checked text
       )""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError(
        "what past incidents taught would be lost: restore a backup from before the migration to "
        "really go back"
    )
