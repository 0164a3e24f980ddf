-- Who is meant. `sites`: what the asker may see, null for everything; nothing else is ever looked at.

-- name: device
-- By public id first, then by number, then by exact name.
SELECT d.id, d.device_id, d.name, d.device_type, d.site_id, s.name, o.timezone,
       CASE WHEN d.device_id = %(text)s THEN 1 WHEN d.id = %(number)s THEN 2 ELSE 3 END AS place
  FROM devices d
  JOIN sites s ON s.id = d.site_id
  LEFT JOIN ai_site_settings o ON o.site_id = d.site_id
 WHERE (d.device_id = %(text)s OR d.id = %(number)s OR lower(d.name) = lower(%(text)s))
   AND (%(sites)s::int[] IS NULL OR d.site_id = ANY(%(sites)s))
 ORDER BY place, d.id
 LIMIT 10;

-- name: site
SELECT s.id, s.site_id, s.name, o.timezone,
       CASE WHEN s.site_id = %(text)s THEN 1 WHEN s.id = %(number)s THEN 2 ELSE 3 END AS place
  FROM sites s
  LEFT JOIN ai_site_settings o ON o.site_id = s.id
 WHERE (s.site_id = %(text)s OR s.id = %(number)s OR lower(s.name) = lower(%(text)s))
   AND (%(sites)s::int[] IS NULL OR s.id = ANY(%(sites)s))
 ORDER BY place, s.id
 LIMIT 10;

-- name: device_names
SELECT name, device_id FROM devices
 WHERE %(sites)s::int[] IS NULL OR site_id = ANY(%(sites)s);

-- name: site_names
SELECT name, site_id FROM sites WHERE %(sites)s::int[] IS NULL OR id = ANY(%(sites)s);
