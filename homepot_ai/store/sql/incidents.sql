-- Incidents: one row from the first suspicion to the close, and everything that happened to it.

-- name: incident
SELECT id, fingerprint, kind, site_id, root_device_id, device_type, cause, category, title, state, severity,
       initial_severity, peak_severity, conclusion, provenance, started_at, opened_at, acknowledged_at,
       acknowledged_by, snoozed_until, snoozed_by, quiet_since, closed_at, closed_by, resolution, devices,
       peak_devices, initial, facts, previous_id, recurrence, flapping, mark, homepot_alert_id, version,
       updated_at
  FROM ai_incidents
 WHERE id = %(id)s;

-- name: live
-- Suspected, open and acknowledged ones, the oldest first.
SELECT id, fingerprint, kind, site_id, root_device_id, device_type, cause, category, title, state, severity,
       initial_severity, peak_severity, conclusion, provenance, started_at, opened_at, acknowledged_at,
       acknowledged_by, snoozed_until, snoozed_by, quiet_since, closed_at, closed_by, resolution, devices,
       peak_devices, initial, facts, previous_id, recurrence, flapping, mark, homepot_alert_id, version,
       updated_at
  FROM ai_incidents
 WHERE state IN ('pending', 'open', 'acknowledged')
 ORDER BY id;

-- name: events
SELECT id, incident_id, at, kind, actor, comment, details, recorded_at, alerted_at
  FROM ai_incident_events
 WHERE incident_id = %(incident_id)s
 ORDER BY id;

-- name: append_event
INSERT INTO ai_incident_events (incident_id, at, kind, actor, comment, details)
VALUES (%(incident_id)s, %(at)s, %(kind)s, %(actor)s, %(comment)s, %(details)s::jsonb)
RETURNING id;
