-- Minutes are named by their end: the minutes of a period are those with start < at <= end.

-- name: lows
-- The first of a device's lowest minutes.
SELECT DISTINCT ON (device_id) device_id, score, at
  FROM ai_health_scores
 WHERE at > %(start)s AND at <= %(end)s AND device_id = ANY(%(ids)s::integer[])
   AND status IN ('healthy', 'warning', 'critical')
 ORDER BY device_id, score, at;

-- name: lasts
SELECT DISTINCT ON (device_id) device_id, score
  FROM ai_health_scores
 WHERE at > %(start)s AND at <= %(end)s AND device_id = ANY(%(ids)s::integer[])
   AND status IN ('healthy', 'warning', 'critical')
 ORDER BY device_id, at DESC;

-- name: since
-- When the status that a device ended the period with began: the first minute after the last other one.
SELECT e.device_id, min(s.at)
  FROM unnest(%(ids)s::integer[], %(statuses)s::text[]) AS e (device_id, status)
  CROSS JOIN LATERAL (
    SELECT coalesce(max(o.at), %(start)s) AS at, count(*) AS others FROM ai_health_scores o
     WHERE o.device_id = e.device_id AND o.at > %(start)s AND o.at <= %(end)s
       AND o.status::text <> e.status) AS other
  JOIN ai_health_scores s ON s.device_id = e.device_id AND s.at > other.at
       AND s.at > %(start)s AND s.at <= %(end)s
 WHERE other.others > 0
 GROUP BY e.device_id;

-- name: main_metrics
SELECT device_id, factor ->> 'metric', sum((factor ->> 'contribution')::float8)
  FROM ai_health_scores
  CROSS JOIN LATERAL jsonb_array_elements(factors) AS factor
 WHERE at > %(start)s AND at <= %(end)s AND device_id = ANY(%(ids)s::integer[])
   AND status IN ('healthy', 'warning', 'critical') AND jsonb_typeof(factors) = 'array'
 GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2;

-- name: anomalies
-- Those that overlap the period, as they stood at its end.
SELECT id, device_id, severity, metric, observed, expected_low, expected_high, started_at,
       CASE WHEN ended_at <= %(end)s THEN ended_at END, initial_score, peak_score, mark,
       provenance
  FROM ai_anomaly_logs
 WHERE started_at <= %(end)s AND (ended_at IS NULL OR ended_at > %(start)s)
 ORDER BY id;

-- name: judged
-- Anomalies that began in the period, and since %(since)s, by what they were marked.
SELECT count(*) FILTER (WHERE started_at > %(start)s),
       count(*) FILTER (WHERE started_at > %(start)s AND mark),
       count(*) FILTER (WHERE started_at > %(start)s AND NOT mark),
       count(*), count(*) FILTER (WHERE mark), count(*) FILTER (WHERE NOT mark)
  FROM ai_anomaly_logs
 WHERE device_id = ANY(%(ids)s::integer[])
   AND started_at > least(%(since)s, %(start)s) AND started_at <= %(end)s;

-- name: scoring_minutes
SELECT shard, count(*), sum(rows_read), max(seconds), min(at), max(at), max(gap)
  FROM (SELECT shard, at, rows_read, seconds,
               extract(epoch FROM at - lag(at) OVER (PARTITION BY shard ORDER BY at)) / 60 AS gap
          FROM ai_scoring_minutes WHERE at > %(start)s AND at <= %(end)s) AS minutes
 GROUP BY shard ORDER BY shard;

-- name: scored_until
SELECT max(at) FROM ai_scoring_minutes WHERE at > %(start)s AND at <= %(end)s;

-- name: shard_changes
SELECT (details ->> 'watermark')::timestamptz, (details ->> 'before')::int, (details ->> 'after')::int
  FROM ai_audit_log WHERE actor = 'reshard' AND action = 'redistributed' ORDER BY 1;

-- name: rejected
SELECT reason, sum(amount::float8)::bigint
  FROM ai_scoring_minutes CROSS JOIN LATERAL jsonb_each_text(rejected) AS r (reason, amount)
 WHERE at > %(start)s AND at <= %(end)s AND jsonb_typeof(rejected -> reason) = 'number'
 GROUP BY reason HAVING sum(amount::float8) > 0 ORDER BY 2 DESC, 1;

-- name: scoring_span
SELECT min(at), max(at) FROM ai_scoring_minutes;

-- name: services
SELECT service, state, detail, since, checked_at FROM ai_service_checks ORDER BY service;

-- name: outbox
SELECT state, count(*) FROM ai_mail_outbox
 WHERE state <> 'dropped' AND (state <> 'sent' OR sent_at > %(now)s - interval '24 hours')
 GROUP BY state ORDER BY state;

-- name: excluded
SELECT device_id FROM ai_device_settings WHERE excluded;
