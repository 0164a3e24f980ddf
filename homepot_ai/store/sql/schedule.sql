-- Visits: what is proposed, accepted, declined, done.

-- name: live
SELECT id, device_id, site_id, cause, episode_id, prediction_id, visit_at, visit_until, needed_by, timezone, state,
       reason, action, level, probability, cost, cost_if_not, currency, cost_basis, proposed_at, decided_by,
       decided_at, done_at, comment, sequence, updated_at
  FROM ai_maintenance_schedule WHERE state IN ('proposed', 'accepted') ORDER BY visit_at, id;

-- name: last_of_each
-- What became of the last visit for a device and cause that is not live any more.
SELECT DISTINCT ON (device_id, cause)
       id, device_id, site_id, cause, episode_id, prediction_id, visit_at, visit_until, needed_by, timezone, state,
       reason, action, level, probability, cost, cost_if_not, currency, cost_basis, proposed_at, decided_by,
       decided_at, done_at, comment, sequence, updated_at
  FROM ai_maintenance_schedule
 WHERE state IN ('declined', 'done') AND device_id = ANY(%(devices)s::integer[])
 ORDER BY device_id, cause, id DESC;

-- name: listed
SELECT id, device_id, site_id, cause, episode_id, prediction_id, visit_at, visit_until, needed_by, timezone, state,
       reason, action, level, probability, cost, cost_if_not, currency, cost_basis, proposed_at, decided_by,
       decided_at, done_at, comment, sequence, updated_at
  FROM ai_maintenance_schedule
 WHERE (%(site_id)s::integer IS NULL OR site_id = %(site_id)s)
   AND (state IN ('proposed', 'accepted') OR updated_at > %(since)s)
 ORDER BY visit_at, id;

-- name: one
SELECT id, device_id, site_id, cause, episode_id, prediction_id, visit_at, visit_until, needed_by, timezone, state,
       reason, action, level, probability, cost, cost_if_not, currency, cost_basis, proposed_at, decided_by,
       decided_at, done_at, comment, sequence, updated_at
  FROM ai_maintenance_schedule WHERE id = %(id)s;

-- name: near
SELECT id FROM ai_maintenance_schedule
 ORDER BY state NOT IN ('proposed', 'accepted'), abs(id - %(id)s), id LIMIT 5;

-- name: propose
-- A device and cause have one live visit: proposed twice is proposed once.
INSERT INTO ai_maintenance_schedule (device_id, site_id, cause, episode_id, prediction_id, visit_at, visit_until,
                                     needed_by, timezone, state, reason, action, level, probability, cost,
                                     cost_if_not, currency, cost_basis, proposed_at, updated_at)
VALUES (%(device_id)s, %(site_id)s, %(cause)s, %(episode_id)s, %(prediction_id)s, %(visit_at)s, %(visit_until)s,
        %(needed_by)s, %(timezone)s, 'proposed', %(reason)s, %(action)s, %(level)s, %(probability)s, %(cost)s,
        %(cost_if_not)s, %(currency)s, %(cost_basis)s, %(now)s, %(now)s)
ON CONFLICT (device_id, cause) WHERE state IN ('proposed', 'accepted') DO NOTHING
RETURNING id;

-- name: move
UPDATE ai_maintenance_schedule
   SET visit_at = %(visit_at)s, visit_until = %(visit_until)s, needed_by = %(needed_by)s, reason = %(reason)s,
       timezone = %(timezone)s, sequence = sequence + 1, updated_at = %(now)s
 WHERE id = %(id)s AND state = 'proposed';

-- name: refresh
-- What is estimated follows; the appointment does not change and neither does its sequence.
UPDATE ai_maintenance_schedule
   SET cost = %(cost)s, cost_if_not = %(cost_if_not)s, currency = %(currency)s, cost_basis = %(cost_basis)s,
       level = %(level)s, probability = %(probability)s, updated_at = %(now)s
 WHERE id = %(id)s AND state = 'proposed';

-- name: decide
UPDATE ai_maintenance_schedule
   SET state = %(state)s, decided_by = %(by)s, decided_at = %(now)s, comment = coalesce(%(comment)s, comment),
       sequence = sequence + 1, updated_at = %(now)s
 WHERE id = %(id)s AND state = ANY(%(before)s::text[]);

-- name: done
UPDATE ai_maintenance_schedule
   SET state = 'done', done_at = %(done_at)s, decided_by = coalesce(decided_by, %(by)s),
       decided_at = coalesce(decided_at, %(now)s), comment = coalesce(%(comment)s, comment), updated_at = %(now)s
 WHERE id = %(id)s AND state IN ('proposed', 'accepted');

-- name: lapse
UPDATE ai_maintenance_schedule
   SET state = 'lapsed', comment = %(why)s, sequence = sequence + 1, updated_at = %(now)s
 WHERE id = %(id)s AND state = 'proposed';

-- name: rates
SELECT site_id, cost_rates FROM ai_site_settings WHERE cost_rates IS NOT NULL AND site_id = ANY(%(ids)s::integer[]);

-- name: set_rates
INSERT INTO ai_site_settings (site_id, timezone, cost_rates, updated_at)
VALUES (%(site_id)s, %(default_timezone)s, %(rates)s, %(now)s)
ON CONFLICT (site_id) DO UPDATE SET cost_rates = %(rates)s, updated_at = %(now)s;
