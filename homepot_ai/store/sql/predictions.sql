-- name: lock
-- Two runs take turns: the second one finds the first one's rows.
SELECT pg_advisory_xact_lock(hashtext('ai_predictions'), hashtext(current_schema()));

-- name: newest_run
SELECT max(at) FROM ai_device_risks;

-- name: ledger_since
-- Whether the day's forecasts are in the ledger.
SELECT EXISTS (SELECT FROM ai_predictions WHERE reason = 'daily' AND made_at >= %(since)s);

-- name: put_risks
-- The newest judgement of each device; an older one never replaces a newer one.
INSERT INTO ai_device_risks (device_id, at, level, cause, metric, p_24h, p_7d, p_30d, forecaster, version, when_low,
                             when_mid, when_high, life_low, life_mid, life_high, refused, action, facts, raised_at)
SELECT device_id, %(at)s, level, cause, metric, nullif(p_24h, 'NaN'), nullif(p_7d, 'NaN'), nullif(p_30d, 'NaN'),
       forecaster, version, to_timestamp(nullif(when_low, 'NaN')), to_timestamp(nullif(when_mid, 'NaN')),
       to_timestamp(nullif(when_high, 'NaN')), nullif(life_low, 'NaN'), nullif(life_mid, 'NaN'),
       nullif(life_high, 'NaN'), refused, action, facts::jsonb,
       CASE WHEN level IN ('high', 'critical') THEN %(at)s END
  FROM unnest(%(device_id)s::int8[], %(level)s::text[], %(cause)s::text[], %(metric)s::text[], %(p_24h)s::float8[],
              %(p_7d)s::float8[], %(p_30d)s::float8[], %(forecaster)s::text[], %(version)s::text[],
              %(when_low)s::float8[], %(when_mid)s::float8[], %(when_high)s::float8[], %(life_low)s::float8[],
              %(life_mid)s::float8[], %(life_high)s::float8[], %(refused)s::text[], %(action)s::text[],
              %(facts)s::text[])
    AS t(device_id, level, cause, metric, p_24h, p_7d, p_30d, forecaster, version, when_low, when_mid, when_high,
         life_low, life_mid, life_high, refused, action, facts)
ON CONFLICT (device_id) DO UPDATE
   SET at = excluded.at, level = excluded.level, cause = excluded.cause, metric = excluded.metric,
       p_24h = excluded.p_24h, p_7d = excluded.p_7d, p_30d = excluded.p_30d, forecaster = excluded.forecaster,
       version = excluded.version, when_low = excluded.when_low, when_mid = excluded.when_mid,
       when_high = excluded.when_high, life_low = excluded.life_low, life_mid = excluded.life_mid,
       life_high = excluded.life_high, refused = excluded.refused, action = excluded.action,
       facts = excluded.facts,
       raised_at = CASE WHEN excluded.level IN ('high', 'critical')
                        THEN coalesce(ai_device_risks.raised_at, excluded.at) END
 WHERE ai_device_risks.at <= excluded.at;

-- name: drop_risks
-- Devices that are no longer judged.
DELETE FROM ai_device_risks WHERE at < %(at)s;

-- name: failures
-- One horizon of one forecaster, every device.
INSERT INTO ai_predictions (made_at, device_id, site_id, device_type, provenance, kind, horizon, from_at, due_at, probability,
                            base_rate, forecaster, version, reason, facts)
SELECT %(made_at)s, t.device_id, d.site_id, d.device_type, CASE WHEN d.is_simulated THEN 'simulated' END, 'failure', %(horizon)s, %(from_at)s, %(due_at)s,
       t.probability, %(base_rate)s, %(forecaster)s, %(version)s, %(reason)s, %(facts)s::jsonb
  FROM unnest(%(device_id)s::int8[], %(probability)s::float8[]) AS t(device_id, probability)
  JOIN devices d ON d.id = t.device_id
ON CONFLICT (device_id, made_at, kind, metric, horizon, forecaster) DO NOTHING;

-- name: interval
INSERT INTO ai_predictions (made_at, device_id, site_id, device_type, provenance, kind, horizon, from_at, due_at, metric, cause,
                            low, mid, high, unit, coverage, forecaster, version, reason, facts)
SELECT %(made_at)s, d.id, d.site_id, d.device_type, CASE WHEN d.is_simulated THEN 'simulated' END, %(kind)s, %(horizon)s, %(made_at)s, %(due_at)s, %(metric)s,
       %(cause)s, %(low)s, %(mid)s, %(high)s, %(unit)s, %(coverage)s, %(forecaster)s, %(version)s, %(reason)s,
       %(facts)s::jsonb
  FROM devices d
 WHERE d.id = %(device_id)s
ON CONFLICT (device_id, made_at, kind, metric, horizon, forecaster) DO NOTHING;

-- name: levels
-- How many devices stand at which level, by the newest run.
SELECT level, count(*) FROM ai_device_risks GROUP BY level;

-- name: worst
SELECT r.device_id, coalesce(nullif(d.name, ''), d.device_id), s.name, r.level, r.metric, r.p_7d::float8, r.when_low, r.action
  FROM ai_device_risks r
  JOIN devices d ON d.id = r.device_id
  JOIN sites s ON s.id = d.site_id
 ORDER BY array_position(ARRAY['critical', 'high', 'moderate', 'low', 'unknown'], r.level), r.when_low NULLS LAST,
          r.p_7d DESC NULLS LAST, r.device_id
 LIMIT %(limit)s;
