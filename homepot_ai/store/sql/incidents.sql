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

-- name: lock
-- Several shards end their minute at once: one after the other, each with the others' rows in sight.
SELECT pg_advisory_xact_lock(hashtextextended('ai_incidents:' || current_schema(), 0));

-- name: patience
-- Longer than any other run holds it; after that an error that is worth another attempt.
SELECT set_config('lock_timeout', '30s', true);

-- name: open_anomalies
-- Every open anomaly and the incident that holds it: a live one before one that is closed.
SELECT a.id, a.device_id, a.severity, a.started_at, a.metric, a.observed, a.expected_low, a.expected_high,
       a.peak_score, a.provenance, a.opened_by, own.id, coalesce(own.live, false),
       CASE WHEN own.id IS NULL THEN
         ARRAY(SELECT f->>'metric' || ' ' || (f->>'kind') FROM jsonb_array_elements(a.metrics) f) END
  FROM ai_anomaly_logs a
  LEFT JOIN LATERAL (
         SELECT i.id, i.state IN ('pending', 'open', 'acknowledged') AS live
           FROM ai_incident_anomalies l
           JOIN ai_incidents i ON i.id = l.incident_id
          WHERE l.anomaly_id = a.id AND i.state <> 'discarded'
          ORDER BY live DESC, i.id DESC
          LIMIT 1) own ON true
 WHERE a.status = 'open';

-- name: silences
-- Nobody could notice it while it was maintained: that it fell silent in it is news when that ends.
SELECT g.device_id, g.noticed_at,
       CASE WHEN g.last_sample_at IS NOT NULL THEN greatest(g.last_sample_at,
         (SELECT max(m.ended_at) FROM ai_device_gaps m
           WHERE m.device_id = g.device_id AND m.status = 'in_maintenance' AND m.ended_at = g.noticed_at)) END
  FROM ai_device_gaps g
 WHERE g.ended_at IS NULL AND g.status = 'no_data';

-- name: told_silences
-- Of these silences, those that an incident was about which was closed since they began.
SELECT DISTINCT t.device_id
  FROM unnest(%(device_id)s::int[], %(noticed_at)s::timestamptz[]) AS t(device_id, noticed_at)
  JOIN ai_incident_devices m ON m.device_id = t.device_id
  JOIN ai_incidents i ON i.id = m.incident_id
 WHERE (i.cause = 'silent' OR i.kind = 'storm')
   AND i.state = 'closed' AND i.closed_at >= t.noticed_at AND m.left_at >= t.noticed_at;

-- name: silent_before
-- Silent minutes of silences that ended since then.
SELECT device_id,
       sum(extract(epoch FROM ended_at - greatest(noticed_at, %(since)s)) / 60)::integer
  FROM ai_device_gaps
 WHERE ended_at > %(since)s AND status = 'no_data'
 GROUP BY device_id;

-- name: unjudged
-- Neither ill nor well now. What is excluded is none of our business any more.
SELECT device_id FROM ai_device_gaps WHERE ended_at IS NULL AND reason IS DISTINCT FROM 'excluded';

-- name: members
SELECT incident_id, device_id, joined_at
  FROM ai_incident_devices
 WHERE incident_id = ANY(%(ids)s::bigint[]) AND left_at IS NULL;

-- name: suppressed
SELECT incident_id, why, window_id, begun_at, until
  FROM ai_suppressed
 WHERE incident_id = ANY(%(ids)s::bigint[]) AND ended_at IS NULL
   AND why <> 'budget'; -- that one is of alerting, and its to end

-- name: past
-- What is closed of these fingerprints, and how often they opened since then.
SELECT fingerprint, max(id), max(recurrence), count(*) FILTER (WHERE opened_at > %(since)s)
  FROM ai_incidents
 WHERE fingerprint = ANY(%(fingerprints)s::text[]) AND state = 'closed'
 GROUP BY fingerprint;

-- name: evidence_ended
SELECT l.incident_id, max(a.ended_at)
  FROM ai_incident_anomalies l
  JOIN ai_anomaly_logs a ON a.id = l.anomaly_id
 WHERE l.incident_id = ANY(%(ids)s::bigint[]) AND a.ended_at IS NOT NULL
 GROUP BY l.incident_id;

-- name: openings
-- Incidents of one device that opened since then and were told.
SELECT count(*)
  FROM ai_incidents i
 WHERE i.opened_at > %(since)s AND i.kind = 'device'
   AND NOT EXISTS (SELECT FROM ai_suppressed s WHERE s.incident_id = i.id AND s.begun_at <= i.opened_at);

-- name: lately
-- What else happened to these devices, the newest first.
SELECT d.id, e.kind, e.summary
  FROM unnest(%(device_ids)s::int[]) AS d(id)
  CROSS JOIN LATERAL (
         SELECT kind, summary
           FROM ai_event_cache
          WHERE device_id = d.id AND at > %(since)s AND at <= %(at)s
          ORDER BY at DESC, id DESC
          LIMIT 10) e;

-- name: insert_incident
INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, category, title,
       state, severity, initial_severity, peak_severity, conclusion, provenance, started_at, opened_at,
       acknowledged_at, acknowledged_by, snoozed_until, snoozed_by, quiet_since, closed_at, closed_by,
       resolution, devices, peak_devices, initial, facts, previous_id, recurrence, flapping, mark,
       homepot_alert_id, version, updated_at)
VALUES (%(fingerprint)s, %(kind)s, %(site_id)s, %(root_device_id)s, %(device_type)s, %(cause)s,
        %(category)s, %(title)s, %(state)s, %(severity)s, %(initial_severity)s, %(peak_severity)s,
        %(conclusion)s, %(provenance)s, %(started_at)s, %(opened_at)s, %(acknowledged_at)s,
        %(acknowledged_by)s, %(snoozed_until)s, %(snoozed_by)s, %(quiet_since)s, %(closed_at)s,
        %(closed_by)s, %(resolution)s, %(devices)s, %(peak_devices)s, %(initial)s::jsonb, %(facts)s::jsonb,
        %(previous_id)s, %(recurrence)s, %(flapping)s, %(mark)s, %(homepot_alert_id)s, 0, %(updated_at)s)
RETURNING id;

-- name: update_incident
-- What it was at its opening is written at its opening, and never after.
UPDATE ai_incidents
   SET title = %(title)s, state = %(state)s, severity = %(severity)s, peak_severity = %(peak_severity)s,
       conclusion = %(conclusion)s, acknowledged_at = %(acknowledged_at)s,
       acknowledged_by = %(acknowledged_by)s, snoozed_until = %(snoozed_until)s, snoozed_by = %(snoozed_by)s,
       quiet_since = %(quiet_since)s, closed_at = %(closed_at)s, closed_by = %(closed_by)s,
       resolution = %(resolution)s, devices = %(devices)s, peak_devices = %(peak_devices)s,
       facts = %(facts)s::jsonb, flapping = %(flapping)s, mark = %(mark)s,
       homepot_alert_id = %(homepot_alert_id)s, updated_at = %(updated_at)s, version = version + 1,
       opened_at = coalesce(opened_at, %(opened_at)s),
       initial = CASE WHEN state = 'pending' THEN %(initial)s::jsonb ELSE initial END,
       initial_severity = CASE WHEN state = 'pending' THEN %(initial_severity)s ELSE initial_severity END
 WHERE id = %(id)s AND version = %(version)s;

-- name: join_devices
INSERT INTO ai_incident_devices (incident_id, device_id, joined_at)
SELECT * FROM unnest(%(incident_id)s::bigint[], %(device_id)s::int[], %(at)s::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: leave_devices
UPDATE ai_incident_devices m
   SET left_at = %(at)s
  FROM unnest(%(incident_id)s::bigint[], %(device_id)s::int[]) AS t(incident_id, device_id)
 WHERE m.incident_id = t.incident_id AND m.device_id = t.device_id AND m.left_at IS NULL;

-- name: link_anomalies
INSERT INTO ai_incident_anomalies (incident_id, anomaly_id)
SELECT * FROM unnest(%(incident_id)s::bigint[], %(anomaly_id)s::bigint[])
ON CONFLICT DO NOTHING;

-- name: suppress
INSERT INTO ai_suppressed (incident_id, why, window_id, begun_at, until)
VALUES (%(incident_id)s, %(why)s, %(window_id)s, %(begun_at)s, %(until)s)
ON CONFLICT (incident_id, why) WHERE ended_at IS NULL
DO UPDATE SET window_id = excluded.window_id, until = excluded.until;

-- name: end_suppressed
UPDATE ai_suppressed
   SET ended_at = %(ended_at)s, outcome = %(outcome)s
 WHERE incident_id = %(incident_id)s AND why = %(why)s AND ended_at IS NULL;

-- name: anomalies_of
SELECT l.anomaly_id
  FROM ai_incident_anomalies l
 WHERE l.incident_id = %(id)s
 ORDER BY l.anomaly_id;

-- name: devices_of
SELECT device_id, joined_at, left_at
  FROM ai_incident_devices
 WHERE incident_id = %(id)s
 ORDER BY joined_at, device_id;

-- name: listed
-- Open ones first, the gravest of them first, then the newest.
SELECT id, fingerprint, kind, site_id, root_device_id, device_type, cause, category, title, state, severity,
       initial_severity, peak_severity, conclusion, provenance, started_at, opened_at, acknowledged_at,
       acknowledged_by, snoozed_until, snoozed_by, quiet_since, closed_at, closed_by, resolution, devices,
       peak_devices, initial, facts, previous_id, recurrence, flapping, mark, homepot_alert_id, version,
       updated_at
  FROM ai_incidents
 WHERE opened_at IS NOT NULL
   AND (NOT %(open)s OR state IN ('open', 'acknowledged'))
   AND (%(since)s::timestamptz IS NULL OR opened_at >= %(since)s OR state IN ('open', 'acknowledged'))
   AND (%(device_id)s::integer IS NULL
        OR id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device_id)s))
 ORDER BY state = 'closed', CASE WHEN state <> 'closed' THEN
            array_position(ARRAY['critical', 'warning', 'info'], severity) END NULLS LAST, opened_at DESC, id DESC
 LIMIT %(limit)s;

-- name: closed_unjudged
-- Closed lately and not judged: HOMEPOT's people may still say something about them.
SELECT id, homepot_alert_id
  FROM ai_incidents
 WHERE closed_at > %(since)s AND mark IS NULL AND homepot_alert_id IS NOT NULL;

-- name: note_alert
UPDATE ai_incidents SET homepot_alert_id = %(alert)s WHERE id = %(id)s;

-- name: samples
-- Of each of these devices: scored minutes of the last hour, those of them that brought samples, and those
-- since its trouble began that brought samples and were ill.
SELECT t.device_id,
       count(*) FILTER (WHERE s.at > %(at)s::timestamptz - interval '1 hour'),
       count(*) FILTER (WHERE s.at > %(at)s::timestamptz - interval '1 hour' AND s.sample_count > 0),
       count(*) FILTER (WHERE s.at > t.since AND s.sample_count > 0 AND s.status IN ('warning', 'critical'))
  FROM unnest(%(device_id)s::int[], %(since)s::timestamptz[]) AS t(device_id, since)
  JOIN ai_health_scores s
    ON s.device_id = t.device_id AND s.at <= %(at)s
   AND s.at > least(%(at)s::timestamptz - interval '1 hour', t.since)
 GROUP BY t.device_id;
