-- What the key figures are counted from, beside scores and telemetry.

-- name: failures
-- Failures that overlap the period or end in it, as they were known when the report was made. One that our own
-- incident told of goes on until that closes; what others recorded without an end has none.
SELECT device_id, at, CASE WHEN ended_at <= %(now)s THEN ended_at END, source <> 'incident',
       source = 'incident' AND (ended_at IS NULL OR ended_at > %(now)s)
  FROM ai_device_outcomes
 WHERE kind = 'failure' AND device_id = ANY(%(ids)s::integer[]) AND recorded_at <= %(now)s
   AND (withdrawn_at IS NULL OR withdrawn_at > %(now)s)
   AND at <= %(end)s
   AND (at > %(start)s OR ended_at > %(start)s OR (source = 'incident' AND ended_at IS NULL))
 ORDER BY device_id, at;

-- name: forecasts
-- Forecasts of a failure 7-30 days ahead that were due in the period: settled, right at even odds, happened.
SELECT count(*), count(*) FILTER (WHERE (probability >= 0.5) = (outcome = 'happened')),
       count(*) FILTER (WHERE outcome = 'happened')
  FROM ai_predictions
 WHERE kind = 'failure' AND reason = 'daily' AND horizon = '7-30d' AND forecaster = %(leader)s
   AND outcome IN ('happened', 'did_not') AND settled_at <= %(now)s
   AND due_at > %(start)s AND due_at <= %(end)s AND device_id = ANY(%(ids)s::integer[]);

-- name: throughput
-- Telemetry rows that scoring read, and the hours that it worked on them.
SELECT coalesce(sum(rows_read), 0)::bigint, coalesce(sum(seconds), 0)::float8 / 3600
  FROM ai_scoring_minutes WHERE at > %(start)s AND at <= %(end)s;

-- name: claims
-- Sentences that a language model wrote in the period: refused, and all that were looked at.
SELECT coalesce(sum((verdicts->>'refused')::bigint), 0)::bigint,
       coalesce(sum((verdicts->>'refused')::bigint + (verdicts->>'verified')::bigint), 0)::bigint
  FROM ai_llm_calls WHERE at > %(start)s AND at <= %(end)s AND verdicts IS NOT NULL;

-- name: speeds
-- Milliseconds that 95 of 100 questions, and answers of the HTTP door that need no model, took at most.
SELECT (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY response_ms) FROM ai_questions
         WHERE at > %(start)s AND at <= %(end)s),
       (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY (details->>'ms')::double precision) FROM ai_audit_log
         WHERE at > %(start)s AND at <= %(end)s AND details->>'status' = '200'
           AND action LIKE 'GET /api/ai/%%' AND action NOT LIKE '%%/analyze/%%');
