-- The columns' order is the contract with samples.py.

-- name: telemetry_window
SELECT id,
       extract(epoch FROM timestamp)::float8,
       device_id,
       cpu_percent,
       memory_percent,
       disk_percent,
       network_latency_ms,
       transaction_volume,
       active_connections::float8,
       queue_depth::float8,
       error_rate,
       transaction_count::float8,
       extra_metrics::text,
       provenance,
       collection_interval_seconds::float4
  FROM device_metrics
 WHERE ((timestamp > %(after)s AND timestamp <= %(until)s)
        -- Rows that came late: of an earlier minute, but stored since the last look. Ids of slow
        -- transactions may lie below; what was used already is known by its time.
        OR (timestamp > %(late_after)s AND timestamp <= %(after)s
            AND (id > %(above_id)s OR device_id = ANY(%(behind)s::integer[]))))
   AND ai_shard_of(device_id, %(shards)s) = %(shard)s
   AND (%(only)s::integer[] IS NULL OR device_id = ANY(%(only)s))
 ORDER BY device_id, timestamp, id;

-- name: newest_row
-- Grouped by nothing: what arrived since the last look, whatever time it claims.
SELECT max(id),
       count(*) FILTER (WHERE timestamp <= %(late_before)s AND ai_shard_of(device_id, %(shards)s) = %(shard)s)
  FROM device_metrics
 WHERE id > %(last_id)s;

-- name: first_look
SELECT max(id), 0 FROM device_metrics;

-- name: future_rows
-- Those that claim a time still to come, and those that did: their time must pass before they are forgotten.
SELECT id, timestamp
  FROM device_metrics
 WHERE timestamp > %(after)s AND ai_shard_of(device_id, %(shards)s) = %(shard)s
 UNION
SELECT id, timestamp
  FROM device_metrics
 WHERE id = ANY(%(known)s::integer[]) AND timestamp > %(late_before)s
 ORDER BY timestamp, id
 LIMIT 10000;

-- name: history_bounds
SELECT min(timestamp), max(timestamp), count(*)
  FROM device_metrics
 WHERE timestamp > %(after)s AND timestamp <= %(until)s
   AND ai_shard_of(device_id, %(shards)s) = %(shard)s
   AND (%(only)s::integer[] IS NULL OR device_id = ANY(%(only)s));
