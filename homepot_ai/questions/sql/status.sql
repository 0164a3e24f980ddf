-- How devices are now. Views of the asker's schema: rows of its sites only.

-- name: device
-- One device, its newest score of the last day, and the gap that it is in.
SELECT d.id, d.device_id, coalesce(nullif(d.name, ''), d.device_id), d.device_type, d.site_id, s.name,
       d.firmware_version, coalesce(d.is_simulated, false), d.lifecycle_state, h.at, h.score::float8,
       h.status::text, h.reason::text, h.data_age_seconds::float8, h.factors, g.status::text, g.last_sample_at,
       g.noticed_at, d.last_heartbeat_at
  FROM device_seen(%(device)s) d
  JOIN sites s ON s.id = d.site_id
  LEFT JOIN LATERAL (SELECT at, score, status, reason, data_age_seconds, factors FROM ai_health_scores
                      WHERE device_id = %(device)s AND at <= %(now)s AND at > %(now)s - interval '1 day'
                      ORDER BY at DESC LIMIT 1) h ON true
  LEFT JOIN ai_device_gaps g ON g.device_id = %(device)s AND g.ended_at IS NULL;

-- name: states
-- The newest status of each of some devices.
SELECT w.id, h.status, h.at
  FROM unnest(%(ids)s::integer[]) w(id)
 CROSS JOIN LATERAL (SELECT status::text, at FROM ai_health_scores
                      WHERE device_id = w.id AND at <= %(now)s AND at > %(now)s - interval '1 day'
                      ORDER BY at DESC LIMIT 1) h;

-- name: newest
-- The rows of all devices in the last minute that their shard scored.
WITH last AS (
  SELECT max(at) AS at FROM ai_scoring_minutes
   WHERE at <= %(now)s AND at > %(now)s - interval '1 day' GROUP BY shard),
scores AS (
  SELECT DISTINCT ON (h.device_id) h.device_id, h.at, h.score::float8 AS score, h.status::text AS status,
         h.data_age_seconds, h.factors
    FROM ai_health_scores h
   WHERE h.at >= (SELECT greatest(min(at), max(at) - interval '1 hour') FROM last)
     AND h.at <= (SELECT max(at) FROM last)
     -- A shard's last minute has all of its devices; the range above says which partitions to open.
     AND h.at = ANY(ARRAY(SELECT at FROM last))
   ORDER BY h.device_id, h.at DESC),
known AS (
  SELECT d.id, d.device_id, coalesce(nullif(d.name, ''), d.device_id) AS name, d.device_type, d.site_id,
         t.name AS site, s.at, s.score, coalesce(s.status, 'not_scored') AS status, s.factors
    FROM devices d
    JOIN sites t ON t.id = d.site_id
    LEFT JOIN scores s ON s.device_id = d.id
   WHERE coalesce(d.is_active, true) AND coalesce(t.is_active, true)
     AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
     AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
     AND (%(type)s::text IS NULL OR d.device_type = %(type)s))

-- name: counts
, whole AS (SELECT * FROM known)
SELECT count(*), count(*) FILTER (WHERE status = 'healthy'), count(*) FILTER (WHERE status = 'warning'),
       count(*) FILTER (WHERE status = 'critical'), count(*) FILTER (WHERE status = 'no_data'),
       count(*) FILTER (WHERE status = 'in_maintenance'), count(*) FILTER (WHERE status = 'not_scored'),
       avg(score) FILTER (WHERE status IN ('healthy', 'warning', 'critical')), max(at),
       count(DISTINCT site_id)
  FROM whole

-- name: worst
SELECT id, device_id, name, device_type, site_id, site, at, score, status, factors, count(*) OVER ()
  FROM known
 WHERE status IN ('warning', 'critical')
 ORDER BY array_position(ARRAY['critical', 'warning'], status), score, id
 LIMIT %(limit)s

-- name: lowest
-- Where nobody is ill: whose score is lowest all the same.
SELECT id, device_id, name, device_type, site_id, site, at, score, status, factors, count(*) OVER ()
  FROM known
 WHERE score IS NOT NULL
 ORDER BY score, id
 LIMIT %(limit)s

-- name: silent
SELECT k.id, k.device_id, k.name, k.device_type, k.site_id, k.site, g.last_sample_at, g.noticed_at, count(*) OVER ()
  FROM known k LEFT JOIN ai_device_gaps g ON g.device_id = k.id AND g.ended_at IS NULL
 WHERE k.status = 'no_data'
 ORDER BY g.last_sample_at NULLS FIRST, k.id
 LIMIT %(limit)s

-- name: over
-- Whose newest score says that a metric is over a limit.
, broken AS (
  SELECT DISTINCT ON (k.id) k.id, k.name, k.site_id, k.site, k.at, (f->>'observed')::float8 AS observed,
         (f->>'high')::float8 AS high
    FROM known k CROSS JOIN LATERAL jsonb_array_elements(k.factors::jsonb) f
   WHERE k.status IN ('warning', 'critical') AND f->>'metric' = %(metric)s AND f->>'kind' IN ('limit', 'trend')
     AND (f->>'observed')::float8 > (f->>'high')::float8 AND (%(device)s::integer IS NULL OR k.id = %(device)s)
   ORDER BY k.id, high)
SELECT *, count(*) OVER () FROM broken ORDER BY observed - high DESC, id LIMIT %(limit)s

-- name: listed
SELECT id, device_id, name, device_type, site_id, site, at, score, status, factors, count(*) OVER ()
  FROM known
 ORDER BY site, device_type, name, id
 LIMIT %(limit)s

-- name: types
SELECT device_type, count(*), count(*) FILTER (WHERE status IN ('warning', 'critical')) FROM known
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50

-- name: by_site
SELECT site_id, site, count(*), count(*) FILTER (WHERE status = 'critical'),
       count(*) FILTER (WHERE status = 'warning'), count(*) FILTER (WHERE status = 'no_data'),
       avg(score) FILTER (WHERE status IN ('healthy', 'warning', 'critical')), max(at)
  FROM known GROUP BY 1, 2 ORDER BY 7 NULLS LAST, 2 LIMIT 500

-- name: open_count
SELECT count(*), count(*) FILTER (WHERE severity = 'critical') FROM ai_incidents
 WHERE state IN ('open', 'acknowledged') AND opened_at <= %(now)s
   AND (%(site)s::integer IS NULL OR site_id = %(site)s)
   AND (%(type)s::text IS NULL OR device_type = %(type)s);

-- name: measures
-- What a device measured in its last full hour.
SELECT metrics FROM ai_metric_hours WHERE device_id = %(device)s AND hour <= %(now)s ORDER BY hour DESC LIMIT 1;

-- name: site
SELECT s.id, s.name, s.site_id, s.location, o.timezone
  FROM sites s LEFT JOIN ai_site_settings o ON o.site_id = s.id
 WHERE s.id = %(site)s;

-- name: sites
SELECT s.id, s.name, s.site_id, s.location, o.timezone, count(d.id) FILTER (WHERE coalesce(d.is_active, true)
         AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended'))
  FROM sites s LEFT JOIN ai_site_settings o ON o.site_id = s.id LEFT JOIN devices d ON d.site_id = s.id
 WHERE coalesce(s.is_active, true)
 GROUP BY 1, 2, 3, 4, 5 ORDER BY s.name LIMIT 500;

-- name: lifetime
SELECT min(hour), max(hour) FROM ai_metric_hours WHERE device_id = %(device)s;

-- name: open_of_device
SELECT count(*), count(*) FILTER (WHERE i.severity = 'critical')
  FROM ai_incident_devices d JOIN ai_incidents i ON i.id = d.incident_id
 WHERE d.device_id = %(device)s AND d.left_at IS NULL AND i.state IN ('open', 'acknowledged');

-- name: open_anomaly
SELECT id, started_at, severity FROM ai_anomaly_logs
 WHERE device_id = %(device)s AND status = 'open' AND started_at <= %(now)s ORDER BY started_at LIMIT 1;

-- name: gravest_of_device
SELECT i.id, i.title
  FROM ai_incident_devices d JOIN ai_incidents i ON i.id = d.incident_id
 WHERE d.device_id = %(device)s AND d.left_at IS NULL AND i.state IN ('open', 'acknowledged')
 ORDER BY array_position(ARRAY['critical', 'warning', 'info'], i.severity), i.id LIMIT 1;

-- name: scored_until
SELECT max(at) FROM ai_scoring_minutes;
