-- Episodes of risk: a stretch in which one cause holds a device at high or critical risk.

-- name: lock
-- One run at a time acts on risks, decides visits and settles episodes.
SELECT pg_advisory_xact_lock(hashtextextended('ai_risk_episodes:' || current_schema(), 0));

-- name: live
SELECT id, device_id, site_id, cause, level, raised_at, last_at, lower_since, ended_at, due_at, probability,
       action, prediction_id, alerted_at, facts, outcome, happened_at, settled_at
  FROM ai_risk_episodes WHERE ended_at IS NULL ORDER BY id;

-- name: unsettled
-- Not settled; or settled before something was learned about the device that falls into the warning's time, or
-- by a run for a moment that has not come yet.
SELECT id, device_id, site_id, cause, level, raised_at, last_at, lower_since, ended_at, due_at, probability,
       action, prediction_id, alerted_at, facts, outcome, happened_at, settled_at
  FROM ai_risk_episodes e
 WHERE raised_at < %(now)s
   AND (settled_at IS NULL OR (settled_at > %(now)s AND outcome IN ('false_alarm', 'censored'))
        OR EXISTS (SELECT FROM ai_device_outcomes o
                    WHERE o.device_id = e.device_id AND o.at > e.raised_at AND o.at <= e.due_at
                      AND o.changed_at > e.settled_at AND o.changed_at <= %(now)s))
 ORDER BY id;

-- name: between
SELECT id, device_id, site_id, cause, level, raised_at, last_at, lower_since, ended_at, due_at, probability,
       action, prediction_id, alerted_at, facts, outcome, happened_at, settled_at
  FROM ai_risk_episodes
 WHERE (%(site_id)s::integer IS NULL OR site_id = %(site_id)s)
   AND raised_at <= %(until)s AND (ended_at IS NULL OR ended_at > %(since)s)
 ORDER BY (level = 'critical') DESC, due_at, id;

-- name: untold
SELECT id, device_id, site_id, cause, level, raised_at, last_at, lower_since, ended_at, due_at, probability,
       action, prediction_id, alerted_at, facts, outcome, happened_at, settled_at
  FROM ai_risk_episodes WHERE alerted_at IS NULL AND raised_at <= %(now)s ORDER BY id FOR UPDATE;

-- name: told
UPDATE ai_risk_episodes SET alerted_at = %(now)s WHERE id = ANY(%(ids)s::bigint[]) AND alerted_at IS NULL;

-- name: raise_one
-- Twice at the same time is once: the live episode of a device and cause is unique.
INSERT INTO ai_risk_episodes (device_id, site_id, cause, level, raised_at, last_at, due_at, probability, action,
                              prediction_id, facts)
SELECT d.id, d.site_id, %(cause)s, %(level)s, %(at)s, %(at)s, %(due_at)s, %(probability)s, %(action)s,
       %(prediction_id)s, %(facts)s
  FROM devices d WHERE d.id = %(device_id)s
ON CONFLICT (device_id, cause) WHERE ended_at IS NULL DO NOTHING
RETURNING id;

-- name: move
UPDATE ai_risk_episodes
   SET level = %(level)s, last_at = %(last_at)s, lower_since = %(lower_since)s, ended_at = %(ended_at)s,
       probability = %(probability)s, facts = coalesce(%(facts)s::jsonb, facts)
 WHERE id = %(id)s;

-- name: settle
UPDATE ai_risk_episodes
   SET outcome = %(outcome)s, happened_at = %(happened_at)s, settled_at = %(now)s,
       ended_at = coalesce(ended_at, %(ended_at)s)
 WHERE id = %(id)s AND settled_at IS DISTINCT FROM %(now)s;

-- name: crossed
-- Episodes that were raised on a limit: when the forecast that raised them came true.
SELECT e.id, p.observed_at
  FROM ai_risk_episodes e JOIN ai_predictions p ON p.id = e.prediction_id
 WHERE e.id = ANY(%(ids)s::bigint[]) AND p.kind = 'limit' AND p.outcome = 'happened';

-- name: names
SELECT d.id, d.public, d.name, d.device_type, d.site_id, s.name, o.timezone
  FROM (SELECT id, device_id AS public, name, device_type, site_id FROM devices
         WHERE id = ANY(%(ids)s::integer[])) d
  JOIN sites s ON s.id = d.site_id
  LEFT JOIN ai_site_settings o ON o.site_id = d.site_id;
