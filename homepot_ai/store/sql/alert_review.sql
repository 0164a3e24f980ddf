-- How alerting does: pages against the budget, what makes the noise, what was silenced and what became of it.

-- name: pages
SELECT s.site_id, (m.told_at AT TIME ZONE s.timezone)::date AS day,
       count(DISTINCT m.page), count(DISTINCT m.page) FILTER (WHERE m.severity = 'critical'),
       count(DISTINCT m.incident_id)
  FROM unnest(%(sites)s::int[], %(zones)s::text[]) AS s(site_id, timezone)
  JOIN ai_incidents i ON coalesce(i.site_id, 0) = s.site_id
  JOIN ai_alert_messages m ON m.incident_id = i.id
 WHERE m.state = 'told' AND m.page IS NOT NULL AND m.told_at > %(since)s AND m.told_at <= %(now)s
 GROUP BY 1, 2
 ORDER BY 2, 1;

-- name: held_back
-- What the budget held back, by site and local day.
SELECT s.site_id, (m.at AT TIME ZONE s.timezone)::date AS day, count(DISTINCT m.incident_id)
  FROM unnest(%(sites)s::int[], %(zones)s::text[]) AS s(site_id, timezone)
  JOIN ai_incidents i ON coalesce(i.site_id, 0) = s.site_id
  JOIN ai_alert_messages m ON m.incident_id = i.id
 WHERE m.why = 'budget' AND m.at > %(since)s AND m.at <= %(now)s
 GROUP BY 1, 2;

-- name: sites
SELECT s.id, s.name, z.timezone, z.alert_budget_per_day
  FROM sites s LEFT JOIN ai_site_settings z ON z.site_id = s.id
 ORDER BY s.id;

-- name: noisiest
SELECT coalesce(i.device_type, i.kind), i.cause, count(DISTINCT m.page), count(DISTINCT i.id),
       count(DISTINCT i.id) FILTER (WHERE i.mark), count(DISTINCT i.id) FILTER (WHERE NOT i.mark),
       count(DISTINCT i.id) FILTER (WHERE i.state = 'closed' AND i.acknowledged_at IS NULL)
  FROM ai_alert_messages m
  JOIN ai_incidents i ON i.id = m.incident_id
 WHERE m.state = 'told' AND m.page IS NOT NULL AND m.told_at > %(since)s AND m.told_at <= %(now)s
 GROUP BY 1, 2
 ORDER BY 3 DESC, 4 DESC, 1, 2
 LIMIT %(limit)s;

-- name: suppressed
SELECT why, count(*), count(*) FILTER (WHERE ended_at IS NULL), count(*) FILTER (WHERE outcome = 'told_after'),
       count(*) FILTER (WHERE outcome = 'recovered'), count(*) FILTER (WHERE outcome = 'closed_by_hand')
  FROM ai_suppressed
 WHERE begun_at <= %(now)s AND (ended_at IS NULL OR ended_at > %(since)s)
 GROUP BY why
 ORDER BY 2 DESC, 1;

-- name: suppressed_now
SELECT u.incident_id, i.title, u.why, u.begun_at, u.until
  FROM ai_suppressed u JOIN ai_incidents i ON i.id = u.incident_id
 WHERE u.ended_at IS NULL AND u.begun_at <= %(now)s
 ORDER BY u.begun_at
 LIMIT %(limit)s;

-- name: nobody
-- Opened, not silenced, more than for information, and not a word to anybody.
SELECT i.id, i.title, i.severity, i.opened_at
  FROM ai_incidents i
 WHERE i.opened_at > %(since)s AND i.opened_at <= %(now)s AND i.state <> 'discarded'
   AND i.severity <> 'info'
   AND NOT EXISTS (SELECT FROM ai_alert_messages m WHERE m.incident_id = i.id)
   AND NOT EXISTS (SELECT FROM ai_suppressed u WHERE u.incident_id = i.id)
   AND NOT EXISTS (SELECT FROM ai_incident_events e WHERE e.incident_id = i.id AND e.alerted_at IS NULL)
 ORDER BY i.opened_at DESC
 LIMIT %(limit)s;
