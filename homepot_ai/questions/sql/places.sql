-- Places, their hours and windows, reports and who gets them. Views of the asker's schema.

-- name: windows
SELECT w.id, w.scope, w.scope_id, w.name, w.starts_at, w.ends_at, w.weekdays, w.local_start, w.minutes, w.timezone,
       w.valid_from, w.valid_until, w.comment, w.created_by, w.created_at, w.cancelled_at, w.cancelled_by
  FROM ai_windows w
 WHERE w.cancelled_at IS NULL AND (w.ends_at IS NULL OR w.ends_at > %(now)s)
   AND (w.valid_until IS NULL OR w.valid_until >= (%(now)s)::date)
   AND (%(site)s::integer IS NULL OR w.scope = 'fleet' OR w.scope = 'site' AND w.scope_id = %(site)s
        OR w.scope = 'device' AND w.scope_id IN (SELECT id FROM devices WHERE site_id = %(site)s))
   AND (%(device)s::integer IS NULL OR w.scope = 'fleet' OR w.scope = 'device' AND w.scope_id = %(device)s
        OR w.scope = 'site' AND w.scope_id = (SELECT site_id FROM device_seen(%(device)s)))
 ORDER BY w.starts_at NULLS LAST, w.id LIMIT %(limit)s;

-- name: maintenance_days
SELECT y.site_id, s.name, y.day_of_week FROM site_operating_schedules y JOIN sites s ON s.id = y.site_id
 WHERE y.is_maintenance_window AND (%(site)s::integer IS NULL OR y.site_id = %(site)s)
 ORDER BY s.name, y.day_of_week LIMIT %(limit)s;

-- name: reports
SELECT r.report_id, r.report_type, r.scope, r.scope_name, r.period_start, r.period_end, r.generated_at, r.revision
  FROM ai_reports r
 WHERE r.generated_at <= %(now)s
   AND (%(site)s::integer IS NULL OR r.site_id = %(site)s) AND (%(device)s::integer IS NULL OR r.device_id = %(device)s)
 ORDER BY r.generated_at DESC LIMIT 10;

-- name: recipients
SELECT u.email, u.kind, u.scope, coalesce(s.name, d.name), u.mode, count(*) OVER (), count(*) OVER (PARTITION BY u.email)
  FROM ai_subscriptions u
  LEFT JOIN sites s ON u.scope = 'site' AND s.id = u.scope_id
  LEFT JOIN devices d ON u.scope = 'device' AND d.id = u.scope_id
 WHERE u.active AND (%(person)s::text IS NULL OR lower(u.email) = lower(%(person)s))
   AND (%(site)s::integer IS NULL OR u.scope = 'fleet' OR u.scope = 'site' AND u.scope_id = %(site)s
        OR u.scope = 'device' AND d.site_id = %(site)s)
 ORDER BY u.kind, u.email LIMIT %(limit)s;

-- name: own
SELECT max(at), max(scored_at), avg(seconds)::float8 FROM ai_scoring_minutes
 WHERE at <= %(now)s AND at > %(now)s - interval '1 hour';

-- name: last_scored
SELECT max(at) FROM ai_scoring_minutes WHERE at <= %(now)s;

-- name: services
SELECT service, state, detail, checked_at FROM ai_service_checks ORDER BY state = 'ok', service LIMIT 50;

-- name: risks_at
SELECT max(at) FROM ai_device_risks;
