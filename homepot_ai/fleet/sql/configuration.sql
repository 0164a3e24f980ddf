-- HOMEPOT's record of changed settings. Times are naive UTC.

-- name: there
SELECT to_regclass('configuration_history') IS NOT NULL;

-- name: changes
-- Values are left out: a setting may be a password.
SELECT entity_id, timestamp AT TIME ZONE 'UTC', parameter_name, changed_by, coalesce(was_rolled_back, false)
  FROM configuration_history
 WHERE timestamp > %(after)s::timestamptz AT TIME ZONE 'UTC'
   AND timestamp <= %(until)s::timestamptz AT TIME ZONE 'UTC'
   AND lower(entity_type) = 'device'
 ORDER BY timestamp, id;
