-- What weekly, monthly and incident reports tell of. Minutes are named by their end: start < at <= end.

-- name: incidents
-- Incidents of a scope that overlap a period, as far as they were known at %(now)s; what a larger one absorbed
-- is that one. Nothing in %(ids)s and no site: the whole fleet.
SELECT i.id, i.fingerprint, i.kind, i.site_id, i.root_device_id, i.device_type, i.cause, i.category,
       i.peak_severity, i.conclusion, i.started_at, i.opened_at,
       CASE WHEN i.acknowledged_at <= %(now)s THEN i.acknowledged_at END,
       CASE WHEN i.acknowledged_at <= %(now)s THEN i.acknowledged_by END,
       CASE WHEN i.closed_at <= %(now)s THEN i.closed_at END,
       CASE WHEN i.closed_at <= %(now)s THEN i.closed_by END,
       CASE WHEN i.closed_at <= %(now)s THEN i.resolution END,
       i.peak_devices, i.recurrence, i.previous_id, i.flapping, i.mark,
       ARRAY(SELECT DISTINCT d.device_id FROM ai_incident_devices d WHERE d.incident_id = i.id ORDER BY 1)
  FROM ai_incidents i
 WHERE i.opened_at <= %(end)s AND i.state NOT IN ('pending', 'discarded')
   AND (i.closed_at IS NULL OR i.closed_at > %(start)s)
   AND (%(fleet)s OR i.site_id = %(site)s OR i.root_device_id = ANY(%(ids)s::integer[])
        OR EXISTS (SELECT FROM ai_incident_devices d
                    WHERE d.incident_id = i.id AND d.device_id = ANY(%(ids)s::integer[])))
   AND NOT EXISTS (SELECT FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
 ORDER BY i.id;

-- name: nearest
-- The most similar past incident that memory found, and the same trouble before.
SELECT i.id, i.previous_id, s.said
  FROM ai_incidents i
  LEFT JOIN LATERAL (
    SELECT e.details->'similar' AS said FROM ai_incident_events e
     WHERE e.incident_id = i.id AND e.kind = 'investigated' AND e.at <= %(now)s
     ORDER BY e.id DESC LIMIT 1) s ON true
 WHERE i.id = ANY(%(ids)s::bigint[]);

-- name: ends
-- How past incidents ended, and whether they stayed away.
SELECT i.id, i.opened_at, CASE WHEN i.closed_at <= %(now)s THEN i.closed_at END, i.closed_by, i.resolution, p.outcome
  FROM ai_incidents i
  LEFT JOIN ai_incident_patterns p ON p.incident_id = i.id
 WHERE i.id = ANY(%(ids)s::bigint[]) AND i.opened_at <= %(now)s
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s);

-- name: days_of_sites
-- Health by site and local day, from whole hours; an hour belongs to the day that its middle is in.
SELECT d.site_id, ((h.hour + interval '30 minutes') AT TIME ZONE d.timezone)::date,
       sum(h.score_points)::bigint, sum(h.healthy + h.warning + h.critical)::bigint
  FROM unnest(%(devices)s::integer[], %(sites)s::integer[], %(zones)s::text[]) AS d (device_id, site_id, timezone)
  JOIN ai_health_hours h ON h.device_id = d.device_id
 WHERE h.hour >= %(since)s AND h.hour < %(end)s
 GROUP BY 1, 2 ORDER BY 1, 2;

-- name: actions_by_incident
SELECT a.incident_id, count(*) FROM ai_actions a
 WHERE a.incident_id = ANY(%(incidents)s::bigint[]) AND a.kind = 'taken' AND a.done_at <= %(now)s
 GROUP BY 1;

-- name: pages_by_day
-- A page counts once, whoever got it; critical where it was so for anybody. Midnight sharp ends a day.
SELECT day, count(*), count(*) FILTER (WHERE critical)
  FROM (SELECT ((min(m.told_at) - interval '1 microsecond') AT TIME ZONE %(timezone)s)::date AS day,
               bool_or(m.severity = 'critical') AS critical
          FROM ai_alert_messages m
         WHERE m.incident_id = ANY(%(incidents)s::bigint[]) AND m.state = 'told' AND m.page IS NOT NULL
           AND m.told_at > %(start)s AND m.told_at <= %(end)s
         GROUP BY m.page) AS pages
 GROUP BY day ORDER BY day;

-- name: messages
-- Messages told, and incidents that the budget held back.
SELECT count(*) FILTER (WHERE state = 'told' AND told_at > %(start)s AND told_at <= %(end)s),
       count(DISTINCT incident_id) FILTER (WHERE why = 'budget' AND at > %(start)s AND at <= %(end)s)
  FROM ai_alert_messages WHERE incident_id = ANY(%(incidents)s::bigint[]);

-- name: noisiest
SELECT coalesce(i.device_type, i.kind), i.cause, count(DISTINCT m.page), count(DISTINCT i.id),
       count(DISTINCT i.id) FILTER (WHERE i.mark), count(DISTINCT i.id) FILTER (WHERE NOT i.mark),
       count(DISTINCT i.id) FILTER (WHERE i.closed_at <= %(now)s AND i.acknowledged_at IS NULL)
  FROM ai_alert_messages m JOIN ai_incidents i ON i.id = m.incident_id
 WHERE m.incident_id = ANY(%(incidents)s::bigint[]) AND m.state = 'told' AND m.page IS NOT NULL
   AND m.told_at > %(start)s AND m.told_at <= %(end)s
 GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC, 1, 2;

-- name: budgets
SELECT site_id, alert_budget_per_day::float8 FROM ai_site_settings
 WHERE site_id = ANY(%(sites)s::integer[]) AND alert_budget_per_day IS NOT NULL;

-- name: actions
SELECT a.incident_id, i.cause, i.root_device_id, a.action, a.done_by, a.done_at,
       CASE WHEN a.judged_at <= %(now)s THEN a.outcome END,
       CASE WHEN a.judged_at <= %(now)s THEN a.recovered_at END,
       CASE WHEN a.judged_at <= %(now)s THEN a.held_until END
  FROM ai_actions a JOIN ai_incidents i ON i.id = a.incident_id
 WHERE a.incident_id = ANY(%(incidents)s::bigint[]) AND a.kind = 'taken'
   AND a.done_at > %(start)s AND a.done_at <= %(end)s AND a.recorded_at <= %(now)s
 ORDER BY a.done_at, a.id;

-- name: visits
-- What is planned for these devices between two moments, as far as it was proposed by then.
SELECT id, device_id, cause, level, state, visit_at, visit_until, needed_by, timezone, probability::float8, action,
       cost::float8, cost_if_not::float8, currency, proposed_at
  FROM ai_maintenance_schedule
 WHERE device_id = ANY(%(ids)s::integer[]) AND state IN ('proposed', 'accepted', 'done')
   AND visit_at >= %(from)s AND visit_at < %(until)s AND proposed_at <= %(now)s
 ORDER BY visit_at, site_id, id;

-- name: visits_overdue
SELECT count(*) FROM ai_maintenance_schedule
 WHERE device_id = ANY(%(ids)s::integer[]) AND state = 'accepted' AND visit_until <= %(end)s;

-- name: newest_levels
-- The newest daily forecast of each device's metrics before the period's end, not older than two days.
SELECT DISTINCT ON (device_id, metric, kind) device_id, metric, kind, due_at, low, mid, high, coverage::float8,
       (facts->>'limit')::float8
  FROM ai_predictions
 WHERE device_id = ANY(%(main)s::integer[]) AND kind IN ('level', 'limit') AND reason = 'daily' AND metric <> ''
   AND made_at <= %(end)s AND made_at > %(end)s - interval '2 days'
   AND (kind = 'limit' OR metric LIKE '%%disk%%' OR metric LIKE '%%memory%%')
 ORDER BY device_id, metric, kind, made_at DESC;

-- name: level_days
-- Means by local day of some metrics of some devices; and of the last hour before the period's end.
SELECT w.device_id, w.metric, ((m.hour + interval '30 minutes') AT TIME ZONE %(timezone)s)::date,
       avg(m.mean[array_position(m.metrics, w.metric)])::float8,
       (array_agg(m.mean[array_position(m.metrics, w.metric)] ORDER BY m.hour DESC))[1]::float8
  FROM unnest(%(devices)s::integer[], %(metrics)s::text[]) AS w (device_id, metric)
  JOIN ai_metric_hours m ON m.device_id = w.device_id AND m.hour >= %(since)s AND m.hour < %(end)s
   AND w.metric = ANY(m.metrics)
 WHERE abs(m.mean[array_position(m.metrics, w.metric)]) <= 1e15
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: health_around
-- Of (change, device): mean health of the whole hours in the day before and the day after.
SELECT c.number,
       sum(h.score_points) FILTER (WHERE h.hour < c.at)::float8,
       sum(h.healthy + h.warning + h.critical) FILTER (WHERE h.hour < c.at)::float8,
       sum(h.score_points) FILTER (WHERE h.hour >= c.at)::float8,
       sum(h.healthy + h.warning + h.critical) FILTER (WHERE h.hour >= c.at)::float8
  FROM unnest(%(numbers)s::integer[], %(devices)s::integer[], %(at)s::timestamptz[]) AS c (number, device_id, at)
  JOIN ai_health_hours h ON h.device_id = c.device_id
   AND h.hour >= c.at - interval '24 hours' AND h.hour < c.at + interval '24 hours' AND h.hour < %(now)s
   AND NOT (h.hour < c.at AND h.hour + interval '1 hour' > c.at)
 GROUP BY 1;

-- name: drills
-- Backups that were restored and questioned; those of a restore as well. Megabytes, where it is known.
SELECT d.backup, b.bytes::float8 / 1e6, d.at, d.outcome = 'passed', d.kind, d.detail
  FROM ai_restore_drills d LEFT JOIN ai_backups b ON b.name = d.backup
 WHERE d.at > %(start)s AND d.at <= %(end)s ORDER BY d.at DESC, d.id DESC;

-- name: newest_drill
SELECT max(at) FROM ai_restore_drills WHERE outcome = 'passed' AND at <= %(end)s;

-- name: failed_backups
SELECT count(*) FROM ai_backups WHERE outcome = 'failed' AND started_at > %(start)s AND started_at <= %(end)s;

-- name: open_visits
SELECT currency, count(*), sum(cost)::float8, count(cost), sum(cost_if_not)::float8, count(cost_if_not)
  FROM ai_maintenance_schedule
 WHERE device_id = ANY(%(main)s::integer[]) AND state IN ('proposed', 'accepted') AND visit_until > %(end)s
   AND proposed_at <= %(now)s
 GROUP BY currency ORDER BY currency;

-- name: settled_warnings
SELECT device_id, cause, level, raised_at, outcome, happened_at, settled_at
  FROM ai_risk_episodes
 WHERE device_id = ANY(%(main)s::integer[]) AND settled_at > %(start)s AND settled_at <= %(end)s
 ORDER BY settled_at, id;

-- name: failures
-- Failures in the period, and those that no warning of the month before was about.
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
         SELECT FROM ai_risk_episodes e
          WHERE e.device_id = o.device_id AND e.raised_at < o.at AND e.raised_at > o.at - interval '30 days'
            AND (e.ended_at IS NULL OR e.ended_at > o.at - interval '7 days')))
  FROM ai_device_outcomes o
 WHERE o.device_id = ANY(%(main)s::integer[]) AND o.kind = 'failure' AND o.withdrawn_at IS NULL
   AND o.at > %(start)s AND o.at <= %(end)s AND o.recorded_at <= %(now)s;

-- name: risks_without_visit
SELECT e.device_id, e.cause, e.level, e.raised_at, e.due_at, e.probability::float8
  FROM ai_risk_episodes e
 WHERE e.device_id = ANY(%(main)s::integer[]) AND e.raised_at <= %(end)s
   AND (e.ended_at IS NULL OR e.ended_at > %(end)s)
   AND NOT EXISTS (SELECT FROM ai_maintenance_schedule v
                    WHERE v.device_id = e.device_id AND v.cause = e.cause AND v.proposed_at <= %(now)s
                      AND v.state IN ('proposed', 'accepted', 'done'))
 ORDER BY e.level = 'critical' DESC, e.due_at, e.id;

-- name: proposals
SELECT id, device_id, cause, level, state, visit_at, visit_until, needed_by, timezone, probability::float8, action,
       cost::float8, cost_if_not::float8, currency, proposed_at
  FROM ai_maintenance_schedule
 WHERE device_id = ANY(%(main)s::integer[]) AND state = 'proposed' AND visit_until > %(end)s
   AND proposed_at <= %(now)s
 ORDER BY visit_at, id;

-- name: first_scored
SELECT min(at) FROM ai_scoring_minutes;
