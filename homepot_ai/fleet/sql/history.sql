-- Weeks of HOMEPOT's logs about devices: who, when, what kind. No texts.

-- name: errors
SELECT context::text, extract(epoch FROM timestamp)::float8, severity
  FROM error_logs
 WHERE timestamp >= %(after)s AND timestamp < %(until)s
   AND severity IN ('warning', 'error', 'critical') AND context IS NOT NULL;

-- name: job_outcomes
SELECT device_id, extract(epoch FROM timestamp)::float8
  FROM job_outcomes
 WHERE timestamp >= %(after)s AND timestamp < %(until)s AND status = 'failed' AND device_id IS NOT NULL;

-- name: state_changes
SELECT device_id, extract(epoch FROM timestamp)::float8
  FROM device_state_history
 WHERE timestamp >= %(after)s AND timestamp < %(until)s;

-- name: configuration_changes
SELECT entity_id, extract(epoch FROM timestamp)::float8
  FROM configuration_history
 WHERE timestamp >= %(after)s AND timestamp < %(until)s AND entity_type = 'device';
