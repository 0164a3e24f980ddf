-- What weekly, monthly and incident reports tell of. Minutes are named by their end: start < at <= end.

-- name: incidents
-- Incidents of a scope that overlap a period, as far as they were known at %(now)s; what a larger one absorbed
-- is that one. Nothing in %(ids)s and no site: the whole fleet.
SELECT i.id, i.fingerprint, i.kind, i.site_id, i.root_device_id, i.device_type, i.cause, i.category,
       i.peak_severity, i.conclusion, i.started_at, i.opened_at,
       CASE WHEN i.acknowledged_at <= %(now)s THEN i.acknowledged_at END,
       CASE WHEN i.acknowledged_at <= %(now)s THEN i.acknowledged_by END,
       CASE WHEN i.closed_at <= %(now)s THEN i.closed_at END,
       CASE WHEN i.closed_at <= %(now)s THEN i.closed_by END,
       CASE WHEN i.closed_at <= %(now)s THEN i.resolution END,
       i.peak_devices, i.recurrence, i.previous_id, i.flapping, i.mark,
       ARRAY(SELECT DISTINCT d.device_id FROM ai_incident_devices d WHERE d.incident_id = i.id ORDER BY 1)
  FROM ai_incidents i
 WHERE i.opened_at <= %(end)s AND i.state NOT IN ('pending', 'discarded')
   AND (i.closed_at IS NULL OR i.closed_at > %(start)s)
   AND (%(fleet)s OR i.site_id = %(site)s OR i.root_device_id = ANY(%(ids)s::integer[])
        OR EXISTS (SELECT FROM ai_incident_devices d
                    WHERE d.incident_id = i.id AND d.device_id = ANY(%(ids)s::integer[])))
   AND NOT EXISTS (SELECT FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
 ORDER BY i.id;

-- name: nearest
-- The most similar past incident that memory found, and the same trouble before.
SELECT i.id, i.previous_id, s.said
  FROM ai_incidents i
  LEFT JOIN LATERAL (
    SELECT e.details->'similar' AS said FROM ai_incident_events e
     WHERE e.incident_id = i.id AND e.kind = 'investigated' AND e.at <= %(now)s
     ORDER BY e.id DESC LIMIT 1) s ON true
 WHERE i.id = ANY(%(ids)s::bigint[]);

-- name: ends
-- How past incidents ended, and whether they stayed away.
SELECT i.id, i.opened_at, CASE WHEN i.closed_at <= %(now)s THEN i.closed_at END, i.closed_by, i.resolution, p.outcome
  FROM ai_incidents i
  LEFT JOIN ai_incident_patterns p ON p.incident_id = i.id
 WHERE i.id = ANY(%(ids)s::bigint[]) AND i.opened_at <= %(now)s;
