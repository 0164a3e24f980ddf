-- name: insert_scores
-- A score is what alarms were based on: a minute that has one keeps it. Codes are positions in the
-- enum's own order (statuses, reasons); only the few devices that deviate bring factors.
INSERT INTO ai_health_scores (device_id, at, score, status, reason, sample_count, data_age_seconds, factors)
SELECT t.device_id, to_timestamp(t.at), nullif(t.score, 'NaN'),
       (%(statuses)s::health_status[])[t.status + 1], (%(reasons)s::unscored_reason[])[t.reason + 1],
       t.sample_count, nullif(t.age, 'NaN'), f.factors::jsonb
  FROM unnest(%(device_id)s::int8[], %(at)s::float8[], %(score)s::real[], %(status)s::smallint[],
              %(reason)s::smallint[], %(sample_count)s::smallint[], %(age)s::real[])
    WITH ORDINALITY AS t(device_id, at, score, status, reason, sample_count, age, place)
  LEFT JOIN unnest(%(factor_place)s::int8[], %(factors)s::text[]) AS f(place, factors) USING (place)
ON CONFLICT (device_id, at) DO NOTHING;

-- name: equal_scores
-- How many of these are there already with the same score and status.
SELECT count(*)
  FROM unnest(%(device_id)s::int8[], %(at)s::float8[], %(score)s::real[], %(status)s::smallint[])
    AS t(device_id, at, score, status)
  JOIN ai_health_scores s ON s.device_id = t.device_id AND s.at = to_timestamp(t.at)
 WHERE s.status = (%(statuses)s::health_status[])[t.status + 1]
   AND (s.score IS NOT DISTINCT FROM nullif(t.score, 'NaN') OR abs(s.score - t.score) < 0.0005);

-- name: insert_minute
INSERT INTO ai_scoring_minutes (shard, at, devices, healthy, warning, critical, no_data, in_maintenance,
                                not_scored, rows_read, rejected, seconds, scored_at)
VALUES (%(shard)s, %(at)s, %(devices)s, %(healthy)s, %(warning)s, %(critical)s, %(no_data)s,
        %(in_maintenance)s, %(not_scored)s, %(rows_read)s, %(rejected)s::jsonb, %(seconds)s, %(scored_at)s)
ON CONFLICT (shard, at) DO NOTHING;

-- name: newest_minute
SELECT max(at) FROM ai_scoring_minutes WHERE shard = %(shard)s;

-- name: insert_hours
INSERT INTO ai_metric_hours (device_id, hour, metrics, n, mean, min, max, last)
SELECT device_id, %(hour)s, array_agg((%(names)s::text[])[metric + 1] ORDER BY place), array_agg(n ORDER BY place),
       array_agg(mean ORDER BY place), array_agg(low ORDER BY place), array_agg(high ORDER BY place),
       array_agg(last ORDER BY place)
  FROM unnest(%(device_id)s::int8[], %(metric)s::int[], %(n)s::int[], %(mean)s::real[], %(low)s::real[],
              %(high)s::real[], %(last)s::real[])
    WITH ORDINALITY AS t(device_id, metric, n, mean, low, high, last, place)
 GROUP BY device_id
ON CONFLICT (device_id, hour) DO NOTHING;

-- name: open_anomaly
INSERT INTO ai_anomaly_logs (device_id, health_score, status, metrics, created_at, started_at, severity, metric,
                             observed, expected_low, expected_high, initial_score, peak_score, provenance,
                             strength, opened_by)
VALUES (%(device_id)s, %(initial_score)s, 'open', %(metrics)s::jsonb, %(now)s, %(started_at)s, %(severity)s,
        %(metric)s, %(observed)s, %(low)s, %(high)s, %(initial_score)s, %(peak_score)s, %(provenance)s,
        %(strength)s, %(opened_by)s)
ON CONFLICT (device_id, started_at) DO NOTHING;

-- name: worsen_anomaly
UPDATE ai_anomaly_logs
   SET peak_score = least(peak_score, %(peak_score)s), severity = %(severity)s,
       strength = greatest(strength, %(strength)s)
 WHERE device_id = %(device_id)s AND started_at = %(started_at)s AND status = 'open';

-- name: close_anomaly
UPDATE ai_anomaly_logs
   SET status = 'closed', ended_at = %(ended_at)s, peak_score = least(peak_score, %(peak_score)s),
       severity = %(severity)s, strength = greatest(strength, %(strength)s)
 WHERE device_id = %(device_id)s AND started_at = %(started_at)s AND status = 'open';

-- name: insert_events
INSERT INTO ai_event_cache (device_id, at, kind, key, summary, details, expires_at)
SELECT device_id, to_timestamp(at), kind, key, summary, details::jsonb,
       to_timestamp(at) + make_interval(hours => %(ttl_hours)s)
  FROM unnest(%(device_id)s::int[], %(at)s::float8[], %(kind)s::text[], %(key)s::text[],
              %(summary)s::text[], %(details)s::text[])
    AS t(device_id, at, kind, key, summary, details)
ON CONFLICT (device_id, kind, at, key)
DO UPDATE SET summary = excluded.summary, details = excluded.details;

-- name: make_partitions
SELECT ai_make_score_partitions(%(first)s::date, %(last)s::date);

-- name: end_gaps
-- Who is judged again, or for another reason not; also who is gone.
UPDATE ai_device_gaps g
   SET ended_at = greatest(%(at)s, g.noticed_at)
 WHERE g.ended_at IS NULL
   AND ai_shard_of(g.device_id, %(shards)s) = %(shard)s
   AND NOT EXISTS (
         SELECT
           FROM unnest(%(device_id)s::int8[], %(status)s::smallint[], %(reason)s::smallint[])
             AS t(device_id, status, reason)
          WHERE t.device_id = g.device_id
            AND (%(statuses)s::health_status[])[t.status + 1] = g.status
            AND (%(reasons)s::unscored_reason[])[t.reason + 1] IS NOT DISTINCT FROM g.reason);

-- name: begin_gaps
INSERT INTO ai_device_gaps (device_id, status, reason, last_sample_at, noticed_at)
SELECT t.device_id, (%(statuses)s::health_status[])[t.status + 1],
       (%(reasons)s::unscored_reason[])[t.reason + 1],
       %(at)s::timestamptz - make_interval(secs => nullif(t.age, 'NaN')), %(at)s
  FROM unnest(%(device_id)s::int8[], %(status)s::smallint[], %(reason)s::smallint[], %(age)s::real[])
    AS t(device_id, status, reason, age)
ON CONFLICT (device_id) WHERE ended_at IS NULL DO NOTHING;
