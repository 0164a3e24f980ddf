-- name: lock
-- Two fits of a shard take turns: the second finds the first one's row.
SELECT pg_advisory_xact_lock(hashtext('ai_baseline_fits ' || current_schema()), %(shard)s);

-- name: adopted
-- Newest first. What was adopted counts until the next one does: the newest is the one in force.
SELECT f.version, f.fitted_at,
       EXISTS (SELECT FROM ai_baselines b
                WHERE b.shard = f.shard AND b.kind = 'fitted' AND b.at = f.fitted_at AND b.part = -1)
  FROM ai_baseline_fits f
 WHERE f.shard = %(shard)s AND f.adopted AND f.fitted_at <= %(until)s
 ORDER BY f.fitted_at DESC
 LIMIT 50;

-- name: recent
SELECT version, fitted_at, data_from, data_until, series, payload_bytes, error_new, error_old, error_without,
       adopted, in_force, reason, details
  FROM ai_baseline_fits
 WHERE shard = %(shard)s
 ORDER BY version DESC
 LIMIT %(limit)s;

-- name: of_data
SELECT version FROM ai_baseline_fits
 WHERE shard = %(shard)s AND data_until = %(data_until)s AND details ->> 'put_back' IS NULL;

-- name: newest
SELECT max(version), max(fitted_at), max(data_until) FILTER (WHERE details ->> 'put_back' IS NULL)
  FROM ai_baseline_fits
 WHERE shard = %(shard)s;

-- name: parts
SELECT part, payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'fitted' AND at = %(at)s AND part = ANY(%(parts)s);

-- name: leave_force
UPDATE ai_baseline_fits SET in_force = false WHERE shard = %(shard)s AND in_force;

-- name: record
INSERT INTO ai_baseline_fits (shard, version, fitted_at, data_from, data_until, series, payload_bytes, error_new,
                              error_old, error_without, adopted, in_force, reason, details)
VALUES (%(shard)s, %(version)s, %(fitted_at)s, %(data_from)s, %(data_until)s, %(series)s, %(payload_bytes)s,
        %(error_new)s, %(error_old)s, %(error_without)s, %(adopted)s, %(adopted)s, %(reason)s, %(details)s::jsonb);

-- name: put_part
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at, shards)
VALUES (%(shard)s, 'fitted', %(at)s, %(part)s, %(version)s, %(payload)b, %(checksum)s, %(at)s, %(shards)s);

-- name: copy_parts
-- A version put back is a version of its own: what was in force when stays readable from the rows.
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at, shards)
SELECT shard, kind, %(at)s, part, %(version)s, payload, checksum, %(at)s, shards
  FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'fitted' AND version = %(from_version)s;

-- name: forget_parts
-- Beyond the newest ones, and older than any minute that can still be scored again.
DELETE FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'fitted' AND at < %(keep_from)s
   AND at NOT IN (SELECT fitted_at FROM ai_baseline_fits
                   WHERE shard = %(shard)s AND adopted ORDER BY fitted_at DESC LIMIT %(keep)s);

-- name: move_aside
UPDATE ai_baselines SET shard = -1 - shard WHERE kind = 'fitted';

-- name: drop_aside
DELETE FROM ai_baselines WHERE kind = 'fitted' AND shard < 0;

-- name: retire
UPDATE ai_baseline_fits SET adopted = false, in_force = false WHERE adopted;

-- name: hour_means
-- One row per device and list of metrics, however many hours: names are sent once, means as one array.
SELECT device_id, metrics,
       array_send(array_agg((extract(epoch FROM hour - %(since)s) / 3600)::int4)),
       array_send(array_agg(mean))
  FROM ai_metric_hours
 WHERE device_id = ANY(%(devices)s) AND hour >= %(since)s AND hour < %(until)s
 GROUP BY device_id, metrics;

-- name: anomalies
SELECT device_id, extract(epoch FROM started_at)::float8,
       extract(epoch FROM least(coalesce(ended_at, %(until)s), %(until)s))::float8
  FROM ai_anomaly_logs
 WHERE device_id = ANY(%(devices)s) AND started_at < %(until)s AND coalesce(ended_at, %(until)s) > %(since)s;
