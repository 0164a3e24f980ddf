-- What was done about incidents, and whether it helped.

-- name: record
INSERT INTO ai_actions (key, incident_id, device_id, category, kind, action, action_key, done_by, done_at,
                        recorded_at, source)
SELECT %(key)s, i.id, i.root_device_id, i.category, %(kind)s, %(action)s, %(action_key)s, %(done_by)s,
       %(done_at)s, %(recorded_at)s, %(source)s
  FROM ai_incidents i
 WHERE i.id = %(incident_id)s
ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: unrecorded_resolutions
-- A resolution that a person gave at the close counts as the record of what helped, unless an action is recorded.
SELECT i.id, i.resolution, coalesce(i.closed_by, 'unknown'), coalesce(i.quiet_since, i.closed_at)
  FROM ai_incidents i
 WHERE i.state = 'closed' AND btrim(i.resolution) <> '' AND i.closed_by IS DISTINCT FROM 'rule'
   AND NOT EXISTS (SELECT 1 FROM ai_actions a WHERE a.incident_id = i.id AND a.kind = 'taken')
 ORDER BY i.id
 LIMIT 1000;

-- name: untouched
-- Closed incidents about which nothing is known to have been done, still open `delay` after their opening:
-- from there on they are judged as if something had been done then.
SELECT i.id, i.category, i.opened_at, i.closed_at
  FROM ai_incidents i
 WHERE i.state = 'closed' AND (coalesce(btrim(i.resolution), '') = '' OR i.closed_by = 'rule')
   AND i.root_device_id IS NOT NULL AND i.opened_at > %(since)s
   AND NOT EXISTS (SELECT 1 FROM ai_actions a WHERE a.incident_id = i.id)
   AND NOT EXISTS (SELECT 1 FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
 ORDER BY i.id
 LIMIT 5000;

-- name: delays
-- By category: minutes from opening to the first action, as the median.
SELECT a.category,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.done_at - i.opened_at) / 60.0)
  FROM ai_actions a JOIN ai_incidents i ON i.id = a.incident_id
 WHERE a.kind = 'taken' AND a.done_at >= i.opened_at
 GROUP BY a.category;

-- name: due
-- Actions whose outcome can be known: their watching time is over.
SELECT a.id, a.incident_id, a.device_id, a.kind, a.done_at, i.fingerprint
  FROM ai_actions a JOIN ai_incidents i ON i.id = a.incident_id
 WHERE a.outcome IS NULL AND a.done_at <= %(until)s
 ORDER BY a.done_at, a.id
 LIMIT %(limit)s;

-- name: course
-- A device's scored minutes from just before an action on.
SELECT at, score, status::text
  FROM ai_health_scores
 WHERE device_id = %(device_id)s AND at > %(from)s AND at <= %(until)s
 ORDER BY at;

-- name: came_back
-- Whether the same fingerprint opened anew in the span.
SELECT min(opened_at) FROM ai_incidents
 WHERE fingerprint = %(fingerprint)s AND id <> %(incident_id)s AND state NOT IN ('pending', 'discarded')
   AND opened_at > %(from)s AND opened_at <= %(until)s;

-- name: judge
UPDATE ai_actions
   SET outcome = %(outcome)s, recovered_at = %(recovered_at)s, held_until = %(held_until)s, reason = %(reason)s,
       health_before = %(health_before)s, judged_at = %(judged_at)s
 WHERE id = %(id)s AND outcome IS NULL;

-- name: tallies
-- Judged actions by what was done.
SELECT category, kind, action_key, min(action), count(*) FILTER (WHERE outcome = 'helped'),
       count(*) FILTER (WHERE outcome IN ('helped', 'did_not_help')),
       count(*) FILTER (WHERE outcome = 'cannot_tell'), count(*) FILTER (WHERE outcome IS NULL)
  FROM ai_actions
 WHERE recorded_at <= %(at)s
 GROUP BY category, kind, action_key
 ORDER BY category, kind, action_key;

-- name: of_incidents
SELECT id, incident_id, action, action_key, done_by, done_at, outcome, reason
  FROM ai_actions
 WHERE incident_id = ANY(%(ids)s::bigint[]) AND kind = 'taken'
 ORDER BY incident_id, done_at, id;

-- name: state
SELECT state FROM ai_incidents WHERE id = %(id)s;

-- name: near
SELECT id FROM ai_incidents WHERE state NOT IN ('pending', 'discarded') ORDER BY abs(id - %(id)s), id LIMIT 5;
