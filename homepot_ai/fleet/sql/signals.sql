-- Each returns (device, seconds since 1970) or more, in order of time.

-- name: health_checks
-- The table has no index on time; its key begins with id, which grows with time. The floor on id keeps
-- the scan short, the time decides.
SELECT device_id, extract(epoch FROM timestamp)::float8, is_healthy
  FROM health_checks
 WHERE id > %(above_id)s AND timestamp > %(after)s AND timestamp <= %(until)s
 ORDER BY timestamp, id;

-- name: newest_health_check
SELECT coalesce(max(id), 0) FROM health_checks WHERE id > %(above_id)s AND timestamp <= %(until)s;

-- name: state_changes
SELECT device_id, extract(epoch FROM timestamp)::float8, previous_state, new_state, left(reason, 400)
  FROM device_state_history
 WHERE timestamp > %(after)s AND timestamp <= %(until)s
 ORDER BY timestamp, id;

-- name: errors
SELECT context::text,
       extract(epoch FROM timestamp)::float8, severity, error_code, left(error_message, 400)
  FROM error_logs
 WHERE timestamp > %(after)s AND timestamp <= %(until)s
   AND severity NOT IN ('info', 'debug')
   AND context IS NOT NULL
 ORDER BY timestamp, id;

-- name: job_outcomes
SELECT device_id, extract(epoch FROM timestamp)::float8, job_type, left(error_message, 400)
  FROM job_outcomes
 WHERE timestamp > %(after)s AND timestamp <= %(until)s
   AND status = 'failed' AND device_id IS NOT NULL
 ORDER BY timestamp, id;

-- name: jobs
SELECT device_id, extract(epoch FROM completed_at)::float8, action, left(error_message, 400)
  FROM jobs
 WHERE completed_at > %(after)s AND completed_at <= %(until)s
   AND status = 'failed' AND device_id IS NOT NULL
 ORDER BY completed_at, id;

-- name: configuration_changes
SELECT entity_id, extract(epoch FROM timestamp)::float8, parameter_name, change_type, changed_by
  FROM configuration_history
 WHERE timestamp > %(after)s AND timestamp <= %(until)s
   AND entity_type = 'device'
 ORDER BY timestamp, id;
