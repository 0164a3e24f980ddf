-- name: put
-- Once an hour is enough to see where it goes.
INSERT INTO ai_watch_sizes (what, at, value)
SELECT w.what, %(now)s, w.value
  FROM unnest(%(whats)s::text[], %(values)s::float8[]) AS w (what, value)
 WHERE NOT EXISTS (SELECT 1 FROM ai_watch_sizes s
                    WHERE s.what = w.what AND s.at > %(now)s::timestamptz - interval '55 minutes')
ON CONFLICT (what, at) DO NOTHING;

-- name: course
SELECT what, at, value FROM ai_watch_sizes
 WHERE at > %(since)s AND at <= %(now)s ORDER BY what, at;

-- name: latest
SELECT DISTINCT ON (what) what, value FROM ai_watch_sizes WHERE at > %(since)s ORDER BY what, at DESC;

-- name: since
SELECT service, state, since FROM ai_service_checks;
