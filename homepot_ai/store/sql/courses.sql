-- Courses: the days before a failure, as patterns in memory.

-- name: without_course
-- Failures of the last months that memory holds no course of, of devices that were measured for days before.
SELECT o.id, o.device_id, o.at, o.cause, d.site_id, d.device_type, i.category,
       coalesce(i.resolution, o.comment), i.provenance
  FROM ai_device_outcomes o
  JOIN devices d ON d.id = o.device_id
  LEFT JOIN ai_incidents i ON o.source = 'incident' AND i.id::text = o.reference
  LEFT JOIN ai_incident_patterns p ON p.outcome_id = o.id
 WHERE o.kind = 'failure' AND o.withdrawn_at IS NULL AND p.id IS NULL
   AND o.at > %(since)s AND o.at <= %(now)s
   AND EXISTS (SELECT 1 FROM ai_metric_hours h WHERE h.device_id = o.device_id
                  AND h.hour < o.at - interval '3 days' AND h.hour > o.at - interval '30 days')
 ORDER BY o.at, o.id
 LIMIT %(limit)s;

-- name: trends
-- By metric over the days before a moment: hours, slope a day, the first and the last days' mean, the spread.
SELECT u.metric, count(*), regr_slope(u.mean::float8, extract(epoch FROM h.hour)::float8 / 86400.0),
       avg(u.mean) FILTER (WHERE h.hour <= %(since)s::timestamptz + interval '5 days'),
       avg(u.mean) FILTER (WHERE h.hour > %(until)s::timestamptz - interval '1 day'),
       coalesce(stddev_samp(u.mean), 0)::float8, max(u.max)::float8
  FROM ai_metric_hours h
 CROSS JOIN LATERAL unnest(h.metrics, h.mean, h.max) AS u (metric, mean, max)
 WHERE h.device_id = %(device_id)s AND h.hour >= %(since)s AND h.hour < %(until)s
   AND u.mean <> 'NaN' AND u.mean IS NOT NULL
 GROUP BY u.metric
 ORDER BY u.metric;

-- name: anomalies
SELECT coalesce(metric, 'unknown'), count(*)
  FROM ai_anomaly_logs
 WHERE device_id = %(device_id)s AND started_at >= %(since)s AND started_at < %(until)s
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3;

-- name: insert
INSERT INTO ai_incident_patterns (kind, outcome_id, device_id, site_id, device_type, category, severity, metrics,
                                  pattern_description, content_hash, resolution, outcome, provenance, happened_at,
                                  created_at)
VALUES ('course', %(outcome_id)s, %(device_id)s, %(site_id)s, %(device_type)s, %(category)s, 'critical',
        %(metrics)s, %(description)s, %(content_hash)s, %(resolution)s, NULL, %(provenance)s, %(happened_at)s,
        %(now)s)
ON CONFLICT (outcome_id) DO NOTHING;

-- name: any_kept
SELECT EXISTS (SELECT FROM ai_incident_patterns WHERE kind = 'course');
