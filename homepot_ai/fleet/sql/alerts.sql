-- HOMEPOT's own `alerts`: the one table of it that we write. Its times are naive UTC.

-- name: columns
SELECT count(*)
  FROM pg_attribute
 WHERE attrelid = to_regclass('alerts') AND attname = ANY(%(columns)s::text[]) AND NOT attisdropped;

-- name: may_write
SELECT has_table_privilege(to_regclass('alerts'), 'INSERT') AND has_table_privilege(to_regclass('alerts'), 'UPDATE');

-- name: insert
INSERT INTO alerts (timestamp, device_id, site_id, title, description, severity, category, status)
VALUES (%(at)s::timestamptz AT TIME ZONE 'UTC', %(device_id)s, %(site_id)s, %(title)s, %(description)s,
        %(severity)s, %(category)s, %(status)s)
RETURNING id;

-- name: update
-- Neither undoes what a person said there, nor writes what is there already.
UPDATE alerts
   SET severity = %(severity)s, description = %(description)s,
       status = CASE WHEN status IN ('resolved', 'ignored') THEN status ELSE %(status)s END,
       resolved_at = coalesce(resolved_at, %(resolved_at)s::timestamptz AT TIME ZONE 'UTC'),
       resolved_by = coalesce(resolved_by, %(resolved_by)s),
       resolution_notes = coalesce(resolution_notes, %(notes)s)
 WHERE id = %(id)s AND description LIKE %(ours)s;

-- name: answers
SELECT id, status, resolved_by, resolution_notes
  FROM alerts
 WHERE id = ANY(%(ids)s::integer[]) AND status IN ('acknowledged', 'resolved', 'ignored')
   AND description LIKE '%%of homepot-ai: `homepot-ai incident %%';

-- name: left_active
-- Of ended incidents: the close could not be written, because the table was away then.
SELECT id
  FROM alerts
 WHERE id = ANY(%(ids)s::integer[]) AND status IN ('active', 'acknowledged')
   AND description LIKE '%%of homepot-ai: `homepot-ai incident %%';
