-- What alerting reads (incidents and their events), and its own tables: routes, messages, what is waiting.

-- name: lock
-- Two runs must not decide on the same event: the second waits some milliseconds and finds nothing.
SELECT pg_advisory_xact_lock(hashtext('homepot-ai alerts ' || current_schema()));

-- name: anything
SELECT EXISTS (SELECT FROM ai_incident_events WHERE alerted_at IS NULL)
    OR EXISTS (SELECT FROM ai_alert_messages WHERE state = 'waiting' AND due_at <= %(now)s)
    OR EXISTS (SELECT FROM ai_incidents
                WHERE state IN ('pending', 'open', 'acknowledged') AND state = 'open'
                  AND (snoozed_until IS NULL OR snoozed_until <= %(now)s));

-- name: queued_events
SELECT id, incident_id, at, kind, actor, comment, details
  FROM ai_incident_events
 WHERE alerted_at IS NULL
 ORDER BY id
 LIMIT %(limit)s;

-- name: set_alerted
UPDATE ai_incident_events SET alerted_at = %(now)s WHERE id = ANY(%(ids)s::bigint[]) AND alerted_at IS NULL;

-- name: unacknowledged
SELECT id FROM ai_incidents
 WHERE state IN ('pending', 'open', 'acknowledged') AND state = 'open'
   AND (snoozed_until IS NULL OR snoozed_until <= %(now)s)
 ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), opened_at DESC, id DESC
 LIMIT %(limit)s;

-- name: incidents
SELECT i.id, i.kind, i.site_id, s.name, z.timezone, i.root_device_id, i.device_type, i.cause, i.category,
       i.title, i.state, i.severity, i.conclusion, i.started_at, i.opened_at, i.acknowledged_at,
       i.acknowledged_by, i.snoozed_until, i.closed_at, i.closed_by, i.resolution, i.devices, i.peak_devices,
       i.initial, i.facts, i.previous_id, i.recurrence, i.mark,
       coalesce(h.sites, '{}'), coalesce(h.types, '{}'), coalesce(h.devices, '{}')
  FROM ai_incidents i
  LEFT JOIN LATERAL (
       SELECT array_agg(DISTINCT d.site_id) AS sites, array_agg(DISTINCT d.device_type::text) AS types,
              array_agg(DISTINCT d.id) AS devices
         FROM ai_incident_devices m JOIN devices d ON d.id = m.device_id
        WHERE m.incident_id = i.id AND i.kind <> 'device') h ON true
  LEFT JOIN sites s ON s.id = i.site_id
  LEFT JOIN ai_site_settings z ON z.site_id = i.site_id
 WHERE i.id = ANY(%(ids)s::bigint[])
 ORDER BY i.id;

-- name: devices
-- The first devices of each incident at each of its sites: not everybody may read the names of all.
SELECT d.incident_id, d.site_id, d.device_id, d.name
  FROM (SELECT j.incident_id, n.site_id, j.device_id, n.name, j.joined_at,
               row_number() OVER (PARTITION BY j.incident_id, n.site_id ORDER BY j.joined_at, j.device_id) AS place
          FROM (SELECT incident_id, device_id, min(joined_at) AS joined_at
                  FROM ai_incident_devices WHERE incident_id = ANY(%(ids)s::bigint[])
                 GROUP BY incident_id, device_id) j
          LEFT JOIN devices n ON n.id = j.device_id) d
 WHERE d.place <= %(limit)s
 ORDER BY d.incident_id, d.joined_at, d.device_id;

-- name: findings
-- The newest investigation of each incident.
SELECT DISTINCT ON (incident_id) incident_id, comment, details
  FROM ai_incident_events
 WHERE incident_id = ANY(%(ids)s::bigint[]) AND kind = 'investigated'
 ORDER BY incident_id, id DESC;

-- name: suppressed
-- Told by nobody while this holds. 'budget' is our own: what it holds back waits in ai_alert_messages.
SELECT incident_id, min(why), max(until)
  FROM ai_suppressed
 WHERE ended_at IS NULL AND why <> 'budget' AND incident_id = ANY(%(ids)s::bigint[])
 GROUP BY incident_id;

-- name: messages
SELECT id, incident_id, event_id, channel, address, kind, severity, at, state, why, due_at, told_at, page,
       message_id
  FROM ai_alert_messages
 WHERE incident_id = ANY(%(ids)s::bigint[])
 ORDER BY id;

-- name: flapped
SELECT DISTINCT i.id, m.channel, m.address
  FROM ai_incidents i
  JOIN ai_incidents o ON o.fingerprint = i.fingerprint
  JOIN ai_alert_messages m ON m.incident_id = o.id
 WHERE i.id = ANY(%(ids)s::bigint[]) AND m.kind = 'flapping' AND m.state <> 'not_told' AND m.at > %(since)s;

-- name: due_incidents
SELECT DISTINCT incident_id FROM ai_alert_messages WHERE state = 'waiting' AND due_at <= %(now)s;

-- name: routes
SELECT r.id, r.name, r.channel, r.address, r.site_id, s.name, r.device_types, r.min_severity, r.kinds,
       r.weekdays, r.local_from, r.local_to, r.timezone, r.outside, r.after_minutes, r.renotify_minutes, r.active
  FROM ai_alert_routes r
  LEFT JOIN sites s ON s.id = r.site_id
 WHERE r.active OR NOT %(active_only)s
 ORDER BY r.after_minutes, r.name;

-- name: alert_subscriptions
SELECT id, email, kind, scope, scope_id
  FROM ai_subscriptions
 WHERE active AND kind IN ('alert', 'incident')
 ORDER BY id;

-- name: has_people
SELECT to_regclass('users') IS NOT NULL AND to_regclass('site_memberships') IS NOT NULL;

-- name: people
-- Whom HOMEPOT knows by these addresses, and which sites each may see.
SELECT lower(u.email), coalesce(u.is_active, true), coalesce(u.is_admin, false),
       array_agg(m.site_id) FILTER (WHERE m.site_id IS NOT NULL)
  FROM users u
  LEFT JOIN site_memberships m ON m.user_id = u.id
 WHERE lower(u.email) = ANY(%(emails)s::text[])
 GROUP BY u.id;

-- name: budgets
SELECT s.site_id, z.timezone, z.alert_budget_per_day
  FROM unnest(%(sites)s::int[]) AS s(site_id)
  LEFT JOIN ai_site_settings z ON z.site_id = s.site_id;

-- name: pages
-- Pages told since each site's own midnight; one incident told to five people is one page.
SELECT d.site_id, count(DISTINCT m.page)
  FROM unnest(%(sites)s::int[], %(starts)s::timestamptz[]) AS d(site_id, start)
  JOIN ai_alert_messages m ON m.state = 'told' AND m.told_at >= d.start AND m.page IS NOT NULL
  JOIN ai_incidents i ON i.id = m.incident_id AND coalesce(i.site_id, 0) = d.site_id
 GROUP BY d.site_id;

-- name: add_messages
INSERT INTO ai_alert_messages (incident_id, event_id, channel, address, kind, severity, at, state, why, due_at,
                               told_at, page, message_id)
SELECT * FROM unnest(%(incident_ids)s::bigint[], %(event_ids)s::bigint[], %(channels)s::text[],
                     %(addresses)s::text[], %(kinds)s::text[], %(severities)s::text[], %(ats)s::timestamptz[],
                     %(states)s::text[], %(whys)s::text[], %(dues)s::timestamptz[], %(tolds)s::timestamptz[],
                     %(pages)s::text[], %(message_ids)s::text[]);

-- name: end_waiting
UPDATE ai_alert_messages AS m
   SET state = w.state, why = coalesce(w.why, m.why), due_at = w.due, told_at = w.told, message_id = w.message_id
  FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(whys)s::text[], %(dues)s::timestamptz[],
              %(tolds)s::timestamptz[], %(message_ids)s::text[])
       AS w(id, state, why, due, told, message_id)
 WHERE m.id = w.id AND m.state = 'waiting';

-- name: over_budget
INSERT INTO ai_suppressed (incident_id, why, begun_at, until)
SELECT i.id, 'budget', %(now)s, i.until
  FROM unnest(%(ids)s::bigint[], %(untils)s::timestamptz[]) AS i(id, until)
ON CONFLICT (incident_id, why) WHERE ended_at IS NULL DO NOTHING;

-- name: end_over_budget
-- Nothing of it waits any more: it was told in a digest.
UPDATE ai_suppressed AS s
   SET ended_at = %(now)s,
       outcome = CASE WHEN i.state <> 'closed' THEN 'told_after'
                      WHEN i.closed_by IS NULL OR i.closed_by = 'rule' THEN 'recovered' ELSE 'closed_by_hand' END
  FROM ai_incidents i
 WHERE i.id = s.incident_id AND s.why = 'budget' AND s.ended_at IS NULL
   AND s.incident_id = ANY(%(ids)s::bigint[])
   AND NOT EXISTS (SELECT FROM ai_alert_messages m
                    WHERE m.incident_id = s.incident_id AND m.state = 'waiting' AND m.why = 'budget');

-- name: add_route
INSERT INTO ai_alert_routes (name, channel, address, site_id, device_types, min_severity, kinds, weekdays,
                             local_from, local_to, timezone, outside, after_minutes, renotify_minutes,
                             created_by, created_at)
VALUES (%(name)s, %(channel)s, %(address)s, %(site_id)s, %(device_types)s, %(min_severity)s, %(kinds)s,
        %(weekdays)s, %(local_from)s, %(local_to)s, %(timezone)s, %(outside)s, %(after_minutes)s,
        %(renotify_minutes)s, %(actor)s, %(now)s)
ON CONFLICT (name) DO NOTHING
RETURNING id;

-- name: remove_route
-- The row stays while it is unused, under a name that is free again: the audit log refers to it.
UPDATE ai_alert_routes SET active = false, name = name || ' (removed ' || id || ')'
 WHERE id = %(id)s AND active
RETURNING id;
