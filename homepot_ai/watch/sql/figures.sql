-- What Prometheus may read. Every label has few values: sites are cut, devices and people never named.

-- name: statuses
WITH live AS (SELECT shard, shards, at FROM ai_baselines WHERE kind = 'live' AND part = -1),
latest AS (
  SELECT DISTINCT ON (s.device_id) s.device_id, s.score, s.status::text AS status
    FROM ai_health_scores s
    JOIN live l ON l.shard = ai_shard_of(s.device_id, l.shards) AND s.at > l.at - interval '5 minutes'
   WHERE s.at > (SELECT greatest(min(at), max(at) - interval '1 day') FROM live) - interval '5 minutes'
   ORDER BY s.device_id, s.at DESC)
SELECT t.id, t.name, l.status, count(*), sum(l.score)::float8
  FROM latest l JOIN devices d ON d.id = l.device_id JOIN sites t ON t.id = d.site_id
 GROUP BY t.id, t.name, l.status;

-- name: incidents
SELECT severity, count(*) FROM ai_incidents WHERE state IN ('open', 'acknowledged') GROUP BY severity;

-- name: anomalies
SELECT severity, count(*) FROM ai_anomaly_logs WHERE status = 'open' GROUP BY severity;

-- name: minutes
-- Of the last hour: minutes that every shard scored, the slowest and the mean run, rows that were refused.
SELECT count(*) FILTER (WHERE shards = %(shards)s), coalesce(max(slowest), 0)::float8,
       coalesce(sum(refused), 0)::float8, max(at)
  FROM (SELECT at, count(*) AS shards, max(seconds) AS slowest,
               sum((SELECT coalesce(sum(value::numeric), 0) FROM jsonb_each_text(rejected)
                     WHERE value ~ '^[0-9]+$')) AS refused
          FROM ai_scoring_minutes
         WHERE at <= %(now)s AND at > %(now)s - interval '1 hour' GROUP BY at) AS m;

-- name: outboxes
SELECT box, state, count(*), extract(epoch FROM %(now)s - min(created_at))::float8
  FROM (SELECT 'mail' AS box, state, created_at FROM ai_mail_outbox WHERE state IN ('queued', 'claimed', 'in_data', 'failed', 'unknown')
        UNION ALL
        SELECT 'channel', state, created_at FROM ai_alerts_outbox WHERE state IN ('queued', 'claimed', 'in_data', 'failed', 'unknown')) AS o
 GROUP BY box, state;

-- name: services
SELECT service, state, checked_at FROM ai_service_checks ORDER BY service LIMIT 200;

-- name: alarms
SELECT severity, count(*) FROM ai_watch_alarms WHERE resolved_at IS NULL GROUP BY severity;

-- name: backups
-- Of the last good one; where none is good, the age is that of the watch itself: it grows, and is told.
WITH good AS (
    SELECT b.finished_at, b.bytes FROM ai_backups b
     WHERE b.outcome = 'good' AND 'failed' IS DISTINCT FROM (
        SELECT d.outcome FROM ai_restore_drills d WHERE d.backup = b.name AND d.kind <> 'restore'
         ORDER BY d.at DESC LIMIT 1)
     ORDER BY b.finished_at DESC LIMIT 1
)
SELECT extract(epoch FROM %(now)s - coalesce((SELECT finished_at FROM good),
                                             (SELECT min(at) FROM ai_watch_sizes)))::float8,
       (SELECT bytes FROM good),
       (SELECT extract(epoch FROM %(now)s - at)::float8 FROM ai_restore_drills ORDER BY at DESC LIMIT 1),
       (SELECT (outcome = 'passed')::int FROM ai_restore_drills ORDER BY at DESC LIMIT 1);

-- name: models
-- How a model's answers ended, of the last day.
SELECT outcome, count(*) FROM ai_llm_calls WHERE at > %(now)s - interval '1 day' AND at <= %(now)s
 GROUP BY outcome ORDER BY count(*) DESC LIMIT 20;

-- name: sizes
SELECT DISTINCT ON (what) what, value FROM ai_watch_sizes WHERE at > %(now)s - interval '1 day'
 ORDER BY what, at DESC LIMIT 40;
