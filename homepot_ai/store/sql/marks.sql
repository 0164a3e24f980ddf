-- Verdicts on anomalies, and how far they moved the alarm's threshold. Both tables only grow.

-- name: offsets
SELECT device_type, offset_decades
  FROM (SELECT DISTINCT ON (device_type) device_type, offset_decades
          FROM ai_alarm_thresholds
         ORDER BY device_type, id DESC) t
 WHERE offset_decades <> 0;

-- name: thresholds
-- The newest decision about each device type as of a moment.
SELECT DISTINCT ON (device_type)
       device_type, offset_decades, marked_true, marked_false, reason, decided_by, decided_at
  FROM ai_alarm_thresholds
 WHERE decided_at <= %(at)s
 ORDER BY device_type, id DESC;

-- name: insert_threshold
INSERT INTO ai_alarm_thresholds (device_type, offset_decades, marked_true, marked_false, reason, decided_by,
                                 decided_at)
VALUES (%(device_type)s, %(offset)s, %(marked_true)s, %(marked_false)s, %(reason)s, %(decided_by)s,
        %(decided_at)s);

-- name: one_at_a_time
-- Two marks at once: the second decides with the first one's row in sight.
SELECT pg_advisory_xact_lock(hashtextextended('ai_anomaly_marks:' || current_schema(), 0));

-- name: judged
-- What marks say of a device type: the newest mark of each anomaly, unless it was withdrawn, or made
-- before a person reset the type's threshold.
WITH newest AS (
  SELECT DISTINCT ON (anomaly_id) anomaly_id, verdict, marked_at
    FROM ai_anomaly_marks
   ORDER BY anomaly_id, id DESC),
reset AS (
  SELECT max(decided_at) AS at
    FROM ai_alarm_thresholds
   WHERE device_type = %(device_type)s AND decided_by <> %(rule)s)
SELECT a.id, a.strength, newest.verdict = 'true'
  FROM newest
  JOIN ai_anomaly_logs a ON a.id = newest.anomaly_id
  JOIN devices d ON d.id = a.device_id
  CROSS JOIN reset
 WHERE newest.verdict <> 'withdrawn'
   AND (reset.at IS NULL OR newest.marked_at > reset.at)
   AND d.device_type = %(device_type)s
   AND a.opened_by = 'evidence' AND a.strength IS NOT NULL
   AND a.started_at > %(since)s
 ORDER BY a.id;

-- name: marked_types
-- Device types that marks or decisions speak of.
SELECT d.device_type
  FROM ai_anomaly_marks m
  JOIN ai_anomaly_logs a ON a.id = m.anomaly_id
  JOIN devices d ON d.id = a.device_id
UNION
SELECT device_type FROM ai_alarm_thresholds
 ORDER BY 1;

-- name: anomaly
SELECT a.id, a.device_id, d.name, d.device_id, d.device_type, a.started_at, a.ended_at, a.severity, a.metric,
       a.observed, a.expected_low, a.expected_high, a.strength, a.opened_by, a.mark
  FROM ai_anomaly_logs a
  LEFT JOIN devices d ON d.id = a.device_id
 WHERE a.id = %(id)s;

-- name: anomalies
-- The newest first. A moment: those that were open then.
SELECT a.id, a.device_id, d.name, d.device_id, d.device_type, a.started_at, a.ended_at, a.severity, a.metric,
       a.observed, a.expected_low, a.expected_high, a.strength, a.opened_by, a.mark
  FROM ai_anomaly_logs a
  LEFT JOIN devices d ON d.id = a.device_id
 WHERE (%(device_id)s::integer IS NULL OR a.device_id = %(device_id)s)
   AND (NOT %(open)s OR a.status = 'open')
   AND (%(since)s::timestamptz IS NULL OR a.started_at >= %(since)s OR a.status = 'open')
   AND (%(at)s::timestamptz IS NULL
        OR (a.started_at <= %(at)s AND (a.ended_at IS NULL OR a.ended_at >= %(at)s)))
 ORDER BY a.started_at DESC, a.id DESC
 LIMIT %(limit)s;

-- name: newest_mark
SELECT verdict, comment FROM ai_anomaly_marks WHERE anomaly_id = %(id)s ORDER BY id DESC LIMIT 1;

-- name: insert_mark
INSERT INTO ai_anomaly_marks (anomaly_id, verdict, marked_by, comment, source, marked_at)
VALUES (%(id)s, %(verdict)s, %(marked_by)s, %(comment)s, %(source)s, %(marked_at)s);

-- name: set_verdict
UPDATE ai_anomaly_logs
   SET mark = CASE %(verdict)s WHEN 'true' THEN true WHEN 'false' THEN false END
 WHERE id = %(id)s;

-- name: open_at
-- Episodes of these devices that were open at a moment.
SELECT device_id, id, started_at
  FROM ai_anomaly_logs
 WHERE device_id = ANY(%(device_ids)s::integer[])
   AND started_at <= %(at)s AND (ended_at IS NULL OR ended_at > %(at)s)
 ORDER BY device_id, started_at DESC;
