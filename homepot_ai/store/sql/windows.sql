-- Windows of ours, and what was not told.

-- name: windows
-- The newest first. A moment: those that are not cancelled, nor over for good, at that moment.
SELECT id, scope, scope_id, name, starts_at, ends_at, weekdays, local_start, minutes, timezone, valid_from,
       valid_until, comment, created_by, created_at, cancelled_at, cancelled_by
  FROM ai_windows
 WHERE %(at)s::timestamptz IS NULL
    OR (cancelled_at IS NULL
        AND (ends_at IS NULL OR ends_at > %(at)s)
        AND (valid_until IS NULL OR valid_until >= %(at)s::date - 8))
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: window
SELECT id, scope, scope_id, name, starts_at, ends_at, weekdays, local_start, minutes, timezone, valid_from,
       valid_until, comment, created_by, created_at, cancelled_at, cancelled_by
  FROM ai_windows
 WHERE id = %(id)s;

-- name: same_window
-- One that says the same and is in force: asked twice, made once.
SELECT id
  FROM ai_windows
 WHERE cancelled_at IS NULL AND scope = %(scope)s AND scope_id IS NOT DISTINCT FROM %(scope_id)s
   AND name = %(name)s
   AND starts_at IS NOT DISTINCT FROM %(starts_at)s AND ends_at IS NOT DISTINCT FROM %(ends_at)s
   AND weekdays IS NOT DISTINCT FROM %(weekdays)s::smallint[]
   AND local_start IS NOT DISTINCT FROM %(local_start)s
   AND minutes IS NOT DISTINCT FROM %(minutes)s AND timezone IS NOT DISTINCT FROM %(timezone)s
   AND valid_from IS NOT DISTINCT FROM %(valid_from)s AND valid_until IS NOT DISTINCT FROM %(valid_until)s;

-- name: insert_window
INSERT INTO ai_windows (scope, scope_id, name, starts_at, ends_at, weekdays, local_start, minutes, timezone,
                        valid_from, valid_until, comment, created_by, created_at)
VALUES (%(scope)s, %(scope_id)s, %(name)s, %(starts_at)s, %(ends_at)s, %(weekdays)s, %(local_start)s,
        %(minutes)s, %(timezone)s, %(valid_from)s, %(valid_until)s, %(comment)s, %(created_by)s,
        %(created_at)s)
RETURNING id;

-- name: cancel_window
UPDATE ai_windows SET cancelled_at = %(at)s, cancelled_by = %(by)s
 WHERE id = %(id)s AND cancelled_at IS NULL;

-- name: silenced
-- What is, or was, not told: the newest first.
SELECT s.id, s.incident_id, s.why, s.window_id, s.begun_at, s.until, s.ended_at, s.outcome, i.title, i.severity
  FROM ai_suppressed s
  JOIN ai_incidents i ON i.id = s.incident_id
 WHERE %(since)s::timestamptz IS NULL OR s.ended_at IS NULL OR s.ended_at >= %(since)s
 ORDER BY s.ended_at IS NOT NULL, s.id DESC
 LIMIT %(limit)s;
