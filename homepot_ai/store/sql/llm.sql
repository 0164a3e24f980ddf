-- name: put_call
INSERT INTO ai_llm_calls (at, purpose, prompt_hash, model, digest, options, outcome, answer, latency_ms,
                          prompt_tokens, answer_tokens)
VALUES (%(at)s, %(purpose)s, %(prompt_hash)s, %(model)s, %(digest)s, %(options)s::jsonb, %(outcome)s,
        %(answer)s, %(latency_ms)s, %(prompt_tokens)s, %(answer_tokens)s)
RETURNING id;

-- name: put_verdicts
UPDATE ai_llm_calls SET verdicts = %(verdicts)s::jsonb WHERE id = %(id)s;

-- name: outcomes_since
SELECT outcome, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms),
       coalesce(sum((verdicts->>'verified')::int), 0), coalesce(sum((verdicts->>'refused')::int), 0)
FROM ai_llm_calls
WHERE at >= %(since)s
GROUP BY outcome
ORDER BY count(*) DESC, outcome;
