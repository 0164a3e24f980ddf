-- What is expected, what visits are planned, what it costs. Views of the asker's schema.

-- name: risk
SELECT r.at, r.level, r.cause, r.metric, r.p_24h::float8, r.p_7d::float8, r.p_30d::float8, r.forecaster, r.when_low,
       r.when_mid, r.when_high, r.life_low::float8, r.life_mid::float8, r.life_high::float8, r.refused, r.action
  FROM ai_device_risks r WHERE r.device_id = %(device)s;

-- name: riskiest
SELECT r.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, s.name, d.device_type, r.level, r.cause,
       r.metric, r.p_7d::float8, r.when_low, r.when_high, r.action, r.at, count(*) OVER (),
       count(*) FILTER (WHERE r.level IN ('high', 'critical')) OVER ()
  FROM ai_device_risks r
  JOIN devices d ON d.id = r.device_id
  JOIN sites s ON s.id = d.site_id
 WHERE r.refused IS NULL
   AND (%(site)s::integer IS NULL OR d.site_id = %(site)s) AND (%(type)s::text IS NULL OR d.device_type = %(type)s)
 ORDER BY array_position(ARRAY['critical', 'high', 'moderate', 'low', 'unknown'], r.level), r.when_low NULLS LAST,
          r.p_7d DESC NULLS LAST, r.device_id
 LIMIT %(limit)s;

-- name: full
-- When a metric reaches its limit, by the newest judgement and the newest forecasts of the last day.
WITH told AS (
  SELECT device_id, at, when_low AS low, when_mid AS mid, when_high AS high FROM ai_device_risks
   WHERE metric = %(metric)s AND when_mid IS NOT NULL AND refused IS NULL
     AND (%(device)s::integer IS NULL OR device_id = %(device)s)
  UNION ALL
  SELECT device_id, made_at, to_timestamp(low), to_timestamp(mid), to_timestamp(high) FROM ai_predictions
   WHERE kind = 'limit' AND metric = %(metric)s AND made_at > %(now)s - interval '26 hours' AND made_at <= %(now)s
     AND (%(device)s::integer IS NULL OR device_id = %(device)s)),
newest AS (SELECT DISTINCT ON (device_id) * FROM told ORDER BY device_id, at DESC)
SELECT n.device_id, coalesce(nullif(d.name, ''), d.device_id), d.site_id, s.name, n.at, n.low, n.mid, n.high,
       count(*) OVER ()
  FROM newest n JOIN devices d ON d.id = n.device_id JOIN sites s ON s.id = d.site_id
 WHERE (%(site)s::integer IS NULL OR d.site_id = %(site)s)
   AND (%(horizon)s::timestamptz IS NULL OR n.mid <= %(horizon)s)
 ORDER BY n.mid, n.device_id LIMIT %(limit)s;

-- name: visits
SELECT v.id, v.device_id, coalesce(nullif(d.name, ''), d.device_id), v.site_id, s.name, v.visit_at, v.visit_until,
       v.needed_by, v.state, v.reason, v.action, v.level, v.cost::float8, v.cost_if_not::float8, v.currency,
       v.updated_at, count(*) OVER ()
  FROM ai_maintenance_schedule v
  JOIN devices d ON d.id = v.device_id JOIN sites s ON s.id = d.site_id
 WHERE v.state IN ('proposed', 'accepted') AND v.visit_until > %(now)s
   AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
   AND (%(horizon)s::timestamptz IS NULL OR v.visit_at <= %(horizon)s)
 ORDER BY v.visit_at, v.id LIMIT %(limit)s;

-- name: rates
SELECT s.id, s.name, o.cost_rates FROM sites s LEFT JOIN ai_site_settings o ON o.site_id = s.id
 WHERE coalesce(s.is_active, true) AND (%(site)s::integer IS NULL OR s.id = %(site)s) ORDER BY s.id;

-- name: downtime
-- Minutes that failures of the span lasted within it, by site; what has not ended lasts until now.
SELECT d.site_id, count(*), sum(extract(epoch FROM least(coalesce(o.ended_at, %(until)s), %(until)s)
         - greatest(o.at, %(since)s)) / 60.0)::float8
  FROM ai_device_outcomes o JOIN devices d ON d.id = o.device_id
 WHERE o.kind = 'failure' AND o.withdrawn_at IS NULL AND o.at < %(until)s
   AND coalesce(o.ended_at, CASE WHEN o.source = 'incident' THEN %(until)s ELSE o.at END) > %(since)s
   AND (o.ended_at IS NOT NULL OR o.source = 'incident')
   AND (%(site)s::integer IS NULL OR d.site_id = %(site)s) AND (%(device)s::integer IS NULL OR d.id = %(device)s)
 GROUP BY 1;

-- name: warnings
SELECT count(*) FILTER (WHERE outcome = 'came_true'), count(*) FILTER (WHERE outcome = 'averted'),
       count(*) FILTER (WHERE outcome = 'false_alarm'), count(*) FILTER (WHERE outcome IS NULL), max(settled_at)
  FROM ai_risk_episodes WHERE raised_at > %(since)s AND raised_at <= %(until)s;

-- name: judged
-- When forecasts of the scope were last made, for how many devices, and of how many there is none.
SELECT max(r.at), count(*), count(*) FILTER (WHERE r.refused IS NOT NULL)
  FROM ai_device_risks r JOIN devices d ON d.id = r.device_id
 WHERE (%(device)s::integer IS NULL OR d.id = %(device)s) AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
   AND (%(type)s::text IS NULL OR d.device_type = %(type)s);

-- name: known
-- Since when anything was judged, or was told us of before: nothing earlier can be a known failure.
SELECT least((SELECT min(day)::timestamp AT TIME ZONE 'UTC' FROM ai_health_rollups),
             (SELECT min(at) FROM ai_scoring_minutes),
             (SELECT min(o.at) FROM ai_device_outcomes o JOIN devices d ON d.id = o.device_id
               WHERE (%(device)s::integer IS NULL OR d.id = %(device)s)
                 AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)));
