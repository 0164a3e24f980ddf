-- name: judged
-- Devices that the ledger has a forecast of from the period.
SELECT count(DISTINCT device_id)
  FROM ai_predictions
 WHERE reason = 'daily' AND device_id = ANY(%(ids)s::integer[]) AND made_at > %(start)s AND made_at <= %(end)s;
