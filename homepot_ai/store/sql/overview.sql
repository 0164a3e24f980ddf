-- name: latest_scores
-- A device's last row lies within the last minutes that its shard scored, or it is not scored at all. One
-- shard that lags must not hide its devices; what lags by more than a day is read up to there.
WITH live AS (SELECT shard, shards, at FROM ai_baselines WHERE kind = 'live' AND part = -1)
SELECT DISTINCT ON (s.device_id)
       s.device_id, d.name, d.device_id, t.name, s.at, s.score, s.status::text, s.reason::text, s.factors
  FROM ai_health_scores s
  JOIN devices d ON d.id = s.device_id
  JOIN sites t ON t.id = d.site_id
  JOIN live l ON l.shard = ai_shard_of(s.device_id, l.shards) AND s.at > l.at - interval '5 minutes'
 WHERE s.at > (SELECT greatest(min(at), max(at) - interval '1 day') FROM live) - interval '5 minutes'
 ORDER BY s.device_id, s.at DESC;

-- name: open_anomalies
SELECT a.device_id, a.id, a.started_at
  FROM ai_anomaly_logs a
 WHERE a.status = 'open';

-- name: service_checks
SELECT service, state, detail, checked_at FROM ai_service_checks ORDER BY service;
