"""Plain language: calls of the model, how people read, the door's tokens, what was asked."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Every call of a language model. Prompts are kept by hash only; the answer is kept, to be looked at.
    """CREATE TABLE ai_llm_calls (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         at timestamptz NOT NULL,
         purpose text NOT NULL,
         prompt_hash text NOT NULL,
         model text NOT NULL,
         digest text NOT NULL,
         options jsonb NOT NULL,
         outcome text NOT NULL,
         answer text,
         verdicts jsonb,
         latency_ms real NOT NULL,
         prompt_tokens integer,
         answer_tokens integer
       )""",
    "CREATE INDEX ai_llm_calls_at ON ai_llm_calls (at)",
    # How somebody reads: addresses and names in lower case.
    """CREATE TABLE ai_user_preferences (
         user_name text PRIMARY KEY,
         mode text NOT NULL CHECK (mode IN ('maintenance', 'predictive', 'executive')),
         language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'de')),
         updated_at timestamptz NOT NULL
       )""",
    # Tokens of the HTTP door, by SHA-256: a token itself is shown once, when it is made.
    """CREATE TABLE ai_api_tokens (
         id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         name text NOT NULL UNIQUE,
         token_hash text NOT NULL UNIQUE,
         scopes text[] NOT NULL,
         sites integer[],
         user_name text,
         made_at timestamptz NOT NULL,
         expires_at timestamptz,
         revoked_at timestamptz,
         last_used_at timestamptz
       )""",
    # What was asked and how it was understood: a follow-up refers to it. Kept as long as scores.
    """CREATE TABLE ai_questions (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         at timestamptz NOT NULL,
         user_name text NOT NULL,
         question text NOT NULL,
         intent text,
         slots jsonb NOT NULL,
         how text NOT NULL,
         outcome text NOT NULL,
         response_ms real NOT NULL
       )""",
    "CREATE INDEX ai_questions_user ON ai_questions (user_name, at)",
    # A model's wording of an edition: replayed with it. Null: worded by templates before there was any.
    "ALTER TABLE ai_report_editions ADD COLUMN narration jsonb",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("migrations are not taken back: restore a backup from before instead")
