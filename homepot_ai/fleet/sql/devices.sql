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

-- name: some_devices
-- Those in use among these.
SELECT d.id, d.device_id, d.name, d.device_type, d.site_id, d.firmware_version, o.gateway_device_id
  FROM devices d
  JOIN sites s ON s.id = d.site_id
  LEFT JOIN ai_device_settings o ON o.device_id = d.id
 WHERE d.id = ANY(%(ids)s::integer[])
   AND coalesce(d.is_active, true)
   AND coalesce(s.is_active, true)
   AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
   AND NOT coalesce(o.excluded, false);

-- name: devices_at_sites
SELECT d.site_id, count(*)
  FROM devices d
  LEFT JOIN ai_device_settings o ON o.device_id = d.id
 WHERE d.site_id = ANY(%(ids)s::integer[])
   AND coalesce(d.is_active, true)
   AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
   AND NOT coalesce(o.excluded, false)
 GROUP BY d.site_id;

-- name: devices_behind
SELECT o.gateway_device_id, count(*)
  FROM ai_device_settings o
  JOIN devices d ON d.id = o.device_id
 WHERE o.gateway_device_id = ANY(%(ids)s::integer[])
   AND coalesce(d.is_active, true)
   AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
   AND NOT coalesce(o.excluded, false)
 GROUP BY o.gateway_device_id;

-- name: schedules_there
SELECT to_regclass('site_operating_schedules') IS NOT NULL;

-- name: operating_hours
SELECT site_id, day_of_week, open_time, close_time, coalesce(is_closed, false), peak_hours_start, peak_hours_end
  FROM site_operating_schedules
 WHERE site_id = ANY(%(ids)s::integer[])
 ORDER BY site_id, day_of_week;
