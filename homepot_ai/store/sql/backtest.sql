-- name: marked
-- The newest mark of an anomaly as of a moment; a withdrawn one is none. The column `mark` says what
-- holds now, so it counts only where nobody marked by rows.
SELECT a.id,
       a.device_id,
       extract(epoch FROM a.started_at)::float8,
       extract(epoch FROM a.ended_at)::float8,
       coalesce(m.verdict, CASE a.mark WHEN true THEN 'true' ELSE 'false' END)
  FROM ai_anomaly_logs a
  LEFT JOIN LATERAL (
       SELECT verdict
         FROM ai_anomaly_marks
        WHERE anomaly_id = a.id AND marked_at <= %(at)s
        ORDER BY id DESC
        LIMIT 1) m ON true
 WHERE a.device_id = ANY(%(devices)s::integer[])
   AND a.started_at <= %(until)s
   AND (a.ended_at IS NULL OR a.ended_at > %(after)s)
   AND CASE
       WHEN m.verdict IS NOT NULL THEN m.verdict <> 'withdrawn'
       ELSE a.mark IS NOT NULL AND NOT EXISTS (SELECT FROM ai_anomaly_marks WHERE anomaly_id = a.id) END
 ORDER BY a.started_at, a.id;

-- name: same
-- The same question with the same answer: nothing to keep twice.
SELECT id, asked_at, pdf
  FROM ai_backtests
 WHERE range_from = %(range_from)s AND range_until = %(range_until)s
   AND site_id IS NOT DISTINCT FROM %(site_id)s
   AND configurations = %(configurations)s AND result = %(result)s
 ORDER BY id
 LIMIT 1;

-- name: insert
INSERT INTO ai_backtests (asked_at, asked_by, range_from, range_until, site_id, configurations, result, pdf, seconds)
VALUES (%(asked_at)s, %(asked_by)s, %(range_from)s, %(range_until)s, %(site_id)s, %(configurations)s,
        %(result)s, %(pdf)b, %(seconds)s)
RETURNING id;

-- name: forget_pdfs
-- What was asked and answered stays.
UPDATE ai_backtests SET pdf = NULL WHERE asked_at < %(before)s AND pdf IS NOT NULL;

-- name: read
SELECT asked_at, result, pdf FROM ai_backtests WHERE id = %(id)s;

-- name: newest
SELECT id FROM ai_backtests ORDER BY id DESC LIMIT 5;
