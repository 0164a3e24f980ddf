-- One device, for `analyze` and `predict`. Names are looked up before; here are ids only.

-- name: newest_score
SELECT at, score::float8, status::text, reason::text, data_age_seconds::float8, factors
  FROM ai_health_scores
 WHERE device_id = %(device)s AND at <= %(now)s AND at > %(now)s - interval '1 day'
 ORDER BY at DESC
 LIMIT 1;

-- name: minutes
-- Of a stretch that is not rolled up: minutes that were judged, and those of them without data.
SELECT count(*) FILTER (WHERE judged), count(*) FILTER (WHERE judged AND status = 'no_data')
  FROM ai_health_scores
 CROSS JOIN LATERAL (SELECT status <> 'in_maintenance' AND NOT (status = 'not_scored'
   AND coalesce(reason IN ('excluded', 'engine_error'), false)) AS judged) AS j
 WHERE device_id = %(device)s AND at > %(start)s AND at <= %(end)s;

-- name: anomalies
SELECT count(*)
  FROM ai_anomaly_logs
 WHERE device_id = %(device)s AND started_at <= %(now)s AND coalesce(ended_at, %(now)s) > %(since)s
   AND mark IS DISTINCT FROM false;

-- name: hours
-- Finished hours of each metric: mean and maximum over the samples in them.
SELECT metric, sum(m.mean::float8 * m.n) / sum(m.n), max(m.max)::float8, sum(m.n)::bigint
  FROM ai_metric_hours h
 CROSS JOIN LATERAL unnest(h.metrics, h.n, h.mean, h.max) AS m (metric, n, mean, max)
 WHERE h.device_id = %(device)s AND h.hour >= %(since)s AND h.hour < %(until)s AND m.n > 0
 GROUP BY metric;

-- name: hours_until
SELECT max(hour) + interval '1 hour'
  FROM ai_metric_hours
 WHERE device_id = %(device)s AND hour >= %(since)s AND hour < %(until)s;

-- name: incident
-- What is looked into: the newest that is open, else the newest of the period.
SELECT i.id, i.title, i.state, i.opened_at
  FROM ai_incidents i
 WHERE i.state IN ('open', 'acknowledged', 'closed') AND i.opened_at <= %(now)s
   AND (i.state <> 'closed' OR i.closed_at > %(since)s)
   AND i.id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s)
 ORDER BY i.state = 'closed', i.opened_at DESC, i.id DESC
 LIMIT 1;

-- name: visits
SELECT visit_at, timezone, state, action
  FROM ai_maintenance_schedule
 WHERE device_id = %(device)s AND state IN ('proposed', 'accepted') AND visit_until > %(now)s
 ORDER BY visit_at
 LIMIT 3;

-- name: risk
SELECT at, level, cause, metric, p_24h::float8, p_7d::float8, p_30d::float8, forecaster, when_low, when_mid, when_high,
       refused, action, facts
  FROM ai_device_risks WHERE device_id = %(device)s;

-- name: scored_until
SELECT max(at) FROM ai_baselines WHERE kind = 'live' AND part = -1;
