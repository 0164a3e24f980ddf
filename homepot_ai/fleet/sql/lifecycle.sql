-- HOMEPOT mixes online and offline with the lifecycle: what only comes and goes is left out. Naive UTC.

-- name: there
SELECT to_regclass('device_state_history') IS NOT NULL;

-- name: changes
SELECT id, device_id, timestamp AT TIME ZONE 'UTC', lower(previous_state), lower(new_state), left(reason, 400),
       lead(timestamp AT TIME ZONE 'UTC') OVER (PARTITION BY device_id ORDER BY timestamp, id)
  FROM device_state_history
 WHERE timestamp > %(after)s::timestamptz AT TIME ZONE 'UTC'
   AND timestamp <= %(until)s::timestamptz AT TIME ZONE 'UTC'
   AND (lower(new_state) NOT IN ('online', 'offline', 'healthy', 'unhealthy', 'degraded', 'unknown', 'error')
        OR lower(previous_state) IN ('maintenance', 'in_maintenance', 'retired', 'decommissioned', 'suspended')
        OR reason ~* 'replac|swap|exchang|ersetz|ausgetauscht|remplac')
 ORDER BY timestamp, id;
