-- Reading for questions. Every name here is a view of the asker's schema, whose rows are those of its sites.

-- name: whose
SELECT current_schema(), current_setting('homepot_ai.sites', true);

-- name: fingerprint
-- Another one where any name, place, type or use of it is another.
SELECT (SELECT count(*) || ':' || coalesce(sum(hashtextextended(
                 concat_ws('|', id, device_id, name, site_id, device_type, is_active, lifecycle_state), 0)), 0)
          FROM devices)
       || '/' || (SELECT coalesce(sum(hashtextextended(concat_ws('|', id, site_id, name, location, is_active), 0)), 0)
                    FROM sites);

-- name: names
SELECT d.id, d.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, d.device_type,
       coalesce(d.is_active, true) AND coalesce(s.is_active, true)
         AND d.lifecycle_state NOT IN ('retired', 'decommissioned', 'suspended')
  FROM devices d JOIN sites s ON s.id = d.site_id
 ORDER BY d.id;

-- name: sites
SELECT s.id, s.site_id, coalesce(nullif(s.name, ''), s.site_id), s.location, o.timezone
  FROM sites s LEFT JOIN ai_site_settings o ON o.site_id = s.id
 WHERE coalesce(s.is_active, true)
 ORDER BY s.id;

-- name: metric_names
-- Of a few hours and devices that are enough to know what is measured.
SELECT DISTINCT unnest(metrics)
  FROM (SELECT metrics FROM ai_metric_hours WHERE hour > %(since)s LIMIT 20000) AS recent;

-- name: people
SELECT DISTINCT email FROM ai_subscriptions WHERE active ORDER BY email LIMIT 5000;

-- name: incident_there
SELECT id, title FROM ai_incidents WHERE id = %(id)s AND opened_at IS NOT NULL;

-- name: incidents_near
SELECT id, title FROM ai_incidents WHERE opened_at IS NOT NULL
 ORDER BY state = 'closed', abs(id - %(id)s), id LIMIT 5;
