-- Incidents, what was done about them, who was told. Views of the asker's schema: rows of its sites only.

-- name: of_scope
-- Incidents that were open between two moments (or are now), of a device, a site or all.
SELECT i.id, i.title, i.severity, i.state, i.opened_at, i.closed_at, i.site_id, s.name, i.root_device_id,
       i.acknowledged_by, i.category, i.devices, i.flapping, i.recurrence, i.snoozed_until, count(*) OVER (),
       count(*) FILTER (WHERE i.severity = 'critical') OVER (), i.acknowledged_at, i.closed_by
  FROM ai_incidents i LEFT JOIN sites s ON s.id = i.site_id
 WHERE i.opened_at IS NOT NULL AND i.state <> 'discarded' AND i.opened_at <= %(until)s
   AND CASE WHEN %(open)s THEN i.state IN ('open', 'acknowledged') ELSE i.opened_at > %(since)s END
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND (%(device)s::integer IS NULL
        OR i.id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s))
   AND (%(type)s::text IS NULL OR i.device_type = %(type)s)
   AND (%(severity)s::text IS NULL OR i.severity = %(severity)s)
   AND (%(category)s::text IS NULL OR i.category = %(category)s)
   AND (NOT %(unseen)s OR i.acknowledged_at IS NULL)
   AND (NOT %(recurring)s OR i.flapping OR i.recurrence > 0)
 ORDER BY CASE WHEN %(recurring)s THEN -i.recurrence ELSE 0 END, i.state = 'closed',
          array_position(ARRAY['critical', 'warning', 'info'], i.severity), i.opened_at DESC, i.id DESC
 LIMIT %(limit)s;

-- name: incident
SELECT i.id, i.title, i.severity, i.state, i.opened_at, i.closed_at, i.site_id, s.name, i.root_device_id,
       coalesce(nullif(d.name, ''), d.device_id), i.acknowledged_by, i.acknowledged_at, i.closed_by, i.resolution,
       i.category, i.cause, i.devices, i.peak_devices, i.peak_severity, i.recurrence, i.flapping,
       i.snoozed_until, i.snoozed_by, i.quiet_since, i.conclusion, i.mark, i.updated_at, i.device_type
  FROM ai_incidents i
  LEFT JOIN sites s ON s.id = i.site_id
  LEFT JOIN LATERAL device_seen(i.root_device_id) d ON true
 WHERE i.id = %(incident)s AND i.opened_at IS NOT NULL;

-- name: newest_of_device
-- The open one first, then the newest.
SELECT i.id FROM ai_incident_devices d JOIN ai_incidents i ON i.id = d.incident_id
 WHERE d.device_id = %(device)s AND i.opened_at IS NOT NULL AND i.state <> 'discarded' AND i.opened_at <= %(now)s
 ORDER BY i.state = 'closed', i.opened_at DESC LIMIT 1;

-- name: members
SELECT DISTINCT d.id, coalesce(nullif(d.name, ''), d.device_id)
  FROM ai_incident_devices m CROSS JOIN LATERAL device_seen(m.device_id) d
 WHERE m.incident_id = %(incident)s ORDER BY 1 LIMIT 20;

-- name: history
SELECT at, kind, actor, comment FROM ai_incident_events
 WHERE incident_id = %(incident)s ORDER BY id LIMIT 100;

-- name: actions
SELECT a.incident_id, i.title, a.action, a.done_by, a.done_at, a.outcome, a.reason, a.device_id,
       coalesce(nullif(d.name, ''), d.device_id), count(*) OVER (),
       count(*) FILTER (WHERE a.outcome = 'helped') OVER (),
       count(*) FILTER (WHERE a.outcome = 'did_not_help') OVER (),
       count(*) FILTER (WHERE a.outcome = 'cannot_tell') OVER (),
       count(*) FILTER (WHERE a.outcome IS NULL) OVER ()
  FROM ai_actions a JOIN ai_incidents i ON i.id = a.incident_id
  LEFT JOIN LATERAL device_seen(a.device_id) d ON true
 WHERE a.kind = 'taken' AND a.done_at <= %(until)s
   AND (%(since)s::timestamptz IS NULL OR a.done_at > %(since)s)
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND (%(incident)s::bigint IS NULL OR a.incident_id = %(incident)s)
   AND (%(device)s::integer IS NULL OR a.device_id = %(device)s
        OR a.incident_id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s))
 ORDER BY a.done_at DESC, a.id DESC LIMIT %(limit)s;

-- name: told
SELECT m.incident_id, i.title, m.channel, m.address, m.kind, m.state, m.why, coalesce(m.told_at, m.at), m.due_at,
       count(*) OVER (), count(*) FILTER (WHERE m.state = 'told') OVER ()
  FROM ai_alert_messages m JOIN ai_incidents i ON i.id = m.incident_id
 WHERE (%(incident)s::bigint IS NULL OR m.incident_id = %(incident)s)
   AND (%(incident)s::bigint IS NOT NULL OR (m.at > %(since)s AND m.at <= %(until)s))
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND (%(device)s::integer IS NULL
        OR m.incident_id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s))
 ORDER BY coalesce(m.told_at, m.at) DESC, m.id DESC LIMIT %(limit)s;

-- name: pages
SELECT count(DISTINCT m.page) FILTER (WHERE m.state = 'told'), count(DISTINCT m.incident_id),
       count(DISTINCT m.incident_id) FILTER (WHERE i.acknowledged_at IS NOT NULL),
       count(DISTINCT m.incident_id) FILTER (WHERE m.why = 'budget'),
       count(DISTINCT m.incident_id) FILTER (WHERE i.mark = false),
       count(DISTINCT m.page) FILTER (WHERE m.state = 'told' AND m.severity = 'critical'), max(m.told_at)
  FROM ai_alert_messages m JOIN ai_incidents i ON i.id = m.incident_id
 WHERE m.at > %(since)s AND m.at <= %(until)s AND (%(site)s::integer IS NULL OR i.site_id = %(site)s);

-- name: untold
SELECT count(*) FROM ai_incidents i
 WHERE i.opened_at > %(since)s AND i.opened_at <= %(until)s AND i.state <> 'discarded' AND i.severity <> 'info'
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND NOT EXISTS (SELECT FROM ai_alert_messages m WHERE m.incident_id = i.id)
   AND NOT EXISTS (SELECT FROM ai_suppressed u WHERE u.incident_id = i.id)
   AND NOT EXISTS (SELECT FROM ai_incident_events e WHERE e.incident_id = i.id AND e.alerted_at IS NULL);

-- name: noisiest_devices
SELECT i.root_device_id, coalesce(nullif(d.name, ''), d.device_id), i.site_id, s.name, count(DISTINCT m.page),
       count(DISTINCT i.id)
  FROM ai_alert_messages m JOIN ai_incidents i ON i.id = m.incident_id
  LEFT JOIN sites s ON s.id = i.site_id
  LEFT JOIN devices d ON d.id = i.root_device_id
 WHERE m.state = 'told' AND m.page IS NOT NULL AND m.told_at > %(since)s AND m.told_at <= %(until)s
   AND i.root_device_id IS NOT NULL AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
 GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 6 DESC, 1 LIMIT %(limit)s;

-- name: noisiest_causes
SELECT coalesce(i.device_type, i.kind), i.cause, count(DISTINCT m.page), count(DISTINCT i.id)
  FROM ai_alert_messages m JOIN ai_incidents i ON i.id = m.incident_id
 WHERE m.state = 'told' AND m.page IS NOT NULL AND m.told_at > %(since)s AND m.told_at <= %(until)s
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
 GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC, 1, 2 LIMIT %(limit)s;

-- name: silenced
SELECT u.incident_id, i.title, u.why, u.begun_at, u.until, count(*) OVER ()
  FROM ai_suppressed u JOIN ai_incidents i ON i.id = u.incident_id
 WHERE u.ended_at IS NULL AND u.begun_at <= %(now)s AND i.state IN ('pending', 'open', 'acknowledged')
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND (%(device)s::integer IS NULL
        OR u.incident_id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s))
 ORDER BY u.begun_at DESC, u.id LIMIT %(limit)s;

-- name: repair
-- How long incidents of the span took, in minutes; how many failures devices had in it.
SELECT count(*), count(*) FILTER (WHERE i.state = 'closed'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM i.closed_at - i.opened_at) / 60.0)::float8,
       avg(extract(epoch FROM i.closed_at - i.opened_at) / 60.0)::float8,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM i.acknowledged_at - i.opened_at) / 60.0)
         FILTER (WHERE i.acknowledged_at IS NOT NULL)::float8,
       count(i.acknowledged_at), max(i.updated_at)
  FROM ai_incidents i
 WHERE i.opened_at > %(since)s AND i.opened_at <= %(until)s AND i.state <> 'discarded'
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND (%(type)s::text IS NULL OR i.device_type = %(type)s)
   AND (%(device)s::integer IS NULL
        OR i.id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s));

-- name: failures
-- Failures of the span, and the devices in use in the scope.
SELECT (SELECT count(*) FROM ai_device_outcomes o JOIN devices d ON d.id = o.device_id
         WHERE o.kind = 'failure' AND o.withdrawn_at IS NULL AND o.at > %(since)s AND o.at <= %(until)s
           AND (%(device)s::integer IS NULL OR d.id = %(device)s) AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
           AND (%(type)s::text IS NULL OR d.device_type = %(type)s)),
       (SELECT count(*) FROM devices d WHERE coalesce(d.is_active, true)
           AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
           AND (%(device)s::integer IS NULL OR d.id = %(device)s) AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
           AND (%(type)s::text IS NULL OR d.device_type = %(type)s));

-- name: pattern
SELECT id, kind, incident_id, device_id, site_id, device_type, category, severity, metrics, pattern_description,
       content_hash, resolution, outcome, happened_at
  FROM ai_incident_patterns WHERE incident_id = %(incident)s;

-- name: investigated
-- What the investigation of an incident found alike, of what this asker may see.
SELECT p.incident_id, (s->>'similarity')::float8, p.pattern_description, p.resolution, p.outcome, p.happened_at
  FROM ai_incident_events e
 CROSS JOIN LATERAL jsonb_array_elements(e.details->'similar') s
  JOIN ai_incident_patterns p ON p.incident_id = (s->>'incident_id')::bigint
 WHERE e.incident_id = %(incident)s AND e.kind = 'investigated'
 ORDER BY e.id DESC, 2 DESC LIMIT 5;

-- name: to_read
-- What the investigation of an incident found to be read.
SELECT p->>'path', p->>'heading', p->>'page'
  FROM (SELECT details FROM ai_incident_events
         WHERE incident_id = %(incident)s AND kind = 'investigated' ORDER BY id DESC LIMIT 1) e
 CROSS JOIN LATERAL jsonb_array_elements(e.details->'passages') p LIMIT 1;

-- name: alike
-- Of the same category, the same type of device first, then those with metrics in common.
SELECT p.incident_id, NULL::float8, p.pattern_description, p.resolution, p.outcome, p.happened_at
  FROM ai_incident_patterns p, ai_incidents i
 WHERE i.id = %(incident)s AND p.kind = 'incident' AND p.category = i.category AND p.incident_id <> i.id
   AND p.happened_at < i.opened_at AND p.device_type IS NOT DISTINCT FROM i.device_type
   AND EXISTS (SELECT FROM ai_incidents past WHERE past.id = p.incident_id AND past.cause = i.cause)
 ORDER BY p.happened_at DESC LIMIT 5;

-- name: advice
-- What was done in incidents of this cause or of the same category and type, and how often it helped.
SELECT a.action, count(*) FILTER (WHERE a.outcome = 'helped'),
       count(*) FILTER (WHERE a.outcome IN ('helped', 'did_not_help')), count(*), max(a.done_at)
  FROM ai_actions a JOIN ai_incidents past ON past.id = a.incident_id, ai_incidents i
 WHERE i.id = %(incident)s AND a.kind = 'taken' AND past.id <> i.id AND past.category = i.category
   AND (past.cause = i.cause OR past.device_type = i.device_type)
 GROUP BY a.action
HAVING count(*) FILTER (WHERE a.outcome = 'did_not_help') <= count(*) FILTER (WHERE a.outcome = 'helped')
 ORDER BY 2 DESC, 4 DESC, 5 DESC LIMIT 3;

-- name: risk_action
SELECT action, level FROM ai_device_risks WHERE device_id = %(device)s AND action IS NOT NULL AND level <> 'low';

-- name: marks
SELECT count(*) FILTER (WHERE mark), count(*) FILTER (WHERE NOT mark), count(*) FILTER (WHERE mark IS NULL), max(updated_at)
  FROM ai_incidents
 WHERE opened_at > %(since)s AND opened_at <= %(until)s AND state <> 'discarded';

-- name: anomaly_marks
SELECT count(*) FILTER (WHERE mark), count(*) FILTER (WHERE NOT mark), count(*) FROM ai_anomaly_logs
 WHERE started_at > %(since)s AND started_at <= %(until)s;
