-- name: stale_events
SELECT count(*) FILTER (WHERE expired), count(*) FILTER (WHERE NOT expired AND place > %(keep)s)
  FROM (SELECT expires_at <= %(now)s AS expired,
               row_number() OVER (PARTITION BY device_id ORDER BY at DESC, id DESC) AS place
          FROM ai_event_cache) t;

-- name: delete_stale_events
DELETE FROM ai_event_cache
 WHERE expires_at <= %(now)s
    OR id IN (SELECT id
                FROM (SELECT id, row_number() OVER (PARTITION BY device_id ORDER BY at DESC, id DESC) AS place
                        FROM ai_event_cache) t
               WHERE place > %(keep)s);

-- name: count_events
SELECT count(*), count(DISTINCT device_id) FROM ai_event_cache;

-- name: score_partitions
SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'ai_health_scores'::regclass
 ORDER BY 1;

-- name: drop_partition
SELECT ai_drop_score_partition(%(day)s);

-- name: export_day
SELECT device_id, at, score, status::text, reason::text, sample_count, data_age_seconds, factors::text
  FROM ai_health_scores
 WHERE at >= %(day)s AND at < %(next_day)s
 ORDER BY at, device_id;

-- name: old_ai_metric_hours
SELECT count(*), min(hour) FROM ai_metric_hours WHERE hour < %(before)s;

-- name: export_ai_metric_hours
SELECT device_id, hour, metrics, n, mean, min, max, last
  FROM ai_metric_hours WHERE hour < %(before)s
 ORDER BY hour, device_id;

-- name: delete_ai_metric_hours
DELETE FROM ai_metric_hours WHERE hour < %(before)s;

-- name: old_ai_health_hours
SELECT count(*), min(hour) FROM ai_health_hours WHERE hour < %(before)s;

-- name: export_ai_health_hours
SELECT * FROM ai_health_hours WHERE hour < %(before)s ORDER BY hour, device_id;

-- name: delete_ai_health_hours
DELETE FROM ai_health_hours WHERE hour < %(before)s;

-- name: delete_rollups
DELETE FROM ai_health_rollups WHERE day < (%(before)s)::date;

-- name: delete_minutes
DELETE FROM ai_scoring_minutes WHERE at < %(before)s;

-- name: delete_gaps
DELETE FROM ai_device_gaps WHERE ended_at < %(before)s;

-- name: audit
INSERT INTO ai_audit_log (at, actor, action, subject, purpose, details)
VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s, %(purpose)s, %(details)s::jsonb);
