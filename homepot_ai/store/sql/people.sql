-- What HOMEPOT has no column for: who gets what, and what is special about a site or a device.

-- name: subscribe
INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, locale, paper, digest, csv, active)
VALUES (%(email)s, %(kind)s, %(scope)s, %(scope_id)s, %(mode)s, %(locale)s, %(paper)s, %(digest)s, %(csv)s, true)
ON CONFLICT (email, kind, scope, scope_id) DO UPDATE
   SET active = true, mode = excluded.mode, locale = excluded.locale, paper = excluded.paper,
       digest = excluded.digest, csv = excluded.csv;

-- name: unsubscribe
UPDATE ai_subscriptions SET active = false
 WHERE lower(email) = lower(%(email)s) AND active
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(scope)s::text IS NULL OR (scope = %(scope)s AND scope_id IS NOT DISTINCT FROM %(scope_id)s));

-- name: subscriptions
SELECT u.email, u.kind, u.scope, coalesce(s.name, d.name), u.mode, u.locale, u.paper, u.digest, u.csv, u.active,
       coalesce(b.in_a_row, 0), b.last_at, b.answer
  FROM ai_subscriptions u
  LEFT JOIN sites s ON u.scope = 'site' AND s.id = u.scope_id
  LEFT JOIN devices d ON u.scope = 'device' AND d.id = u.scope_id
  LEFT JOIN ai_mail_bounces b ON b.email = lower(u.email) AND b.in_a_row > 0
 ORDER BY u.active DESC, u.email, u.kind, u.scope, 4;

-- name: set_site
INSERT INTO ai_site_settings (site_id, timezone, locale, updated_at)
VALUES (%(site_id)s, coalesce(%(timezone)s, %(default_timezone)s), %(locale)s, %(now)s)
ON CONFLICT (site_id) DO UPDATE
   SET timezone = coalesce(%(timezone)s, ai_site_settings.timezone),
       locale = coalesce(%(locale)s, ai_site_settings.locale),
       updated_at = excluded.updated_at;

-- name: set_device
INSERT INTO ai_device_settings (device_id, gateway_device_id, excluded, updated_at)
VALUES (%(device_id)s, %(gateway_id)s, coalesce(%(excluded)s, false), %(now)s)
ON CONFLICT (device_id) DO UPDATE
   SET gateway_device_id = coalesce(%(gateway_id)s, ai_device_settings.gateway_device_id),
       excluded = coalesce(%(excluded)s, ai_device_settings.excluded),
       updated_at = excluded.updated_at;
