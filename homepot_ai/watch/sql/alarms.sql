-- name: lock
-- One at a time for each cause, also where there is no row yet.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':ai_watch_alarms:' || %(key)s::text, 0));

-- name: one
SELECT key, severity, title, detail, runbook, count, first_at, last_at, told_at, resolved_at
  FROM ai_watch_alarms WHERE key = %(key)s;

-- name: put
INSERT INTO ai_watch_alarms
       (key, severity, title, detail, runbook, count, first_at, last_at, told_at, resolved_at)
VALUES (%(key)s, %(severity)s, %(title)s, %(detail)s, %(runbook)s, %(count)s, %(first_at)s, %(last_at)s,
        %(told_at)s, %(resolved_at)s)
ON CONFLICT (key) DO UPDATE
   SET severity = excluded.severity, title = excluded.title, detail = excluded.detail,
       runbook = excluded.runbook, count = excluded.count, first_at = excluded.first_at,
       last_at = excluded.last_at, told_at = excluded.told_at, resolved_at = excluded.resolved_at;

-- name: open
SELECT key, severity, title, detail, runbook, count, first_at, last_at, told_at, resolved_at
  FROM ai_watch_alarms WHERE resolved_at IS NULL ORDER BY severity, first_at, key;

-- name: recent
SELECT key, severity, title, detail, runbook, count, first_at, last_at, told_at, resolved_at
  FROM ai_watch_alarms WHERE resolved_at > %(since)s ORDER BY resolved_at DESC, key;

-- name: forget
DELETE FROM ai_watch_alarms WHERE resolved_at < %(before)s;
