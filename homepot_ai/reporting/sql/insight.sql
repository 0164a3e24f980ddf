-- Thirty days of one site, for `site-insights`.

-- name: devices
SELECT d.id, d.device_id, d.name, d.device_type, coalesce(d.is_simulated, false)
  FROM devices d LEFT JOIN ai_device_settings o ON o.device_id = d.id
 WHERE d.site_id = %(site_id)s AND coalesce(d.is_active, true) AND NOT coalesce(o.excluded, false)
   AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
 ORDER BY d.id;

-- name: health
-- By device: scored minutes of the earlier and the later half, and what they had. Minutes that say nothing of
-- health (no data, maintained, not scored) are left out of the mean and counted.
SELECT device_id,
       count(*) FILTER (WHERE status IN ('healthy', 'warning', 'critical') AND at <= %(middle)s),
       coalesce(sum(score) FILTER (WHERE status IN ('healthy', 'warning', 'critical') AND at <= %(middle)s), 0)::float8,
       count(*) FILTER (WHERE status IN ('healthy', 'warning', 'critical') AND at > %(middle)s),
       coalesce(sum(score) FILTER (WHERE status IN ('healthy', 'warning', 'critical') AND at > %(middle)s), 0)::float8,
       count(*) FILTER (WHERE status = 'no_data'),
       count(*) FILTER (WHERE status NOT IN ('in_maintenance', 'not_scored'))
  FROM ai_health_scores
 WHERE device_id = ANY(%(ids)s::integer[]) AND at > %(since)s AND at <= %(now)s
 GROUP BY device_id;

-- name: status_now
SELECT d.id, s.status
  FROM unnest(%(ids)s::integer[]) AS d (id)
 CROSS JOIN LATERAL (SELECT status::text FROM ai_health_scores h
                      WHERE h.device_id = d.id AND h.at <= %(now)s AND h.at > %(now)s - interval '1 hour'
                      ORDER BY h.at DESC LIMIT 1) s;

-- name: incidents
SELECT cause, category, count(*), count(*) FILTER (WHERE peak_severity = 'critical'),
       count(*) FILTER (WHERE state <> 'closed'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at) / 60.0)::float8,
       count(*) FILTER (WHERE mark = false), count(DISTINCT root_device_id)
  FROM ai_incidents
 WHERE site_id = %(site_id)s AND state NOT IN ('pending', 'discarded') AND opened_at <= %(now)s
   AND (closed_at IS NULL OR closed_at > %(since)s)
 GROUP BY cause, category
 ORDER BY count(*) DESC, cause;

-- name: failures
SELECT o.id, o.device_id, o.at, o.ended_at, o.cause,
       EXISTS (SELECT 1 FROM ai_risk_episodes e WHERE e.device_id = o.device_id AND e.raised_at < o.at
                  AND e.raised_at > o.at - interval '30 days'),
       o.ended_at IS NULL AND o.source = 'incident'
  FROM ai_device_outcomes o
 WHERE o.kind = 'failure' AND o.withdrawn_at IS NULL AND o.device_id = ANY(%(ids)s::integer[])
   AND o.at > %(since)s AND o.at <= %(now)s
 ORDER BY o.at;

-- name: actions
SELECT a.action, count(*), count(*) FILTER (WHERE a.outcome = 'helped'),
       count(*) FILTER (WHERE a.outcome = 'did_not_help'), count(*) FILTER (WHERE a.outcome = 'cannot_tell'),
       count(*) FILTER (WHERE a.outcome IS NULL)
  FROM ai_actions a JOIN ai_incidents i ON i.id = a.incident_id
 WHERE a.kind = 'taken' AND i.site_id = %(site_id)s AND a.done_at > %(since)s AND a.done_at <= %(now)s
 GROUP BY a.action
 ORDER BY count(*) DESC, a.action
 LIMIT 10;
