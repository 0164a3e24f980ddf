-- What past incidents were (the record), operators' passages, and which vector index is in force.

-- name: without_pattern
-- Closed incidents that memory does not hold yet, the oldest first. What a larger one absorbed is that one.
SELECT i.id, i.kind, i.site_id, i.root_device_id, i.device_type, i.cause, i.category, i.title, i.peak_severity,
       i.devices, i.facts, CASE WHEN i.closed_by IS DISTINCT FROM 'rule' THEN i.resolution END, i.provenance, i.opened_at, i.closed_at, i.fingerprint
  FROM ai_incidents i
  LEFT JOIN ai_incident_patterns p ON p.incident_id = i.id
 WHERE i.state = 'closed' AND p.id IS NULL
   AND NOT EXISTS (SELECT 1 FROM ai_incident_events e
                    WHERE e.incident_id = i.id AND e.kind = 'closed' AND e.details->>'absorbed' = 'true')
 ORDER BY i.closed_at, i.id
 LIMIT %(limit)s;

-- name: uninvestigated
-- Incidents that are open and nobody has looked into, the oldest first.
SELECT i.id, i.kind, i.site_id, i.root_device_id, i.device_type, i.cause, i.category, i.title, i.severity,
       i.devices, i.facts, CASE WHEN i.closed_by IS DISTINCT FROM 'rule' THEN i.resolution END, i.provenance, i.opened_at, i.closed_at, i.fingerprint
  FROM ai_incidents i
 WHERE i.state IN ('open', 'acknowledged')
   AND NOT EXISTS (SELECT 1 FROM ai_incident_events e WHERE e.incident_id = i.id AND e.kind = 'investigated')
 ORDER BY i.opened_at, i.id
 LIMIT %(limit)s;

-- name: incident
SELECT i.id, i.kind, i.site_id, i.root_device_id, i.device_type, i.cause, i.category, i.title, i.severity,
       i.devices, i.facts, CASE WHEN i.closed_by IS DISTINCT FROM 'rule' THEN i.resolution END, i.provenance, i.opened_at, i.closed_at, i.fingerprint
  FROM ai_incidents i
 WHERE i.id = %(id)s;

-- name: insert_pattern
INSERT INTO ai_incident_patterns (kind, incident_id, device_id, site_id, device_type, category, severity, metrics,
                                  pattern_description, content_hash, resolution, provenance, happened_at, created_at)
VALUES ('incident', %(incident_id)s, %(device_id)s, %(site_id)s, %(device_type)s, %(category)s, %(severity)s,
        %(metrics)s, %(description)s, %(content_hash)s, %(resolution)s, %(provenance)s, %(happened_at)s,
        %(created_at)s)
ON CONFLICT (incident_id) DO NOTHING;

-- name: refresh_resolutions
-- A resolution that was written after the close belongs to the pattern as well.
UPDATE ai_incident_patterns p
   SET resolution = left(i.resolution, 1000)
  FROM ai_incidents i
 WHERE i.id = p.incident_id AND i.resolution IS NOT NULL AND i.closed_by IS DISTINCT FROM 'rule'
   AND p.resolution IS DISTINCT FROM left(i.resolution, 1000);

-- name: refresh_outcomes
-- Whether it held: no incident of the same fingerprint within a week of the close, and a week has passed.
UPDATE ai_incident_patterns p
   SET outcome = f.outcome
  FROM (SELECT p2.id,
               CASE WHEN EXISTS (SELECT 1 FROM ai_incidents n
                                  WHERE n.fingerprint = i.fingerprint AND n.id > i.id
                                    AND n.state NOT IN ('pending', 'discarded')
                                    AND n.opened_at < i.closed_at + interval '7 days') THEN 'came_back'
                    WHEN i.closed_at < %(now)s::timestamptz - interval '7 days' THEN 'held'
                    ELSE 'unknown' END AS outcome
          FROM ai_incident_patterns p2
          JOIN ai_incidents i ON i.id = p2.incident_id
         WHERE p2.outcome IS DISTINCT FROM 'came_back'
           AND (p2.outcome IS NULL OR i.closed_at > %(now)s::timestamptz - interval '15 days')) f
 WHERE f.id = p.id AND p.outcome IS DISTINCT FROM f.outcome;

-- name: patterns_by_id
SELECT id, kind, incident_id, device_id, site_id, device_type, category, severity, metrics, pattern_description,
       content_hash, resolution, outcome, happened_at
  FROM ai_incident_patterns
 WHERE id = ANY(%(ids)s::bigint[]);

-- name: patterns_after
-- For a rebuild: in the order of ids, so that it can go on where it was killed.
SELECT id, kind, incident_id, device_id, site_id, device_type, category, severity, metrics, pattern_description,
       content_hash, resolution, outcome, happened_at
  FROM ai_incident_patterns
 WHERE id > %(after)s AND kind = %(kind)s
 ORDER BY id
 LIMIT %(limit)s;

-- name: patterns_to_embed
SELECT id, kind, incident_id, device_id, site_id, device_type, category, severity, metrics, pattern_description,
       content_hash, resolution, outcome, happened_at
  FROM ai_incident_patterns
 WHERE kind = %(kind)s AND embedding_model IS DISTINCT FROM %(model)s
 ORDER BY id
 LIMIT %(limit)s;

-- name: exact_patterns
-- What can be found without an index: same category; same device type and metrics first, then the newest.
SELECT id, kind, incident_id, device_id, site_id, device_type, category, severity, metrics, pattern_description,
       content_hash, resolution, outcome, happened_at
  FROM ai_incident_patterns
 WHERE kind = 'incident' AND category = %(category)s AND happened_at < %(before)s
   AND incident_id IS DISTINCT FROM %(incident_id)s
   AND (%(sites)s::int[] IS NULL OR site_id = ANY(%(sites)s))
 ORDER BY (metrics && %(metrics)s::text[]) DESC, (device_type IS NOT DISTINCT FROM %(device_type)s) DESC,
          happened_at DESC, id
 LIMIT %(limit)s;

-- name: patterns_of_sites
SELECT id FROM ai_incident_patterns WHERE id = ANY(%(ids)s::bigint[]) AND site_id = ANY(%(sites)s::int[]);

-- name: mark_patterns
UPDATE ai_incident_patterns SET embedding_model = %(model)s, embedded_at = %(at)s
 WHERE id = ANY(%(ids)s::bigint[]);

-- name: unmark_patterns
UPDATE ai_incident_patterns SET embedding_model = NULL, embedded_at = NULL
 WHERE id = ANY(%(ids)s::bigint[]);

-- name: pattern_hashes
SELECT id, content_hash FROM ai_incident_patterns WHERE kind = %(kind)s ORDER BY id;

-- name: count_patterns
SELECT kind, count(*), count(*) FILTER (WHERE embedding_model IS NULL) FROM ai_incident_patterns GROUP BY kind;

-- name: index_row
SELECT collection, model, active, building, built_to, built_at, checked_at, checked
  FROM ai_memory_index WHERE collection = %(collection)s;

-- name: begin_building
INSERT INTO ai_memory_index (collection, model, active, building, built_to)
VALUES (%(collection)s, %(model)s, '', %(building)s, 0)
ON CONFLICT (collection) DO UPDATE SET building = %(building)s, built_to = 0;

-- name: built_to
UPDATE ai_memory_index SET built_to = %(id)s WHERE collection = %(collection)s AND building = %(building)s;

-- name: switch_index
-- One statement: whoever asks next asks the new one.
UPDATE ai_memory_index
   SET active = building, model = %(model)s, building = NULL, built_to = 0, built_at = %(at)s
 WHERE collection = %(collection)s AND building = %(building)s;

-- name: checked_index
UPDATE ai_memory_index SET checked_at = %(at)s, checked = %(said)s WHERE collection = %(collection)s;

-- name: one_rebuild
SELECT pg_try_advisory_lock(hashtextextended('ai_memory_index:' || %(schema)s::text, 0));

-- name: manuals
SELECT path, content_hash, bytes, state, reason, passages, read_at FROM ai_manuals ORDER BY path;

-- name: put_manual
INSERT INTO ai_manuals (path, bytes, content_hash, state, reason, passages, read_at)
VALUES (%(path)s, %(bytes)s, %(content_hash)s, %(state)s, %(reason)s, %(passages)s, %(read_at)s)
ON CONFLICT (path) DO UPDATE
   SET bytes = excluded.bytes, content_hash = excluded.content_hash, state = excluded.state,
       reason = excluded.reason, passages = excluded.passages, read_at = excluded.read_at;

-- name: drop_manual
DELETE FROM ai_manuals WHERE path = %(path)s;

-- name: drop_passages
DELETE FROM ai_passages WHERE path = %(path)s;

-- name: insert_passage
INSERT INTO ai_passages (path, position, heading, page, body, content_hash)
VALUES (%(path)s, %(position)s, %(heading)s, %(page)s, %(body)s, %(content_hash)s);

-- name: passages
-- Manuals are few: all of them are compared, in memory.
SELECT id, path, heading, page, body FROM ai_passages ORDER BY path, position LIMIT %(limit)s;

-- name: append_event
-- At most one `investigated` event of an incident, however many runs look at it at once.
INSERT INTO ai_incident_events (incident_id, at, kind, actor, comment, details)
SELECT %(incident_id)s, %(at)s, %(kind)s, %(actor)s, %(comment)s, %(details)s
 WHERE %(kind)s <> 'investigated'
    OR NOT EXISTS (SELECT 1 FROM ai_incident_events
                    WHERE incident_id = %(incident_id)s AND kind = 'investigated')
RETURNING id;

-- name: lock_incident
SELECT id FROM ai_incidents WHERE id = %(id)s FOR UPDATE;
