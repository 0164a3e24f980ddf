-- Minutes are named by their end: an hour holds those in (hour, hour + 1 h].

-- name: by_hour
-- Scores of a stretch by device and hour; added up in ten-thousandths, so that the sum is exact. Columns in the
-- order of the table.
WITH counted AS (
  SELECT s.device_id, date_trunc('hour', s.at - interval '1 microsecond') AS hour, max(s.at) AS last_at,
         coalesce(sum((score::float8 * 10000)::integer)
                  FILTER (WHERE status IN ('healthy', 'warning', 'critical')), 0) AS score_points,
         min(score) FILTER (WHERE status IN ('healthy', 'warning', 'critical')) AS lowest,
         count(*) FILTER (WHERE status = 'healthy') AS healthy,
         count(*) FILTER (WHERE status = 'warning') AS warning,
         count(*) FILTER (WHERE status = 'critical') AS critical,
         count(*) FILTER (WHERE status = 'no_data') AS no_data,
         count(*) FILTER (WHERE status = 'in_maintenance') AS in_maintenance,
         count(*) FILTER (WHERE status = 'not_scored') AS not_scored,
         count(*) FILTER (WHERE status = 'not_scored' AND reason IN ('new_device', 'too_few_samples')) AS young,
         count(*) FILTER (WHERE status = 'not_scored' AND reason IN ('excluded', 'engine_error')) AS unjudged,
         count(o.opens) AS open_minutes,
         count(o.opens) FILTER (WHERE status <> 'in_maintenance' AND NOT (status = 'not_scored'
           AND coalesce(reason IN ('excluded', 'engine_error'), false))) AS open_judged,
         count(o.opens) FILTER (WHERE status IN ('healthy', 'warning', 'critical') OR (status = 'not_scored'
           AND reason IN ('new_device', 'too_few_samples'))) AS open_with_data,
         count(o.opens) FILTER (WHERE status = 'critical') AS open_critical,
         ARRAY[count(*) FILTER (WHERE data_age_seconds <= 30), count(*) FILTER (WHERE data_age_seconds <= 60),
               count(*) FILTER (WHERE data_age_seconds <= 120), count(*) FILTER (WHERE data_age_seconds <= 300),
               count(*) FILTER (WHERE data_age_seconds <= 900), count(*) FILTER (WHERE data_age_seconds <= 3600),
               count(data_age_seconds)]::smallint[] AS ages
    FROM ai_health_scores s
    LEFT JOIN unnest(%(devices)s::integer[], %(opens)s::timestamptz[], %(closes)s::timestamptz[])
              AS o (device_id, opens, closes)
      ON o.device_id = s.device_id AND s.at > o.opens AND s.at <= o.closes
   WHERE s.at > %(start)s AND s.at <= %(end)s
     AND (%(ids)s::integer[] IS NULL OR s.device_id = ANY(%(ids)s::integer[]))
   GROUP BY 1, 2)
SELECT counted.*, last.status::text AS last_status
  FROM counted
  JOIN ai_health_scores last ON last.device_id = counted.device_id AND last.at = counted.last_at
       AND last.at > %(start)s AND last.at <= %(end)s

-- name: stored_hours
SELECT * FROM ai_health_hours
 WHERE hour >= %(start)s AND hour < %(end)s
   AND (%(ids)s::integer[] IS NULL OR device_id = ANY(%(ids)s::integer[]))

-- name: sum_hours
-- Of `hours`, either of the two above, by device.
, summed AS (
  SELECT device_id, sum(healthy)::bigint, sum(warning)::bigint, sum(critical)::bigint, sum(no_data)::bigint,
         sum(in_maintenance)::bigint, sum(not_scored)::bigint, sum(young)::bigint, sum(unjudged)::bigint,
         sum(score_points)::bigint, sum(open_minutes)::bigint, sum(open_judged)::bigint,
         sum(open_with_data)::bigint, sum(open_critical)::bigint,
         count(*) FILTER (WHERE judged > 0) AS hours_judged,
         count(*) FILTER (WHERE judged > 0 AND no_data = 0) AS hours_unbroken,
         ARRAY[sum(ages[1]), sum(ages[2]), sum(ages[3]), sum(ages[4]), sum(ages[5]), sum(ages[6]),
               sum(ages[7])]::bigint[] AS ages,
         max(last_at) AS last_at
    FROM hours
   CROSS JOIN LATERAL (SELECT healthy + warning + critical + no_data + not_scored - unjudged AS judged) AS j
   GROUP BY device_id)
SELECT summed.*, hours.last_status
  FROM summed JOIN hours USING (device_id, last_at)
 ORDER BY device_id

-- name: bin_hours
-- Of `hours`, by bin: bin n begins at the nth of these moments. An hour belongs where its middle lies.
SELECT width_bucket(hour + interval '30 minutes', %(bins)s::timestamptz[]) - 1 AS bin, sum(healthy)::bigint,
       sum(warning)::bigint, sum(critical)::bigint, sum(no_data)::bigint, sum(in_maintenance)::bigint,
       sum(not_scored)::bigint, sum(score_points)::bigint
  FROM hours GROUP BY 1 ORDER BY 1

-- name: bin_device_hours
SELECT device_id, width_bucket(hour + interval '30 minutes', %(bins)s::timestamptz[]) - 1 AS bin, min(lowest),
       sum(no_data)::bigint
  FROM hours GROUP BY 1, 2 ORDER BY 1, 2

-- name: bin_minutes
-- The same of minutes, for bins that are no whole hours.
SELECT width_bucket(at - interval '1 microsecond', %(bins)s::timestamptz[]) - 1 AS bin,
       count(*) FILTER (WHERE status = 'healthy'),
       count(*) FILTER (WHERE status = 'warning'),
       count(*) FILTER (WHERE status = 'critical'),
       count(*) FILTER (WHERE status = 'no_data'),
       count(*) FILTER (WHERE status = 'in_maintenance'),
       count(*) FILTER (WHERE status = 'not_scored'),
       coalesce(sum((score::float8 * 10000)::integer)
                FILTER (WHERE status IN ('healthy', 'warning', 'critical')), 0)
  FROM ai_health_scores
 WHERE at > %(start)s AND at <= %(end)s AND device_id = ANY(%(ids)s::integer[])
 GROUP BY 1 ORDER BY 1

-- name: bin_device_minutes
SELECT device_id, width_bucket(at - interval '1 microsecond', %(bins)s::timestamptz[]) - 1 AS bin,
       min(score) FILTER (WHERE status IN ('healthy', 'warning', 'critical')),
       count(*) FILTER (WHERE status = 'no_data')
  FROM ai_health_scores
 WHERE at > %(start)s AND at <= %(end)s AND device_id = ANY(%(ids)s::integer[])
 GROUP BY 1, 2 ORDER BY 1, 2

-- name: lock_day
SELECT pg_advisory_xact_lock(hashtext('ai_health_hours ' || current_schema()), %(number)s);

-- name: scored_of
SELECT count(*) FROM ai_scoring_minutes WHERE at > %(start)s AND at <= %(end)s;

-- name: delete_day
DELETE FROM ai_health_hours WHERE hour >= %(start)s AND hour < %(end)s;

-- name: insert_day
INSERT INTO ai_health_hours

-- name: note_day
INSERT INTO ai_health_rollups (day, rolled_at, minutes) VALUES (%(day)s, %(now)s, %(minutes)s)
ON CONFLICT (day) DO UPDATE SET rolled_at = excluded.rolled_at, minutes = excluded.minutes;

-- name: out_of_date
-- Fewer than none were there when it was rolled up: anything is more.
UPDATE ai_health_rollups SET minutes = -1 WHERE day BETWEEN %(first)s AND %(last)s;

-- name: rolled_up
-- Days that were rolled up, and of which nothing was scored since.
SELECT r.day
  FROM ai_health_rollups r
  LEFT JOIN (SELECT date_trunc('day', at - interval '1 microsecond')::date AS day, count(*) AS minutes
               FROM ai_scoring_minutes WHERE at > %(start)s AND at <= %(end)s GROUP BY 1) AS scored USING (day)
 WHERE r.day >= (%(start)s)::date AND r.day < (%(end)s)::date AND r.minutes >= coalesce(scored.minutes, 0);

-- name: kept_from
-- The first day whose minutes are still there.
SELECT min(to_date(right(c.relname, 8), 'YYYYMMDD'))
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'ai_health_scores'::regclass;

-- name: scored_from
SELECT min(at) FROM ai_scoring_minutes;
