-- The ledger of forecasts: what is due, what became of it, and the counts of which its record is made.

-- name: due
-- Due and not settled. Materialized: by the order of ids PostgreSQL would read every row ever settled.
WITH waiting AS MATERIALIZED (
  SELECT p.id, p.device_id, p.made_at, p.kind, p.from_at, p.due_at, p.metric, p.probability, p.low, p.mid,
         p.high, p.coverage
    FROM ai_predictions p
   WHERE p.settled_at IS NULL AND p.due_at <= %(until)s AND p.id > %(after)s)
SELECT * FROM waiting ORDER BY id LIMIT %(limit)s;

-- name: learned_later
SELECT DISTINCT p.id, p.device_id, p.made_at, p.kind, p.from_at, p.due_at, p.metric, p.probability, p.low, p.mid,
       p.high, p.coverage
  FROM ai_device_outcomes o
  JOIN ai_predictions p ON p.device_id = o.device_id AND o.at <= p.due_at
   AND p.made_at < coalesce(o.ended_at, o.at) + interval '1 second'
 WHERE o.changed_at > %(since)s AND o.changed_at > p.settled_at
   AND p.made_at > o.at - interval '120 days'
 ORDER BY p.id
 LIMIT %(limit)s;

-- name: settled_ahead
-- Settled by a run for a moment that has not come yet: nothing was seen of the time until then.
SELECT p.id, p.device_id, p.made_at, p.kind, p.from_at, p.due_at, p.metric, p.probability, p.low, p.mid, p.high,
       p.coverage
  FROM ai_predictions p
 WHERE p.settled_at > %(now)s AND p.outcome <> 'happened' AND p.due_at <= %(until)s
 ORDER BY p.id
 LIMIT %(limit)s;

-- name: settle
-- Only what is not settled, or was settled before: two runs at once write the same.
UPDATE ai_predictions p
   SET settled_at = %(now)s, outcome = s.outcome, observed = s.observed, observed_at = s.observed_at,
       score = s.score, facts = CASE WHEN s.why = '' THEN p.facts - 'censored'
                                     ELSE p.facts || jsonb_build_object('censored', s.why) END
  FROM unnest(%(ids)s::bigint[], %(outcomes)s::text[], %(observed)s::float8[], %(observed_at)s::timestamptz[],
              %(scores)s::float8[], %(why)s::text[]) AS s (id, outcome, observed, observed_at, score, why)
 WHERE p.id = s.id;

-- name: seen_until
SELECT d.id, h.hour
  FROM unnest(%(ids)s::integer[]) AS d (id)
 CROSS JOIN LATERAL (SELECT max(m.hour) AS hour FROM ai_metric_hours m
                      WHERE m.device_id = d.id AND m.hour <= %(now)s) h
 WHERE h.hour IS NOT NULL;

-- name: scored_until
-- The shard that is furthest behind decides.
SELECT min(at) FROM ai_baselines WHERE kind = 'live' AND part = -1;

-- name: values_at
-- The mean of the hour in which each level forecast was due, or of the nearest within two hours.
SELECT p.id, v.mean
  FROM ai_predictions p
 CROSS JOIN LATERAL (
    SELECT m.mean[array_position(m.metrics, p.metric)] AS mean
      FROM ai_metric_hours m
     WHERE m.device_id = p.device_id AND m.hour BETWEEN p.due_at - interval '3 hours' AND p.due_at + interval '2 hours'
       AND abs(m.mean[array_position(m.metrics, p.metric)]) <= %(absurd)s
     ORDER BY abs(extract(epoch FROM m.hour - p.due_at) + 1800)
     LIMIT 1) v
 WHERE p.id = ANY(%(ids)s::bigint[]);

-- name: crossings
-- The first hour whose mean is beyond the limit that the forecast was about; infinite and absurd ones are none.
SELECT p.id, min(m.hour)
  FROM ai_predictions p
  JOIN ai_metric_hours m ON m.device_id = p.device_id AND m.hour > p.made_at - interval '1 hour'
   AND m.hour <= p.due_at AND p.metric = ANY(m.metrics)
 WHERE p.id = ANY(%(ids)s::bigint[]) AND p.facts->>'limit' IS NOT NULL
   AND abs(m.mean[array_position(m.metrics, p.metric)]) <= %(absurd)s
   AND CASE WHEN p.facts->>'direction' = 'low'
            THEN m.mean[array_position(m.metrics, p.metric)] <= (p.facts->>'limit')::float8
            ELSE m.mean[array_position(m.metrics, p.metric)] >= (p.facts->>'limit')::float8 END
 GROUP BY p.id;

-- name: failure_bins
-- Settled daily forecasts, by their probability in steps of 0.005. Simulated devices count only where there are
-- no others: what they do says nothing about real ones.
SELECT forecaster, horizon, round(probability * 200)::int, count(*),
       sum(probability)::float8, count(*) FILTER (WHERE outcome = 'happened'), sum(score)::float8,
       count(base_rate),
       coalesce(sum((base_rate - (outcome = 'happened')::int) ^ 2) FILTER (WHERE base_rate IS NOT NULL), 0)::float8,
       coalesce(sum(score) FILTER (WHERE base_rate IS NOT NULL), 0)::float8
  FROM ai_predictions
 WHERE kind = 'failure' AND reason = 'daily' AND outcome IN ('happened', 'did_not')
   AND made_at > %(since)s AND settled_at <= %(now)s
   AND (provenance IS DISTINCT FROM 'simulated' OR NOT EXISTS (
          SELECT 1 FROM ai_predictions r WHERE r.reason = 'daily' AND r.settled_at IS NOT NULL
             AND r.provenance IS DISTINCT FROM 'simulated'))
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3;

-- name: intervals
-- Interval forecasts: how many held what happened. A date or a life counts only where its late edge lies before
-- it is due: of the others nobody knows yet, and those that came early would be chosen by their outcome.
SELECT forecaster, kind, max(coverage)::float8, count(*),
       count(*) FILTER (WHERE outcome = 'happened' AND observed BETWEEN low AND high),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(observed - mid)
         / CASE WHEN kind = 'limit' THEN 86400.0 ELSE 1.0 END) FILTER (WHERE outcome = 'happened'),
       avg(score)::float8
  FROM ai_predictions
 WHERE kind <> 'failure' AND reason = 'daily' AND outcome IN ('happened', 'did_not') AND coverage IS NOT NULL
   AND low IS NOT NULL AND high IS NOT NULL
   AND CASE kind WHEN 'limit' THEN high <= extract(epoch FROM due_at)
                 WHEN 'life' THEN high <= extract(epoch FROM due_at - made_at) / 86400.0 ELSE true END
   AND made_at > %(since)s AND settled_at <= %(now)s
   AND (provenance IS DISTINCT FROM 'simulated' OR NOT EXISTS (
          SELECT 1 FROM ai_predictions r WHERE r.reason = 'daily' AND r.settled_at IS NOT NULL
             AND r.provenance IS DISTINCT FROM 'simulated'))
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: counts
SELECT count(*) FILTER (WHERE settled_at IS NULL), count(*) FILTER (WHERE outcome = 'censored'),
       count(*) FILTER (WHERE outcome IN ('happened', 'did_not')), min(due_at) FILTER (WHERE settled_at IS NULL)
  FROM ai_predictions
 WHERE reason = 'daily' AND made_at > %(since)s AND made_at <= %(now)s;

-- name: warnings
-- Raised episodes by outcome, and the median hours from the warning to the failure.
SELECT count(*) FILTER (WHERE outcome = 'came_true'), count(*) FILTER (WHERE outcome = 'averted'),
       count(*) FILTER (WHERE outcome = 'false_alarm'), count(*) FILTER (WHERE outcome = 'censored'),
       count(*) FILTER (WHERE outcome IS NULL),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM happened_at - raised_at) / 3600.0)
         FILTER (WHERE outcome = 'came_true' AND happened_at IS NOT NULL)
  FROM ai_risk_episodes
 WHERE raised_at > %(since)s AND raised_at <= %(now)s;

-- name: missed
-- Failures since the first forecast, and how many of them no episode of the month before them warned of.
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
         SELECT 1 FROM ai_risk_episodes e
          WHERE e.device_id = o.device_id AND e.raised_at < o.at AND e.raised_at > o.at - interval '30 days'
            AND (e.ended_at IS NULL OR e.ended_at > o.at - interval '7 days')))
  FROM ai_device_outcomes o
 WHERE o.kind = 'failure' AND o.withdrawn_at IS NULL AND o.at <= %(now)s
   AND o.at > greatest(%(since)s, (SELECT min(made_at) FROM ai_predictions));

-- name: put_rules
INSERT INTO ai_prediction_rules (made_at, thresholds, leaders, record)
VALUES (%(now)s, %(thresholds)s, %(leaders)s, %(record)s)
ON CONFLICT (made_at) DO UPDATE
   SET thresholds = excluded.thresholds, leaders = excluded.leaders, record = excluded.record;

-- name: rules
SELECT made_at, thresholds, leaders, record
  FROM ai_prediction_rules WHERE made_at <= %(now)s ORDER BY made_at DESC LIMIT 1;

-- name: append
-- Forecasts as they are made; a repeated run writes none twice.
INSERT INTO ai_predictions (made_at, device_id, site_id, device_type, provenance, kind, horizon, from_at, due_at,
                            metric, cause, probability, low, mid, high, unit, coverage, base_rate, forecaster,
                            version, reason, facts)
SELECT %(made_at)s, %(device_id)s, d.site_id, d.device_type,
       CASE WHEN d.is_simulated THEN 'simulated' END, %(kind)s, %(horizon)s, %(from_at)s,
       %(due_at)s, %(metric)s, %(cause)s, %(probability)s, %(low)s, %(mid)s, %(high)s, %(unit)s, %(coverage)s,
       NULL, %(forecaster)s, %(version)s, %(reason)s, %(facts)s
  FROM devices d WHERE d.id = %(device_id)s
ON CONFLICT (device_id, made_at, kind, metric, horizon, forecaster) DO UPDATE SET cause = excluded.cause
RETURNING id;
