-- HOMEPOT writes naive UTC into device_metrics: the bounds are turned into the same.

-- name: received
-- Rows by device, provenance and interval; `moments` counts retried rows once.
SELECT device_id, lower(provenance), collection_interval_seconds, count(*), count(DISTINCT timestamp),
       count(network_latency_ms)
  FROM device_metrics
 WHERE device_id = ANY(%(ids)s::integer[])
   AND timestamp >= %(start)s AT TIME ZONE 'UTC' AND timestamp < %(end)s AT TIME ZONE 'UTC'
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: last_rows
-- What a silent device sent last, before the period.
SELECT d.device_id, lower(m.provenance), m.collection_interval_seconds
  FROM unnest(%(ids)s::integer[]) AS d (device_id)
  CROSS JOIN LATERAL (
    SELECT provenance, collection_interval_seconds FROM device_metrics m
     WHERE m.device_id = d.device_id AND m.timestamp < %(start)s AT TIME ZONE 'UTC'
     ORDER BY m.timestamp DESC LIMIT 1) AS m
 ORDER BY 1;
