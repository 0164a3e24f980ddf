-- What is taken out to learn from: incidents that ended and that somebody did something about.

-- name: incidents
SELECT i.id, i.kind, i.site_id, i.root_device_id, i.device_type, i.cause, i.category, i.title, i.peak_severity,
       i.devices, i.facts, i.resolution, i.provenance, i.opened_at, i.closed_at, i.fingerprint,
       i.initial_severity, i.conclusion, i.closed_by, i.recurrence, i.flapping, i.mark, p.outcome,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
                          'action', a.action, 'kind', a.kind, 'outcome', a.outcome,
                          'minutes', round(extract(epoch FROM a.done_at - i.opened_at) / 60))
                        ORDER BY a.done_at, a.id)
                   FROM ai_actions a WHERE a.incident_id = i.id), '[]')
  FROM ai_incidents i
  LEFT JOIN ai_incident_patterns p ON p.incident_id = i.id
 WHERE i.state = 'closed' AND i.closed_at >= %(since)s AND i.closed_at < %(until)s
 ORDER BY i.id;

-- name: devices
SELECT name, id FROM devices WHERE name IS NOT NULL
 UNION SELECT device_id, id FROM devices WHERE device_id IS NOT NULL;

-- name: sites
SELECT name, id FROM sites WHERE name IS NOT NULL
 UNION SELECT site_id, id FROM sites WHERE site_id IS NOT NULL
 UNION SELECT location, id FROM sites WHERE location IS NOT NULL;

-- name: people
-- Whoever acted, was told of something or reads reports.
SELECT done_by FROM ai_actions
 UNION SELECT acknowledged_by FROM ai_incidents
 UNION SELECT snoozed_by FROM ai_incidents
 UNION SELECT closed_by FROM ai_incidents
 UNION SELECT actor FROM ai_incident_events
 UNION SELECT marked_by FROM ai_anomaly_marks
 UNION SELECT decided_by FROM ai_maintenance_schedule
 UNION SELECT recorded_by FROM ai_device_outcomes
 UNION SELECT created_by FROM ai_windows
 UNION SELECT user_name FROM ai_user_preferences
 UNION SELECT user_name FROM ai_questions
 UNION SELECT email FROM ai_subscriptions
 UNION SELECT recipient FROM ai_mail_outbox;

-- name: users
SELECT email FROM users WHERE email IS NOT NULL;
