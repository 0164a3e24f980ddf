-- A fleet for benchmarks/api.py; `:devices` is put in before it runs.
INSERT INTO sites (id, site_id, name, is_active, lifecycle_state)
SELECT n, 'SITE-' || n, 'Site ' || n, true, 'active' FROM generate_series(1, greatest(2, :devices / 100)) n;
INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, is_simulated, created_at)
SELECT n, 'DEVICE-' || lpad(n::text, 6, '0'), 'Till ' || n, (ARRAY['pos_terminal', 'gateway', 'iot_sensor'])[1 + n % 3],
       'active', 1 + (n - 1) / 100, true, false, now() - interval '1 year' FROM generate_series(1, :devices) n;
SELECT ai_make_score_partitions((now() - interval '2 days')::date, (now() + interval '1 day')::date);
INSERT INTO ai_health_scores (device_id, at, score, status, sample_count, data_age_seconds, factors)
SELECT d, date_trunc('minute', now()) - m * interval '1 minute', CASE WHEN d % 97 = 7 THEN 0.4 ELSE 0.97 END,
       (CASE WHEN d % 97 = 7 THEN 'critical' ELSE 'healthy' END)::health_status, 2, 20,
       CASE WHEN d % 97 = 7 THEN '[{"metric": "cpu_percent", "kind": "limit", "contribution": 0.6, "observed": 97.2,
         "low": null, "high": 90.0}]'::jsonb END
  FROM generate_series(1, :devices) d, generate_series(1, 120) m;
INSERT INTO ai_health_scores (device_id, at, score, status, sample_count, data_age_seconds)
SELECT d, date_trunc('minute', now()) - m * interval '1 minute', 0.97, 'healthy', 2, 20
  FROM generate_series(1, 100) d, generate_series(121, 1560) m;
INSERT INTO ai_metric_hours (device_id, hour, metrics, n, mean, min, max, last)
SELECT d, date_trunc('hour', now()) - h * interval '1 hour', ARRAY['cpu_percent', 'memory_percent', 'disk_percent'],
       ARRAY[120, 120, 120], ARRAY[31, 52, 60 + h * 0.01], ARRAY[10, 40, 60], ARRAY[90, 70, 80], ARRAY[30, 50, 70]
  FROM generate_series(1, :devices / 10) d, generate_series(1, 720) h;
INSERT INTO device_metrics (timestamp, device_id, cpu_percent, memory_percent, disk_percent, provenance)
SELECT (now() AT TIME ZONE 'UTC') - m * interval '30 seconds', d, 30 + m % 7, 50, 60, 'real'
  FROM generate_series(1, :devices / 10) d, generate_series(1, 140) m;
INSERT INTO ai_device_risks (device_id, at, level, cause, p_24h, p_7d, p_30d, forecaster, version, facts)
SELECT d, date_trunc('hour', now()), 'low', 'failure', 0.01, 0.05, 0.1, 'hazard', '1', '{}'
  FROM generate_series(1, :devices) d;
INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, category, title, state, severity,
  initial_severity, peak_severity, started_at, opened_at, closed_at, initial, facts, resolution, closed_by, updated_at)
SELECT 'f' || n, 'device', 1 + (n % (:devices - 1)) / 100, 1 + n % (:devices - 1), 'pos_terminal', 'cpu_percent.high',
       'performance', 'CPU high', CASE WHEN n % 50 = 6 THEN 'open' ELSE 'closed' END, 'critical', 'critical', 'critical',
       now() - n * interval '20 minutes', now() - n * interval '20 minutes',
       CASE WHEN n % 50 = 6 THEN NULL ELSE now() - n * interval '20 minutes' + interval '10 minutes' END, '{}',
       '{"metrics": [{"metric": "cpu_percent", "direction": "high"}]}', 'restarted it', 'ann', now()
  FROM generate_series(1, 2000) n;
INSERT INTO ai_incident_devices (incident_id, device_id, joined_at) SELECT id, root_device_id, opened_at FROM ai_incidents;
INSERT INTO ai_incident_patterns (kind, incident_id, device_id, site_id, device_type, category, severity, metrics,
  pattern_description, content_hash, resolution, outcome, happened_at, created_at)
SELECT 'incident', id, root_device_id, site_id, 'pos_terminal', 'performance', 'critical', ARRAY['cpu_percent:high'],
       'pos terminal, performance: CPU overloaded.', 'h', 'restarted it', 'held', opened_at, now()
  FROM ai_incidents WHERE state = 'closed';
INSERT INTO ai_anomaly_logs (device_id, health_score, status, metrics, created_at, started_at, severity, metric, observed,
  expected_high, initial_score, peak_score)
SELECT d, 0.4, 'open', '[]', now() - interval '1 hour', now() - interval '1 hour', 'critical', 'cpu_percent', 97.2, 90, 0.4, 0.4
  FROM generate_series(7, :devices, 97) d;
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at)
VALUES (0, 'live', date_trunc('minute', now()), -1, 1, '', '', now())
