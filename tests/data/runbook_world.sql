-- What the commands of the runbooks and guides act on, with the numbers and names that the pages use.

-- name: devices
UPDATE devices SET device_id = 'DEVICE-0007', name = 'Till 3' WHERE id = 6;

-- name: device_12
INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, created_at)
VALUES (12, 'DEVICE-0012', 'Checkout 12', 'pos_terminal', 'active', 1, true, %(old)s);

-- name: users
INSERT INTO users (id, username, email, hashed_password, is_active, is_admin)
SELECT n, 'user' || n, m, 'x', true, true
  FROM (VALUES (1, 'planner@example.org'), (2, 'boss@example.org'), (3, 'ann@example.org')) AS x (n, m);

-- name: state
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at)
VALUES (0, 'live', %(now)s, -1, 1, '', '', %(now)s);

-- name: anomalies
INSERT INTO ai_anomaly_logs (id, device_id, health_score, status, metrics, created_at, started_at, severity, metric,
                             observed, expected_low, expected_high, initial_score, peak_score, provenance, strength,
                             opened_by)
OVERRIDING SYSTEM VALUE
SELECT n, d, 0.4, 'open', '[{"metric": "cpu_percent", "kind": "baseline"}]', %(old)s, %(old)s, 'critical', 'cpu_percent',
       97.2, 20, 60, 0.5, 0.4, 'controlled', 2, 'evidence'
  FROM (VALUES (17, 1), (42, 2), (412, 3)) AS x (n, d);

-- name: incidents
INSERT INTO ai_incidents (id, fingerprint, kind, site_id, root_device_id, device_type, cause, category, title, state,
                          severity, initial_severity, peak_severity, conclusion, provenance, started_at, opened_at,
                          initial, facts, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, 'f' || n, 'device', 1, d, 'pos_terminal', 'cpu_percent.high', 'performance', 'CPU too high', 'open',
       'warning', 'warning', 'warning', 'LIKELY', 'controlled', %(old)s, %(old)s, f, f, %(old)s
  FROM (VALUES (17, 1), (42, 2), (412, 3)) AS x (n, d),
       (VALUES ('{"metrics": [{"metric": "cpu_percent", "observed": 97.2, "low": 20, "high": 60, "direction": "high", "unit": "%%", "since": "2026-11-20T08:00:00+00:00"}], "devices": [1], "health": 0.4, "events": [], "firmware": null}'::jsonb)) AS y (f);

-- name: members
INSERT INTO ai_incident_devices SELECT id, root_device_id, started_at, NULL FROM ai_incidents;

-- name: joined
INSERT INTO ai_incident_anomalies SELECT id, id FROM ai_incidents;

-- name: events
INSERT INTO ai_incident_events (incident_id, at, kind, actor, alerted_at)
SELECT id, started_at, 'opened', 'rule', started_at FROM ai_incidents;

-- name: visits
INSERT INTO ai_maintenance_schedule (id, device_id, site_id, cause, visit_at, visit_until, timezone, state, reason,
                                     action, level, probability, proposed_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, 1, 'disk_percent.high', %(now)s + interval '3 days', %(now)s + interval '3 days 1 hour', 'Europe/Berlin',
       'proposed', 'disk nearly full', 'free space', 'high', 0.8, %(old)s, %(old)s
  FROM generate_series(3, 5) n;

-- name: windows
INSERT INTO ai_windows (id, scope, name, starts_at, ends_at, created_by, created_at)
OVERRIDING SYSTEM VALUE
VALUES (3, 'fleet', 'planned', %(now)s + interval '1 day', %(now)s + interval '2 days', 'Ann', %(old)s);

-- name: outbox
INSERT INTO ai_mail_outbox (id, key, kind, reference, recipient, subject, message_id, payload, state, last_answer)
OVERRIDING SYSTEM VALUE
VALUES (8, 'k', 'report', 'r', 'ann@example.org', 'Report', '<m@homepot.example>', '', 'unknown', '250 ok');

-- name: channel
INSERT INTO ai_alerts_outbox (id, key, kind, reference, recipient, subject, message_id, payload, state, last_answer)
OVERRIDING SYSTEM VALUE
VALUES (8, 'k', 'alert', 'r', 'team', 'Alert', '<m@homepot.example>', '', 'failed', '500');

-- name: route
INSERT INTO ai_alert_routes (name, channel, address, created_by, created_at)
VALUES ('Night', 'mail', 'oncall@example.org', 'Ann', %(old)s);

-- name: subscriptions
INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode) VALUES
  ('ann@example.org', 'alert', 'site', 1, 'maintenance'), ('boss@example.org', 'weekly', 'fleet', NULL, 'executive');

-- name: token
INSERT INTO ai_api_tokens (name, token_hash, scopes, made_at) VALUES ('old', 'h', '{read}', %(old)s);

-- name: archived
INSERT INTO ai_audit_log (at, actor, action, subject) VALUES (%(old)s, 'Ann', 'looked', 'at it');

-- name: threshold
INSERT INTO ai_alarm_thresholds (device_type, offset_decades, marked_true, marked_false, reason, decided_by, decided_at)
VALUES ('pos_terminal', 0.2, 3, 9, 'marks', 'mark', %(old)s);
