-- What is past its time, by rule and table: the place of each row, and the moment that it is of. One statement
-- serves to count and to take. `before`: what is older; `ids`: of a rule whose rows leave together, whose parts.

-- name: metric_hours_ai_metric_hours
SELECT ctid, hour AS moment FROM ai_metric_hours WHERE hour < %(before)s

-- name: health_hours_ai_health_hours
SELECT ctid, hour AS moment FROM ai_health_hours WHERE hour < %(before)s

-- name: minutes_ai_scoring_minutes
SELECT ctid, at AS moment FROM ai_scoring_minutes WHERE at < %(before)s

-- name: gaps_ai_device_gaps
SELECT ctid, ended_at AS moment FROM ai_device_gaps WHERE ended_at < %(before)s

-- name: calls_ai_llm_calls
SELECT ctid, at AS moment FROM ai_llm_calls WHERE at < %(before)s

-- name: questions_ai_questions
SELECT ctid, at AS moment FROM ai_questions WHERE at < %(before)s

-- name: forecasts_ai_predictions
-- Settled: what is still to be judged stays, however old.
SELECT ctid, made_at AS moment FROM ai_predictions
 WHERE made_at < %(before)s AND settled_at < %(before)s AND due_at < %(before)s

-- name: visits_ai_maintenance_schedule
SELECT ctid, visit_at AS moment FROM ai_maintenance_schedule
 WHERE state IN ('declined', 'done', 'lapsed') AND visit_until < %(before)s AND updated_at < %(before)s

-- name: warnings_ai_risk_episodes
SELECT ctid, raised_at AS moment FROM ai_risk_episodes
 WHERE ended_at < %(before)s AND settled_at < %(before)s AND alerted_at IS NOT NULL

-- name: lessons_ai_prediction_rules
-- The newest is in force.
SELECT ctid, made_at AS moment FROM ai_prediction_rules
 WHERE made_at < %(before)s AND made_at < (SELECT max(made_at) FROM ai_prediction_rules)

-- name: fits_ai_baseline_fits
-- Never the one in force, nor the newest: the next fit counts on from it.
SELECT f.ctid, f.fitted_at AS moment FROM ai_baseline_fits f
 WHERE f.fitted_at < %(before)s AND NOT f.in_force
   AND f.version < (SELECT max(n.version) FROM ai_baseline_fits n WHERE n.shard = f.shard)
   AND NOT EXISTS (SELECT FROM ai_baselines b
                    WHERE b.shard = f.shard AND b.kind = 'fitted' AND b.version = f.version)

-- name: outbox_mail_ai_mail_outbox
SELECT ctid, created_at AS moment FROM ai_mail_outbox
 WHERE state IN ('sent', 'dropped', 'failed') AND created_at < %(before)s

-- name: outbox_channels_ai_alerts_outbox
SELECT ctid, created_at AS moment FROM ai_alerts_outbox
 WHERE state IN ('sent', 'dropped', 'failed') AND created_at < %(before)s

-- name: audit_ai_audit_log
SELECT ctid, at AS moment FROM ai_audit_log WHERE at < %(before)s

-- name: backups_ai_backups
-- The newest good one is never forgotten.
SELECT ctid, started_at AS moment FROM ai_backups
 WHERE started_at < %(before)s AND outcome <> 'running'
   AND id IS DISTINCT FROM (SELECT max(id) FROM ai_backups WHERE outcome = 'good')

-- name: drills_ai_restore_drills
SELECT ctid, at AS moment FROM ai_restore_drills
 WHERE at < %(before)s AND id IS DISTINCT FROM (SELECT max(id) FROM ai_restore_drills WHERE outcome = 'passed')

-- name: sizes_ai_watch_sizes
SELECT ctid, at AS moment FROM ai_watch_sizes WHERE at < %(before)s

-- name: alarms_ai_watch_alarms
SELECT ctid, resolved_at AS moment FROM ai_watch_alarms WHERE resolved_at < %(before)s

-- name: incidents_chosen
-- The oldest first, so that one leaves with or after the one that it points back to.
SELECT id, started_at FROM ai_incidents
 WHERE state IN ('closed', 'discarded') AND coalesce(closed_at, updated_at) < %(before)s AND updated_at < %(before)s
 ORDER BY id LIMIT 20000

-- name: incidents_let_go
-- A later recurrence keeps its count; the one that it points to is found in the archive by the fingerprint.
UPDATE ai_incidents SET previous_id = NULL
 WHERE previous_id = ANY(%(ids)s::bigint[]) AND NOT id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_incident_devices
SELECT ctid, joined_at AS moment FROM ai_incident_devices WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_incident_anomalies
SELECT ctid, NULL::timestamptz AS moment FROM ai_incident_anomalies WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_incident_events
SELECT ctid, at AS moment FROM ai_incident_events WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_alert_messages
SELECT ctid, at AS moment FROM ai_alert_messages WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_suppressed
SELECT ctid, begun_at AS moment FROM ai_suppressed WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_actions
SELECT ctid, done_at AS moment FROM ai_actions WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_incident_patterns
SELECT ctid, happened_at AS moment FROM ai_incident_patterns WHERE incident_id = ANY(%(ids)s::bigint[])

-- name: incidents_ai_incidents
SELECT ctid, started_at AS moment FROM ai_incidents WHERE id = ANY(%(ids)s::bigint[])

-- name: anomalies_chosen
-- Those of no incident that is kept: by now, what leaves of these has left.
SELECT a.id, a.started_at FROM ai_anomaly_logs a
 WHERE a.status = 'closed' AND a.ended_at < %(before)s
   AND NOT EXISTS (SELECT FROM ai_incident_anomalies l JOIN ai_incidents i ON i.id = l.incident_id
                    WHERE l.anomaly_id = a.id
                      AND NOT (i.state IN ('closed', 'discarded') AND coalesce(i.closed_at, i.updated_at) < %(before)s
                               AND i.updated_at < %(before)s))
 ORDER BY a.id LIMIT 20000

-- name: anomalies_ai_anomaly_marks
SELECT ctid, marked_at AS moment FROM ai_anomaly_marks WHERE anomaly_id = ANY(%(ids)s::bigint[])

-- name: anomalies_ai_anomaly_logs
SELECT ctid, started_at AS moment FROM ai_anomaly_logs WHERE id = ANY(%(ids)s::bigint[])

-- name: outcomes_chosen
SELECT id, at FROM ai_device_outcomes
 WHERE at < %(before)s AND coalesce(ended_at, at) < %(before)s AND changed_at < %(before)s
 ORDER BY id LIMIT 20000

-- name: outcomes_ai_incident_patterns
SELECT ctid, happened_at AS moment FROM ai_incident_patterns WHERE outcome_id = ANY(%(ids)s::bigint[])

-- name: outcomes_ai_device_outcomes
SELECT ctid, at AS moment FROM ai_device_outcomes WHERE id = ANY(%(ids)s::bigint[])

-- name: thresholds_ai_alarm_thresholds
-- The newest of a device type is in force.
SELECT t.ctid, t.decided_at AS moment FROM ai_alarm_thresholds t
 WHERE t.decided_at < %(before)s
   AND EXISTS (SELECT FROM ai_alarm_thresholds n WHERE n.device_type = t.device_type AND n.id > t.id)

-- name: windows_ai_windows
SELECT w.ctid, coalesce(w.ends_at, w.cancelled_at, w.created_at) AS moment FROM ai_windows w
 WHERE (w.ends_at < %(before)s OR w.cancelled_at < %(before)s
        OR (w.valid_until + 1)::timestamp AT TIME ZONE 'UTC' < %(before)s)
   AND NOT EXISTS (SELECT FROM ai_suppressed s WHERE s.window_id = w.id)

-- name: hazards_ai_hazard_models
SELECT ctid, fitted_at AS moment FROM ai_hazard_models
 WHERE fitted_at < %(before)s AND NOT in_force AND payload IS NULL
   AND version < (SELECT max(version) FROM ai_hazard_models)

-- name: backtests_ai_backtests
SELECT ctid, asked_at AS moment FROM ai_backtests WHERE asked_at < %(before)s

-- name: reports_ai_report_editions
SELECT e.ctid, r.generated_at AS moment FROM ai_report_editions e JOIN ai_reports r USING (report_id, revision)
 WHERE r.generated_at < %(before)s AND r.period_end < %(before)s

-- name: reports_ai_reports
SELECT ctid, generated_at AS moment FROM ai_reports WHERE generated_at < %(before)s AND period_end < %(before)s
