-- What devices went through: failures, replacements, maintenance, retirement.

-- name: gather_failures
-- A failure is a critical incident of the device itself, from the moment it was critical on: not marked false,
-- not inside a maintenance window, not a part of something larger. Seen again, only its end is filled in.
INSERT INTO ai_device_outcomes (device_id, at, ended_at, kind, cause, source, reference, recorded_by,
                                recorded_at, changed_at)
SELECT i.root_device_id, c.at, i.closed_at, 'failure', i.cause, 'incident', i.id::text, 'rule', %(now)s, %(now)s
  FROM ai_incidents i
 CROSS JOIN LATERAL (
    SELECT CASE WHEN i.initial_severity = 'critical' THEN i.opened_at
                ELSE coalesce((SELECT min(e.at) FROM ai_incident_events e
                                WHERE e.incident_id = i.id AND e.kind = 'worsened'
                                  AND e.details->>'to' = 'critical'), i.opened_at) END AS at) c
 WHERE i.kind = 'device' AND i.root_device_id IS NOT NULL AND i.peak_severity = 'critical'
   AND i.state NOT IN ('pending', 'discarded') AND i.mark IS DISTINCT FROM false
   AND i.opened_at > %(since)s AND c.at <= %(now)s
   AND NOT EXISTS (SELECT 1 FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
   AND NOT EXISTS (SELECT 1 FROM ai_suppressed s
                    WHERE s.incident_id = i.id AND s.why IN ('window', 'homepot_schedule')
                      AND s.begun_at <= c.at + interval '5 minutes'
                      AND (s.ended_at IS NULL OR s.ended_at > c.at))
   AND NOT EXISTS (SELECT 1 FROM ai_device_gaps g
                    WHERE g.device_id = i.root_device_id AND g.status = 'in_maintenance'
                      AND g.noticed_at <= c.at AND (g.ended_at IS NULL OR g.ended_at >= c.at))
   AND NOT EXISTS (SELECT 1 FROM ai_incident_devices d JOIN ai_incidents g ON g.id = d.incident_id
                    WHERE d.device_id = i.root_device_id AND g.id <> i.id
                      AND g.kind IN ('gateway', 'site', 'storm') AND g.state NOT IN ('pending', 'discarded')
                      AND d.joined_at <= c.at + interval '10 minutes'
                      AND (d.left_at IS NULL OR d.left_at >= c.at))
   AND NOT EXISTS (SELECT 1 FROM ai_device_outcomes m
                    WHERE m.device_id = i.root_device_id AND m.kind = 'maintained' AND m.source = 'state_history'
                      AND m.withdrawn_at IS NULL AND m.at <= c.at AND m.at > c.at - interval '7 days'
                      AND (m.ended_at IS NULL OR m.ended_at > c.at))
ON CONFLICT (source, reference, device_id, kind) DO UPDATE
   SET ended_at = excluded.ended_at
 WHERE ai_device_outcomes.ended_at IS DISTINCT FROM excluded.ended_at;

-- name: withdraw_refuted
-- Marked false, swallowed by a larger incident, or said to be maintenance, after it was taken for a failure.
UPDATE ai_device_outcomes o
   SET withdrawn_at = %(now)s, withdrawn_by = 'rule', changed_at = %(now)s
  FROM ai_incidents i
 WHERE o.source = 'incident' AND o.reference = i.id::text AND o.kind = 'failure' AND o.withdrawn_at IS NULL
   AND (i.mark = false
        OR EXISTS (SELECT 1 FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
        OR EXISTS (SELECT 1 FROM ai_device_outcomes m
                    WHERE m.device_id = o.device_id AND m.kind = 'maintained' AND m.source = 'state_history'
                      AND m.withdrawn_at IS NULL AND m.at <= o.at AND m.at > o.at - interval '7 days'
                      AND (m.ended_at IS NULL OR m.ended_at > o.at)));

-- name: restore_confirmed
-- The mark was taken back. What a person withdrew stays withdrawn.
UPDATE ai_device_outcomes o
   SET withdrawn_at = NULL, withdrawn_by = NULL, changed_at = %(now)s
  FROM ai_incidents i
 WHERE o.source = 'incident' AND o.reference = i.id::text AND o.kind = 'failure' AND o.withdrawn_by = 'rule'
   AND i.mark IS DISTINCT FROM false
   AND NOT EXISTS (SELECT 1 FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
   AND NOT EXISTS (SELECT 1 FROM ai_device_outcomes m
                    WHERE m.device_id = o.device_id AND m.kind = 'maintained' AND m.source = 'state_history'
                      AND m.withdrawn_at IS NULL AND m.at <= o.at AND m.at > o.at - interval '7 days'
                      AND (m.ended_at IS NULL OR m.ended_at > o.at));

-- name: put
INSERT INTO ai_device_outcomes (device_id, at, ended_at, kind, cause, source, reference, comment, recorded_by,
                                recorded_at, changed_at)
VALUES (%(device_id)s, %(at)s, %(ended_at)s, %(kind)s, %(cause)s, %(source)s, %(reference)s, %(comment)s,
        %(recorded_by)s, %(now)s, %(now)s)
ON CONFLICT (source, reference, device_id, kind) DO UPDATE
   SET ended_at = coalesce(excluded.ended_at, ai_device_outcomes.ended_at),
       withdrawn_at = CASE WHEN excluded.source = 'person' THEN NULL ELSE ai_device_outcomes.withdrawn_at END,
       withdrawn_by = CASE WHEN excluded.source = 'person' THEN NULL ELSE ai_device_outcomes.withdrawn_by END,
       changed_at = excluded.changed_at
 WHERE ai_device_outcomes.ended_at IS DISTINCT FROM coalesce(excluded.ended_at, ai_device_outcomes.ended_at)
    OR (excluded.source = 'person' AND ai_device_outcomes.withdrawn_at IS NOT NULL)
RETURNING id;

-- name: withdraw
UPDATE ai_device_outcomes SET withdrawn_at = %(now)s, withdrawn_by = %(by)s, changed_at = %(now)s
 WHERE id = %(id)s AND withdrawn_at IS NULL;

-- name: one
SELECT id, device_id, at, ended_at, kind, cause, source, reference, comment, recorded_by, withdrawn_at
  FROM ai_device_outcomes WHERE id = %(id)s;

-- name: between
-- What happened to these devices (NULL: to all) in the span, or lasted into it.
SELECT id, device_id, at, ended_at, kind, cause, source, reference, comment, recorded_by, withdrawn_at
  FROM ai_device_outcomes
 WHERE withdrawn_at IS NULL AND (%(ids)s::integer[] IS NULL OR device_id = ANY(%(ids)s))
   AND at <= %(until)s AND (at > %(since)s OR ended_at IS NULL OR ended_at > %(since)s)
 ORDER BY device_id, at, id;

-- name: newest
SELECT id, device_id, at, ended_at, kind, cause, source, reference, comment, recorded_by, withdrawn_at
  FROM ai_device_outcomes
 WHERE %(device_id)s::integer IS NULL OR device_id = %(device_id)s
 ORDER BY at DESC, id DESC LIMIT %(limit)s;

-- name: gathered_to
SELECT max(at) FROM ai_device_outcomes WHERE source = 'state_history';
