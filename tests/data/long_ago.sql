-- What an installation has after some years: a row or a few of each kind, long ago (`old`) or past the ledger's time.

-- name: r0_ai_predictions
INSERT INTO ai_predictions (made_at, device_id, kind, horizon, from_at, due_at, metric, mid, forecaster,
version, reason, facts, settled_at, outcome, score) SELECT %(ledger)s + n * interval '20 days', 7, 'level',
'24h', %(ledger)s + n * interval '20 days', %(ledger)s + n * interval '20 days' + interval '1 day',
'cpu_percent', 41.5, 'x', '1', 'daily', '{"why": "ü"}', %(ledger)s + n * interval '20 days' + interval '2
days', 'happened', 0.1 FROM generate_series(0, 3) n;

-- name: r1_ai_predictions
INSERT INTO ai_predictions (made_at, device_id, kind, horizon, from_at, due_at, mid, forecaster, version,
reason) VALUES (%(ledger)s, 8, 'level', '24h', %(ledger)s, %(ledger)s + interval '1 day', 1, 'x', '1',
'daily');

-- name: r2_ai_maintenance_schedule
INSERT INTO ai_maintenance_schedule (device_id, cause, visit_at, visit_until, timezone, state, reason,
action, level, cost, currency, proposed_at, updated_at) VALUES (7, 'disk_percent.high', %(ledger)s,
%(ledger)s + interval '1 hour', 'UTC', 'done', 'r', 'a', 'high', 120.50, 'EUR', %(ledger)s, %(ledger)s);

-- name: r3_ai_risk_episodes
INSERT INTO ai_risk_episodes (device_id, cause, level, raised_at, last_at, ended_at, due_at, alerted_at,
outcome, settled_at) VALUES (7, 'disk_percent.high', 'high', %(ledger)s, %(ledger)s, %(ledger)s, %(ledger)s
+ interval '7 days', %(ledger)s, 'came_true', %(ledger)s);

-- name: r4_ai_prediction_rules
INSERT INTO ai_prediction_rules (made_at, thresholds, leaders, record) VALUES (%(ledger)s, '{}', '{}', '{}');

-- name: r5_ai_prediction_rules
INSERT INTO ai_prediction_rules (made_at, thresholds, leaders, record) VALUES (%(now)s, '{}', '{}', '{}');

-- name: r6_ai_baseline_fits
INSERT INTO ai_baseline_fits (shard, version, fitted_at, data_from, data_until, series, payload_bytes,
adopted, in_force, reason, details) SELECT 0, n, %(ledger)s, %(ledger)s, %(ledger)s, 1, 1, true, n = 2,
'better', '{}' FROM generate_series(1, 2) n;

-- name: r7_ai_watch_sizes
INSERT INTO ai_watch_sizes SELECT 'disk', %(old)s, 1;

-- name: r8_ai_watch_sizes
INSERT INTO ai_watch_sizes SELECT 'disk', %(now)s - n * interval '6 hours', 1 FROM generate_series(0, 79) n;

-- name: r9_ai_mail_outbox
INSERT INTO ai_mail_outbox (key, kind, reference, recipient, subject, message_id, payload, state,
created_at) VALUES ('k', 'report', 'r', 'a@b.example', 's', 'm', 'secret', 'sent', %(old)s), ('k2',
'report', 'r', 'a@b.example', 's', 'm2', 'secret', 'unknown', %(old)s);

-- name: r10_ai_alerts_outbox
INSERT INTO ai_alerts_outbox (key, kind, reference, recipient, subject, message_id, payload, state,
created_at) VALUES ('k', 'alert', 'r', 'team', 's', 'm', '', 'sent', %(old)s);

-- name: r11_ai_audit_log
INSERT INTO ai_audit_log (at, actor, action, subject) VALUES (%(old)s, 'a', 'b', 'c'), (%(now)s, 'a', 'b',
'd');

-- name: r12_ai_backups
INSERT INTO ai_backups (name, started_at, outcome) VALUES ('first', %(old)s, 'good'), ('last good', %(old)s,
'good'), ('bad', %(old)s, 'failed');

-- name: r13_ai_restore_drills
INSERT INTO ai_restore_drills (at, backup, kind, outcome, seconds, checks) VALUES (%(old)s, 'first',
'nightly', 'passed', 1, '[]'), (%(old)s, 'last good', 'nightly', 'passed', 1, '[]');

-- name: r14_ai_watch_alarms
INSERT INTO ai_watch_alarms (key, severity, title, detail, runbook, first_at, last_at, resolved_at) VALUES
('x', 'warning', 't', 'd', 'r', %(old)s, %(old)s, %(old)s), ('y', 'warning', 't', 'd', 'r', %(old)s,
%(old)s, NULL);

-- name: r15_ai_alarm_thresholds
INSERT INTO ai_alarm_thresholds (device_type, offset_decades, marked_true, marked_false, reason, decided_by,
decided_at) SELECT 'pos', 0.1 * n, 1, 1, 'r', 'p', %(old)s FROM generate_series(1, 2) n;

-- name: r16_ai_device_outcomes
INSERT INTO ai_device_outcomes (device_id, at, kind, source, reference, recorded_by, recorded_at,
changed_at) VALUES (7, %(old)s, 'failure', 'person', 'x', 'p', %(old)s, %(old)s);

-- name: r17_ai_incident_patterns
INSERT INTO ai_incident_patterns (kind, device_id, category, severity, pattern_description, content_hash,
happened_at, created_at, outcome_id) SELECT 'course', 7, 'storage', 'info', 'text', 'h', %(old)s, %(old)s,
id FROM ai_device_outcomes;

-- name: r18_ai_windows
INSERT INTO ai_windows (scope, name, starts_at, ends_at, created_by, created_at) VALUES ('fleet', 'w',
%(old)s, %(old)s + interval '1 hour', 'p', %(old)s);

-- name: r19_ai_hazard_models
INSERT INTO ai_hazard_models (fitted_at, data_from, data_until, devices, device_days, failures, kind,
scores, adopted, in_force, reason) SELECT %(old)s, %(old)s, %(old)s, 1, 1, 0, 'prior', '{}', true, n = 2,
'r' FROM generate_series(1, 2) n;

-- name: r20_ai_backtests
INSERT INTO ai_backtests (asked_at, asked_by, range_from, range_until, configurations, result, seconds)
VALUES (%(old)s, 'p', %(old)s, %(old)s, '{}', '{}', 1);

-- name: r21_ai_reports
INSERT INTO ai_reports (report_id, revision, report_type, scope, period_start, period_end, timezone, mode,
content, facts_hash, generated_at, recipients, facts) SELECT 'r' || n, 1, 'daily', 'fleet', t, t, 'UTC',
'maintenance', '{}', 'h', t, '[]', '{}' FROM (VALUES (1, %(old)s), (2, %(ledger)s)) x (n, t);

-- name: r22_ai_report_editions
INSERT INTO ai_report_editions (report_id, revision, mode, language, paper, pdf, words, template_version)
SELECT report_id, 1, 'maintenance', 'en', 'A4', '%%PDF', '{}', 'v' FROM ai_reports;

-- name: r23_ai_device_gaps
INSERT INTO ai_device_gaps (device_id, status, noticed_at, ended_at) VALUES (7, 'no_data', %(old)s, %(old)s);

-- name: r24_ai_scoring_minutes
INSERT INTO ai_scoring_minutes VALUES (0, %(old)s, 1, 1, 0, 0, 0, 0, 0, 1, '{}', 0.1, %(old)s);

-- name: anomalies
INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, severity)
SELECT n, 'closed', '[]', t, t, t, 'warning' FROM (VALUES (1, %(old)s), (2, %(now)s)) AS x (n, t);

-- name: incidents
-- The second is young, and points back to the first.
INSERT INTO ai_incidents (fingerprint, kind, root_device_id, cause, category, title, state, severity,
                          initial_severity, peak_severity, started_at, opened_at, closed_at, initial, facts,
                          previous_id, updated_at)
SELECT 'f', 'device', 1, 'cpu_percent.high', 'performance', 'CPU', 'closed', 'warning', 'warning', 'warning', t, t,
       t, '{}', '{"metrics": []}', p, t
  FROM (VALUES (%(old)s, NULL::bigint), (%(now)s, 1)) AS x (t, p) ORDER BY t;

-- name: incident_devices
INSERT INTO ai_incident_devices SELECT id, 1, started_at, NULL FROM ai_incidents;

-- name: incident_anomalies
INSERT INTO ai_incident_anomalies SELECT id, id FROM ai_incidents;

-- name: incident_events
INSERT INTO ai_incident_events (incident_id, at, kind, actor)
SELECT id, started_at, k, 'rule' FROM ai_incidents, unnest(ARRAY['opened', 'closed']) AS k;

-- name: alert_messages
INSERT INTO ai_alert_messages (incident_id, channel, address, kind, severity, at, state, told_at)
SELECT id, 'mail', 'a@b.example', 'opened', 'warning', started_at, 'told', started_at FROM ai_incidents;

-- name: suppressed
INSERT INTO ai_suppressed (incident_id, why, begun_at, ended_at) SELECT id, 'snooze', started_at, started_at
  FROM ai_incidents;

-- name: actions
INSERT INTO ai_actions (key, incident_id, category, kind, action, action_key, done_by, done_at, recorded_at, source)
SELECT 'k' || id, id, 'performance', 'taken', 'restarted', 'restart', 'p', started_at, started_at, 'flow'
  FROM ai_incidents;

-- name: patterns
INSERT INTO ai_incident_patterns (kind, incident_id, category, severity, pattern_description, content_hash,
                                  happened_at, created_at)
SELECT 'incident', id, 'performance', 'warning', 'CPU overloaded', 'h', started_at, started_at FROM ai_incidents;

-- name: marks
INSERT INTO ai_anomaly_marks (anomaly_id, verdict, marked_by, marked_at)
SELECT id, 'true', 'p', started_at FROM ai_anomaly_logs;

-- name: calls
INSERT INTO ai_llm_calls (at, purpose, prompt_hash, model, digest, options, outcome, latency_ms)
VALUES (%(old)s, 'x', 'h', 'm', 'd', '{}', 'ok', 1);

-- name: questions
INSERT INTO ai_questions (at, user_name, question, slots, how, outcome, response_ms)
VALUES (%(old)s, 'me', 'how?', '{}', 'rules', 'answered', 1);

-- name: metric_hours
INSERT INTO ai_metric_hours VALUES (1, %(old)s, '{cpu_percent}', '{60}', '{1}', '{1}', '{1}', '{1}');

-- name: health_hours
INSERT INTO ai_health_hours VALUES (1, %(old)s, %(old)s, 60, 1, 60, 0, 0, 0, 0, 0, 0, 0, 60, 60, 60, 0, '{60}', 'healthy');
