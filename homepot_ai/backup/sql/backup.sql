-- Backups: what is in a database, what was made of it, and what a restore must not undo.

-- name: golden
-- The newest incident of each category: it must at least find itself.
SELECT pattern_description, category, device_type, metrics
  FROM (SELECT DISTINCT ON (category) pattern_description, category, device_type, metrics, happened_at, id
          FROM ai_incident_patterns WHERE kind = 'incident'
         ORDER BY category, happened_at DESC, id DESC) AS newest
 ORDER BY happened_at DESC, id DESC
 LIMIT %(limit)s;

-- name: tables
-- Tables as people know them: the partitions of one are one.
SELECT c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 ORDER BY c.relname;

-- name: schemas
SELECT nspname FROM pg_namespace WHERE nspname = ANY(%(names)s::text[]);

-- name: schemas_like
-- Schemas that a restore put aside, the newest first.
SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %(head)s) ORDER BY nspname DESC;

-- name: sizes
-- Bytes of the tables of some schemas without their indexes: more than a dump takes.
SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY(%(names)s::text[]) AND c.relkind = 'r';

-- name: interrupted
UPDATE ai_backups SET outcome = 'failed', finished_at = %(now)s, detail = 'was interrupted before it had ended'
 WHERE outcome = 'running';

-- name: begin
INSERT INTO ai_backups (name, started_at, outcome) VALUES (%(name)s, %(now)s, 'running')
ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, outcome = 'running', finished_at = NULL, detail = '';

-- name: end
UPDATE ai_backups
   SET finished_at = %(now)s, outcome = %(outcome)s, bytes = %(bytes)s, sha256 = %(sha256)s,
       contents = %(contents)s::jsonb, places = %(places)s::jsonb, detail = %(detail)s
 WHERE name = %(name)s;

-- name: found
-- A backup that this database does not know (it was restored from it): it is good, it has just been restored.
INSERT INTO ai_backups (name, started_at, finished_at, outcome, bytes, sha256, detail)
VALUES (%(name)s, %(made_at)s, %(made_at)s, 'good', %(bytes)s, %(sha256)s, 'found when it was restored')
ON CONFLICT (name) DO UPDATE SET outcome = 'good', finished_at = coalesce(ai_backups.finished_at, excluded.finished_at),
       bytes = excluded.bytes, sha256 = excluded.sha256
 WHERE ai_backups.outcome = 'running';

-- name: drill
INSERT INTO ai_restore_drills (at, backup, kind, outcome, seconds, checks, detail)
VALUES (%(now)s, %(backup)s, %(kind)s, %(outcome)s, %(seconds)s, %(checks)s::jsonb, %(detail)s);

-- name: last_drills
-- Of each backup the last time that it was questioned.
SELECT DISTINCT ON (backup) backup, at, kind, outcome, detail FROM ai_restore_drills ORDER BY backup, at DESC, id DESC;

-- name: last_bytes
SELECT bytes FROM ai_backups WHERE outcome = 'good' AND bytes IS NOT NULL ORDER BY started_at DESC LIMIT 1;

-- name: failures
SELECT name, started_at, detail FROM ai_backups
 WHERE outcome = 'failed' AND started_at > %(since)s ORDER BY started_at DESC LIMIT 20;

-- name: sequences
SELECT sequencename FROM pg_sequences WHERE schemaname = %(schema)s;
