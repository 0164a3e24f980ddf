-- Who did what: read, never changed.

-- name: listed
SELECT at, actor, action, subject, purpose, details
  FROM ai_audit_log
 WHERE at >= %(since)s AND at <= %(until)s
   AND (%(actor)s::text IS NULL OR strpos(lower(actor), lower(%(actor)s)) > 0)
   AND (%(action)s::text IS NULL OR strpos(lower(action), lower(%(action)s)) > 0)
   AND (%(subject)s::text IS NULL OR strpos(lower(subject), lower(%(subject)s)) > 0)
 ORDER BY at DESC, id DESC
 LIMIT %(limit)s;

-- name: count
SELECT count(*)
  FROM ai_audit_log
 WHERE at >= %(since)s AND at <= %(until)s
   AND (%(actor)s::text IS NULL OR strpos(lower(actor), lower(%(actor)s)) > 0)
   AND (%(action)s::text IS NULL OR strpos(lower(action), lower(%(action)s)) > 0)
   AND (%(subject)s::text IS NULL OR strpos(lower(subject), lower(%(subject)s)) > 0);

-- name: audit
INSERT INTO ai_audit_log (at, actor, action, subject, purpose, details)
VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s, %(purpose)s, %(details)s::jsonb);
