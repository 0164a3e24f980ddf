-- What devices measured, how available they were, what happened to them. Views of the asker's schema.

-- name: samples
SELECT * FROM samples_seen(%(device)s, %(after)s, %(until)s);

-- name: hours
-- A metric's hours of a device: number, mean, lowest, highest.
SELECT hour, n[p], mean[p]::float8, min[p]::float8, max[p]::float8
  FROM (SELECT hour, n, mean, min, max, array_position(metrics, %(metric)s) AS p FROM ai_metric_hours
         WHERE device_id = %(device)s AND hour >= %(since)s AND hour < %(until)s) AS h
 WHERE p IS NOT NULL AND n[p] > 0
 ORDER BY hour LIMIT 3000;

-- name: ranking
-- A metric's last full hour of every device, the highest first.
SELECT h.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, s.name, h.hour, h.mean::float8,
       h.high::float8, count(*) OVER ()
  FROM (SELECT DISTINCT ON (device_id) device_id, hour, mean[array_position(metrics, %(metric)s)] AS mean,
               max[array_position(metrics, %(metric)s)] AS high
          FROM ai_metric_hours
         WHERE hour > %(now)s - interval '3 hours' AND hour <= %(now)s AND %(metric)s = ANY(metrics)
         ORDER BY device_id, hour DESC) h
  JOIN devices d ON d.id = h.device_id JOIN sites s ON s.id = d.site_id
 WHERE h.mean < 'Infinity' AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
   AND (%(type)s::text IS NULL OR d.device_type = %(type)s)
 ORDER BY h.mean DESC, h.device_id LIMIT %(limit)s;

-- name: available
-- Minutes judged and minutes without data by device, from hours that were rolled up and minutes that were not.
-- The devices come as an array: joined with, they would be looked up one by one through every hour.
WITH
-- From the first day on that was scored and not rolled up since, minutes are read.
edge AS (
  SELECT min(day)::timestamp AT TIME ZONE 'UTC' AS at FROM (
    SELECT DISTINCT (at - interval '1 microsecond')::date AS day FROM ai_scoring_minutes
     WHERE at > date_trunc('day', %(since)s::timestamptz) AND at <= %(until)s
    EXCEPT SELECT day FROM ai_health_rollups WHERE minutes >= 0) AS open_days),
counted AS (
  SELECT device_id, sum(healthy + warning + critical + no_data + not_scored - unjudged) AS judged,
         sum(no_data) AS no_data, sum(critical) AS critical, max(last_at) AS last_at, min(hour) AS first_at
    FROM ai_health_hours
   WHERE hour >= %(since)s AND hour < %(until)s AND hour < coalesce((SELECT at FROM edge), %(until)s)
     AND (%(ids)s::integer[] IS NULL OR device_id = ANY(%(ids)s::integer[]))
   GROUP BY device_id
  UNION ALL
  SELECT device_id, count(*) FILTER (WHERE status <> 'in_maintenance' AND NOT (status = 'not_scored'
           AND coalesce(reason IN ('excluded', 'engine_error'), false))),
         count(*) FILTER (WHERE status = 'no_data'), count(*) FILTER (WHERE status = 'critical'), max(at), min(at)
    FROM ai_health_scores
   WHERE at > %(since)s AND at <= %(until)s AND at > (SELECT at FROM edge)
     AND (%(ids)s::integer[] IS NULL OR device_id = ANY(%(ids)s::integer[]))
   GROUP BY device_id),
summed AS (
  SELECT device_id, sum(judged)::bigint AS judged, sum(no_data)::bigint AS lost, sum(critical)::bigint AS critical,
         max(last_at) AS last_at, min(first_at) AS first_at
    FROM counted GROUP BY device_id)

-- name: ids
SELECT id FROM devices
 WHERE (%(device)s::integer IS NULL OR id = %(device)s) AND (%(site)s::integer IS NULL OR site_id = %(site)s)
   AND (%(type)s::text IS NULL OR device_type = %(type)s);

-- name: sum_available
SELECT coalesce(sum(judged), 0)::bigint, coalesce(sum(lost), 0)::bigint, coalesce(sum(critical), 0)::bigint,
       count(*), max(last_at), min(first_at)
  FROM summed

-- name: worst_available
SELECT w.device_id, coalesce(nullif(d.name, ''), d.device_id), s.name, d.site_id, w.judged, w.lost
  FROM (SELECT * FROM summed WHERE judged > 0 AND lost > 0 ORDER BY lost::float8 / judged DESC, 1 LIMIT 10) w
  JOIN devices d ON d.id = w.device_id JOIN sites s ON s.id = d.site_id
 ORDER BY w.lost::float8 / w.judged DESC, 1

-- name: by_site
SELECT d.site_id, sum(c.judged)::bigint, sum(c.lost)::bigint, min(c.first_at)
  FROM summed c JOIN devices d ON d.id = c.device_id GROUP BY 1

-- name: outages
SELECT count(*), max(extract(epoch FROM least(coalesce(ended_at, %(until)s), %(until)s)
                                       - greatest(noticed_at, %(since)s)) / 60.0)::float8
  FROM ai_device_gaps
 WHERE device_id = %(device)s AND status = 'no_data' AND noticed_at < %(until)s
   AND (ended_at IS NULL OR ended_at > %(since)s);

-- name: anomalies
SELECT a.id, a.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, s.name, a.started_at, a.ended_at,
       a.severity, a.metric, a.observed, a.expected_low, a.expected_high, count(*) OVER (),
       count(*) FILTER (WHERE a.status = 'open') OVER ()
  FROM ai_anomaly_logs a
  JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
 WHERE a.started_at <= %(until)s AND (a.ended_at IS NULL OR a.ended_at > %(since)s)
   AND (%(device)s::integer IS NULL OR a.device_id = %(device)s) AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
 ORDER BY a.status = 'closed', a.started_at DESC, a.id DESC LIMIT %(limit)s;

-- name: events
SELECT e.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, s.name, e.at, e.kind, e.summary,
       count(*) OVER ()
  FROM ai_event_cache e JOIN devices d ON d.id = e.device_id JOIN sites s ON s.id = d.site_id
 WHERE e.at <= %(until)s AND e.at > %(since)s
   AND (%(kinds)s::text[] IS NULL OR e.kind = ANY(%(kinds)s::text[]))
   AND (%(device)s::integer IS NULL OR e.device_id = %(device)s) AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
 ORDER BY e.at DESC, e.id DESC LIMIT %(limit)s;

-- name: event_kinds
SELECT e.kind, count(*) FROM ai_event_cache e
 WHERE e.at <= %(until)s AND e.at > %(since)s
   AND (%(device)s::integer IS NULL OR e.device_id = %(device)s)
   AND (%(site)s::integer IS NULL OR e.device_id IN (SELECT id FROM devices WHERE site_id = %(site)s))
 GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: changed
-- Incidents and anomalies that began or ended in a span.
SELECT count(*) FILTER (WHERE i.opened_at > %(since)s), count(*) FILTER (WHERE i.closed_at > %(since)s),
       count(*) FILTER (WHERE i.acknowledged_at > %(since)s)
  FROM ai_incidents i
 WHERE i.opened_at <= %(until)s AND i.state <> 'discarded' AND coalesce(i.closed_at, %(until)s) > %(since)s
   AND (%(site)s::integer IS NULL OR i.site_id = %(site)s)
   AND (%(device)s::integer IS NULL
        OR i.id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s));

-- name: known_then
-- Whether it is known how anything of the scope was at the span's begin.
SELECT EXISTS (
  SELECT FROM ai_health_scores
   WHERE at > %(since)s - interval '10 minutes' AND at <= %(since)s
     AND (%(device)s::integer IS NULL OR device_id = %(device)s)
     AND (%(site)s::integer IS NULL OR device_id IN (SELECT id FROM devices WHERE site_id = %(site)s)));

-- name: then
-- Status of each device at the span's begin, of those that have another now.
WITH past AS (
  SELECT DISTINCT ON (device_id) device_id, status::text AS status FROM ai_health_scores
   WHERE at > %(since)s - interval '10 minutes' AND at <= %(since)s
     AND at = ANY(ARRAY(SELECT max(at) FROM ai_scoring_minutes
                         WHERE at > %(since)s - interval '10 minutes' AND at <= %(since)s GROUP BY shard))
   ORDER BY device_id, at DESC),
present AS (
  SELECT DISTINCT ON (device_id) device_id, status::text AS status FROM ai_health_scores
   WHERE at > %(until)s - interval '10 minutes' AND at <= %(until)s
     AND at = ANY(ARRAY(SELECT max(at) FROM ai_scoring_minutes
                         WHERE at > %(until)s - interval '10 minutes' AND at <= %(until)s GROUP BY shard))
   ORDER BY device_id, at DESC)
SELECT n.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, s.name, p.status, n.status
  FROM present n JOIN past p USING (device_id)
  JOIN devices d ON d.id = n.device_id JOIN sites s ON s.id = d.site_id
 WHERE n.status <> p.status
   AND (%(device)s::integer IS NULL OR d.id = %(device)s) AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
 ORDER BY array_position(ARRAY['critical', 'no_data', 'warning'], n.status) NULLS LAST, n.device_id
 LIMIT %(limit)s;

-- name: ages
-- Of the newest minute of each device: how old its data were.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY h.data_age_seconds)::float8, max(h.data_age_seconds)::float8,
       count(*), count(*) FILTER (WHERE h.status = 'no_data'), max(h.at)
  FROM ai_health_scores h
 WHERE h.at = (SELECT max(at) FROM ai_scoring_minutes WHERE at <= %(now)s)
   AND (%(device)s::integer IS NULL OR h.device_id = %(device)s)
   AND (%(site)s::integer IS NULL OR h.device_id IN (SELECT id FROM devices WHERE site_id = %(site)s));
