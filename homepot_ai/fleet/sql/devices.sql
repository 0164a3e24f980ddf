-- name: devices
SELECT d.id,
       d.device_id,
       d.name,
       d.device_type,
       d.site_id,
       d.firmware_version,
       coalesce(d.is_active, true) AND coalesce(s.is_active, true),
       coalesce(d.is_simulated, false),
       d.last_heartbeat_at,
       d.created_at,
       coalesce(o.excluded, false),
       o.gateway_device_id
  FROM devices d
  JOIN sites s ON s.id = d.site_id
  LEFT JOIN ai_device_settings o ON o.device_id = d.id
 ORDER BY d.id;

-- name: scoring_devices
-- is_monitored is no filter: it is false by default and says nothing.
SELECT d.id,
       d.device_type,
       d.site_id,
       extract(epoch FROM d.last_heartbeat_at)::float8,
       extract(epoch FROM d.created_at)::float8,
       coalesce(o.excluded, false),
       d.device_id,
       d.name
  FROM devices d
  JOIN sites s ON s.id = d.site_id
  LEFT JOIN ai_device_settings o ON o.device_id = d.id
 WHERE coalesce(d.is_active, true)
   AND coalesce(s.is_active, true)
   AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
   AND ai_shard_of(d.id, %(shards)s) = %(shard)s
 ORDER BY d.id;

-- name: sites
SELECT s.id, s.site_id, s.name, s.location, coalesce(s.is_active, true), o.timezone, o.locale
  FROM sites s
  LEFT JOIN ai_site_settings o ON o.site_id = s.id
 ORDER BY s.id;

-- name: maintenance_schedule
SELECT site_id, day_of_week, open_time, close_time, coalesce(is_closed, false)
  FROM site_operating_schedules
 WHERE is_maintenance_window;
