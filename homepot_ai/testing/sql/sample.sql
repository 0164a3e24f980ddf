-- The sample fleet's rows in HOMEPOT's tables (embedded database only) and in ours.

-- name: lock
SELECT pg_advisory_xact_lock(hashtext('homepot-ai sample fleet'));

-- name: homepot_tables
SELECT to_regclass('devices') IS NOT NULL;

-- name: fleet_in_database
SELECT device_id, config->>'sample_load' FROM devices ORDER BY device_id;

-- name: rows_without_devices
SELECT (SELECT count(*) FROM sites), (SELECT count(*) FROM users);

-- name: insert_tenant
INSERT INTO tenants (name, slug, settings, is_active, created_at, updated_at)
VALUES (%(name)s, %(slug)s, '{}', true, %(at)s, %(at)s)
RETURNING id;

-- name: insert_site
INSERT INTO sites (site_id, name, description, location, latitude, longitude, tenant_id, is_active,
                   is_monitored, lifecycle_state, created_at, updated_at)
VALUES (%(public_id)s, %(name)s, %(description)s, %(location)s, %(latitude)s, %(longitude)s, %(tenant)s, true,
        true, 'active', %(at)s, %(at)s)
RETURNING id;

-- name: insert_schedule
INSERT INTO site_operating_schedules (site_id, day_of_week, open_time, close_time, is_closed,
                                      is_maintenance_window, expected_transaction_volume, peak_hours_start,
                                      peak_hours_end, notes)
VALUES (%(site)s, %(day)s, %(open)s, %(close)s, %(closed)s, false, %(volume)s, %(peak_start)s, %(peak_end)s,
        %(notes)s);

-- name: insert_user
INSERT INTO users (username, email, full_name, hashed_password, role, is_active, is_admin, tenant_id,
                   created_at, updated_at)
VALUES (%(username)s, %(email)s, %(full_name)s, 'sample account, no login', %(role)s, true, %(is_admin)s,
        %(tenant)s, %(at)s, %(at)s)
RETURNING id;

-- name: insert_tenant_membership
INSERT INTO tenant_memberships (user_id, tenant_id, role, created_at, updated_at)
VALUES (%(user)s, %(tenant)s, %(role)s, %(at)s, %(at)s);

-- name: insert_site_membership
INSERT INTO site_memberships (user_id, site_id, role, created_at, updated_at)
VALUES (%(user)s, %(site)s, %(role)s, %(at)s, %(at)s);

-- name: insert_device
INSERT INTO devices (device_id, name, device_type, status, lifecycle_state, health_state, site_id,
                     enrollment_method, ip_address, local_ip, mac_address, os_details, firmware_version, config,
                     is_active, is_monitored, is_simulated, created_at, updated_at)
VALUES (%(public_id)s, %(name)s, %(device_type)s, 'online', 'active', 'healthy', %(site)s,
        'pre-provisioned', %(ip)s, %(ip)s, %(mac)s, %(os_details)s, %(firmware)s, %(config)s,
        true, true, true, %(at)s, %(at)s)
RETURNING id;

-- name: insert_alert
INSERT INTO alerts (timestamp, device_id, site_id, title, description, severity, category, status, resolved_at,
                    resolved_by, resolution_notes)
VALUES (%(at)s, %(public_id)s, %(site)s, %(title)s, %(description)s, %(severity)s, %(category)s, 'resolved',
        %(resolved_at)s, %(resolved_by)s, %(notes)s);

-- name: insert_incident
-- Closed, and without events: nobody is alerted of what is over.
INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, category, title, state,
                          severity, initial_severity, peak_severity, provenance, started_at, opened_at, closed_at,
                          closed_by, resolution, devices, peak_devices, initial, facts, updated_at)
VALUES (%(fingerprint)s, %(kind)s, %(site)s, %(device)s,
        (SELECT device_type FROM devices WHERE id = %(device)s), %(cause)s, %(category)s, %(title)s, 'closed',
        'warning', 'warning', 'warning', 'simulated', %(opened_at)s, %(opened_at)s, %(closed_at)s, %(closed_by)s,
        %(resolution)s, %(devices)s, %(devices)s, %(facts)s, %(facts)s, %(closed_at)s);

-- name: insert_job
INSERT INTO jobs (job_id, action, description, priority, status, site_id, device_id, payload, ttl_seconds,
                  started_at, completed_at, result, error_message, created_by, created_at, updated_at)
VALUES (%(job_id)s, %(action)s, %(description)s, 'normal', %(status)s, %(site)s, %(device)s, '{}', 300,
        %(at)s, %(ended_at)s, '{"trigger": "simulation"}', %(error)s,
        (SELECT id FROM users WHERE username = %(by)s), %(at)s, %(ended_at)s);

-- name: insert_job_outcome
INSERT INTO job_outcomes (timestamp, job_id, job_type, device_id, status, duration_ms, error_message,
                          retry_count, initiated_by, provenance)
VALUES (%(ended_at)s, %(job_id)s, %(action)s, %(public_id)s, %(outcome)s, %(duration_ms)s, %(error)s,
        0, %(by)s, 'simulated');

-- name: insert_state
INSERT INTO device_state_history (timestamp, device_id, previous_state, new_state, changed_by, reason, provenance)
VALUES (%(at)s, %(device)s, %(before)s, %(after)s, 'system', %(reason)s, 'simulated');

-- name: insert_error
INSERT INTO error_logs (timestamp, category, severity, error_code, error_message, endpoint, context, resolved,
                        resolved_at, provenance)
VALUES (%(at)s, %(category)s, %(severity)s, %(code)s, %(message)s, '/agent/logs', %(context)s, %(resolved)s,
        %(resolved_at)s, 'simulated');

-- name: insert_configuration
INSERT INTO configuration_history (timestamp, entity_type, entity_id, parameter_name, old_value, new_value,
                                   changed_by, change_reason, change_type, was_successful, was_rolled_back,
                                   provenance)
VALUES (%(at)s, 'device', %(public_id)s, %(parameter)s, %(old)s, %(new)s, %(by)s, %(reason)s, 'manual', true,
        false, 'simulated');

-- name: insert_site_settings
INSERT INTO ai_site_settings (site_id, timezone, locale, updated_at)
VALUES (%(site)s, %(timezone)s, 'en', %(at)s)
ON CONFLICT (site_id) DO UPDATE SET timezone = excluded.timezone, updated_at = excluded.updated_at;

-- name: insert_device_settings
INSERT INTO ai_device_settings (device_id, gateway_device_id, updated_at)
VALUES (%(device)s, %(gateway)s, %(at)s)
ON CONFLICT (device_id) DO UPDATE SET gateway_device_id = excluded.gateway_device_id, updated_at = excluded.updated_at;

-- name: insert_subscription
INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active, created_at)
VALUES (%(email)s, %(kind)s, %(scope)s, %(scope_id)s, 'maintenance', true, %(at)s)
ON CONFLICT (email, kind, scope, scope_id) DO NOTHING;

-- name: last_samples
-- The newest replayed row of each device, by the index on (device_id, timestamp). Only rows on the
-- recording's own grid count: what somebody else wrote must not make the replay skip or stop.
SELECT d.id, extract(epoch FROM m.timestamp)::float8
FROM unnest(%(devices)s::int[], %(starts)s::bigint[], %(periods)s::int[]) AS d(id, start, period)
CROSS JOIN LATERAL (
    SELECT timestamp
    FROM device_metrics
    WHERE device_id = d.id AND timestamp <= %(until)s
      AND mod(extract(epoch FROM timestamp) - d.start, d.period) = 0
    ORDER BY timestamp DESC
    LIMIT 1
) AS m;

-- name: heartbeats
-- HOMEPOT's server does this at each heartbeat. Never backwards: a replay for a past moment changes nothing.
UPDATE devices AS d
SET last_heartbeat_at = b.at, last_seen = b.at, updated_at = b.at
FROM unnest(%(devices)s::int[], %(times)s::timestamptz[]) AS b(id, at)
WHERE d.id = b.id AND (d.last_heartbeat_at IS NULL OR d.last_heartbeat_at < b.at);

-- name: anomalies
SELECT device_id, started_at, ended_at, severity, coalesce(metric, '') AS metric
FROM ai_anomaly_logs
WHERE device_id = ANY(%(devices)s) AND started_at < %(until)s AND (ended_at IS NULL OR ended_at >= %(since)s)
ORDER BY started_at, device_id;

-- name: silent_minutes
-- Minutes of a device without data in a span: how a silence is found that raises no anomaly.
SELECT device_id, min(at) AS started_at, max(at) AS ended_at, 'info' AS severity, 'no data' AS metric
FROM ai_health_scores
WHERE device_id = ANY(%(devices)s) AND at > %(since)s AND at <= %(until)s AND status = 'no_data'
GROUP BY device_id;

-- name: reports
-- The newest revision of each report whose period ended since then; its facts as they were made.
SELECT DISTINCT ON (report_id) report_id, coalesce(facts::jsonb, content -> 'facts')
  FROM ai_reports
 WHERE period_end > %(since)s AND report_type IN ('daily', 'weekly', 'monthly', 'custom')
   AND scope IN ('fleet', 'site', 'device')
 ORDER BY report_id, revision DESC;
