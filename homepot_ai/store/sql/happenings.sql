-- What devices went through, as arrays: one row, a vector per column.

-- name: anomalies
-- As they were when they opened: how grave one became is known later than the failures that it came before.
SELECT array_send(coalesce(array_agg(device_id), '{}')),
       array_send(coalesce(array_agg(extract(epoch FROM started_at)::float8), '{}')),
       array_send(coalesce(array_agg(extract(epoch FROM least(coalesce(ended_at, %(until)s), %(until)s))::float8), '{}')),
       array_send(coalesce(array_agg(1 - coalesce(initial_score, 1)::float8), '{}'))
  FROM ai_anomaly_logs
 WHERE started_at < %(until)s AND started_at >= %(since)s AND mark IS DISTINCT FROM false
   AND (%(devices)s::int8[] IS NULL OR device_id = ANY(%(devices)s));

-- name: gaps
-- Stretches without data; maintenance is none.
SELECT array_send(coalesce(array_agg(device_id), '{}')),
       array_send(coalesce(array_agg(extract(epoch FROM coalesce(last_sample_at, noticed_at))::float8), '{}')),
       array_send(coalesce(array_agg(extract(epoch FROM least(coalesce(ended_at, %(until)s), %(until)s))::float8), '{}'))
  FROM ai_device_gaps
 WHERE status = 'no_data' AND noticed_at < %(until)s AND coalesce(ended_at, %(until)s) > %(since)s
   AND (%(devices)s::int8[] IS NULL OR device_id = ANY(%(devices)s));

-- name: outcomes
-- All there are, however old: the newest replacement says how old a device is.
SELECT device_id, kind, extract(epoch FROM at)::float8, coalesce(cause, '')
  FROM ai_device_outcomes
 WHERE withdrawn_at IS NULL AND at < %(until)s
   AND (%(devices)s::int8[] IS NULL OR device_id = ANY(%(devices)s))
 ORDER BY device_id, at;
