-- name: lock
-- Two fits take turns: the second finds the first one's row.
SELECT pg_advisory_xact_lock(hashtext('ai_hazard_models ' || current_schema()));

-- name: in_force
SELECT version, payload, checksum FROM ai_hazard_models WHERE in_force;

-- name: of_version
SELECT version, payload, checksum FROM ai_hazard_models WHERE version = %(version)s;

-- name: of_data
-- Versions that were put back have their own source's data and are no fit of it.
SELECT version FROM ai_hazard_models
 WHERE data_until = %(data_until)s AND scores ->> 'put_back' IS NULL
 ORDER BY version DESC LIMIT 1;

-- name: recent
SELECT version, fitted_at, data_from, data_until, devices, device_days, failures, kind, length(payload), scores,
       adopted, in_force, reason
  FROM ai_hazard_models ORDER BY version DESC LIMIT %(limit)s;

-- name: leave_force
UPDATE ai_hazard_models SET in_force = false WHERE in_force;

-- name: record
INSERT INTO ai_hazard_models (fitted_at, data_from, data_until, devices, device_days, failures, kind, payload,
                              checksum, scores, adopted, in_force, reason)
VALUES (%(fitted_at)s, %(data_from)s, %(data_until)s, %(devices)s, %(device_days)s, %(failures)s, %(kind)s,
        %(payload)b, %(checksum)s, %(scores)s::jsonb, %(adopted)s, %(adopted)s, %(reason)s)
RETURNING version;

-- name: put_back
INSERT INTO ai_hazard_models (fitted_at, data_from, data_until, devices, device_days, failures, kind, payload,
                              checksum, scores, adopted, in_force, reason)
SELECT %(now)s, data_from, data_until, devices, device_days, failures, kind, payload, checksum,
       scores || jsonb_build_object('put_back', version), true, true, %(reason)s
  FROM ai_hazard_models WHERE version = %(version)s AND payload IS NOT NULL
RETURNING version;

-- name: forget
-- Rows stay for good; payloads of the ones in force before are kept for a while, to be put back.
UPDATE ai_hazard_models SET payload = NULL, checksum = NULL
 WHERE payload IS NOT NULL AND NOT in_force
   AND version NOT IN (SELECT version FROM ai_hazard_models WHERE payload IS NOT NULL AND adopted
                        ORDER BY version DESC LIMIT %(keep)s);
