-- One incident's report.

-- name: anomalies
SELECT a.id, a.device_id, a.severity, a.metric, a.observed, a.expected_low, a.expected_high, a.started_at,
       CASE WHEN a.ended_at <= %(now)s THEN a.ended_at END, a.initial_score, a.peak_score, a.mark
  FROM ai_incident_anomalies l JOIN ai_anomaly_logs a ON a.id = l.anomaly_id
 WHERE l.incident_id = %(id)s AND a.started_at <= %(now)s
 ORDER BY a.started_at, a.id;

-- name: lost
-- By device: minutes lost as everywhere ((1 - score) and silence), silent, judged and all scored ones.
SELECT device_id,
       coalesce(sum(1 - score) FILTER (WHERE status IN ('healthy', 'warning', 'critical')), 0)::float8
         + count(*) FILTER (WHERE status = 'no_data'),
       count(*) FILTER (WHERE status = 'no_data'),
       count(*) FILTER (WHERE status IN ('healthy', 'warning', 'critical', 'no_data'))
  FROM ai_health_scores
 WHERE device_id = ANY(%(ids)s::integer[]) AND at > %(start)s AND at <= %(end)s
 GROUP BY device_id;

-- name: lost_by_minute
-- The same by site and minute, for opening hours.
SELECT m.site_id, s.at,
       coalesce(sum(1 - s.score) FILTER (WHERE s.status IN ('healthy', 'warning', 'critical')), 0)::float8
         + count(*) FILTER (WHERE s.status = 'no_data')
  FROM unnest(%(ids)s::integer[], %(sites)s::integer[]) AS m (device_id, site_id)
  JOIN ai_health_scores s ON s.device_id = m.device_id AND s.at > %(start)s AND s.at <= %(end)s
 GROUP BY 1, 2 ORDER BY 2, 1;

-- name: health
-- The health of one device in steps of %(width)s seconds.
SELECT ((extract(epoch FROM at - %(start)s)::integer - 1) / %(width)s)::integer, avg(score)::float8
  FROM ai_health_scores
 WHERE device_id = %(device)s AND at > %(start)s AND at <= %(end)s AND score IS NOT NULL
 GROUP BY 1 ORDER BY 1;

-- name: told
-- Pages, recipients, messages held back, and when the first one was told.
SELECT count(DISTINCT page) FILTER (WHERE state = 'told' AND told_at <= %(now)s),
       count(DISTINCT (channel, address)) FILTER (WHERE state = 'told' AND told_at <= %(now)s),
       count(*) FILTER (WHERE state = 'not_told' AND at <= %(now)s),
       min(told_at) FILTER (WHERE state = 'told' AND told_at <= %(now)s)
  FROM ai_alert_messages WHERE incident_id = %(id)s;

-- name: pages
-- Each page once: when, what, to how many.
SELECT min(told_at), kind, count(DISTINCT (channel, address))
  FROM ai_alert_messages
 WHERE incident_id = %(id)s AND state = 'told' AND page IS NOT NULL AND told_at <= %(now)s
 GROUP BY page, kind ORDER BY 1, 2;

-- name: actions
SELECT a.action, a.done_by, a.done_at, CASE WHEN a.judged_at <= %(now)s THEN a.outcome END,
       CASE WHEN a.judged_at <= %(now)s THEN a.recovered_at END,
       CASE WHEN a.judged_at <= %(now)s THEN a.held_until END
  FROM ai_actions a
 WHERE a.incident_id = %(id)s AND a.kind = 'taken' AND a.done_at <= %(now)s
 ORDER BY a.done_at, a.id;

-- name: near
SELECT id FROM ai_incidents WHERE opened_at IS NOT NULL ORDER BY abs(id - %(id)s), id LIMIT 3;
