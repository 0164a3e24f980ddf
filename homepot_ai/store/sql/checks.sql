-- name: watermarks
SELECT shard, at FROM ai_baselines WHERE kind = 'live' AND part = -1 ORDER BY shard;

-- name: outbox_age
SELECT count(*) FILTER (WHERE state IN ('queued', 'claimed', 'in_data')),
       min(created_at) FILTER (WHERE state IN ('queued', 'claimed', 'in_data')),
       count(*) FILTER (WHERE state = 'unknown'),
       count(*) FILTER (WHERE state = 'failed' AND created_at > %(since)s)
  FROM (SELECT state, created_at FROM ai_mail_outbox
        UNION ALL
        SELECT state, created_at FROM ai_alerts_outbox) AS both_outboxes;

-- name: put_check
INSERT INTO ai_service_checks (service, state, detail, checked_at, since)
VALUES (%(service)s, %(state)s, %(detail)s, %(now)s, %(now)s)
ON CONFLICT (service) DO UPDATE
   SET since = CASE WHEN ai_service_checks.state = excluded.state
                    THEN ai_service_checks.since ELSE excluded.since END,
       state = excluded.state, detail = excluded.detail, checked_at = excluded.checked_at;

-- name: forget_checks
-- A service that nobody checks any more (a shard taken away, a deployment removed) must not look alive.
DELETE FROM ai_service_checks WHERE checked_at < %(before)s;
