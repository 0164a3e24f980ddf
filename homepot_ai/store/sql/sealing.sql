-- Whether people's addresses are sealed, and with which key.

-- name: within
SELECT key_id FROM ai_sealing;

-- name: lock
-- Waits for every transaction that has read the row, and lets none begin.
LOCK TABLE ai_sealing IN ACCESS EXCLUSIVE MODE;

-- name: same_person
-- Sealed addresses are in lower case: of two wishes of one person that differ in nothing else, one stays.
DELETE FROM ai_subscriptions AS a
 USING ai_subscriptions AS b
 WHERE lower(a.email) = lower(b.email) AND a.kind = b.kind AND a.scope = b.scope
   AND a.scope_id IS NOT DISTINCT FROM b.scope_id AND (a.active, a.id) < (b.active, b.id);

-- name: forget
DELETE FROM ai_sealing;

-- name: remember
INSERT INTO ai_sealing (key_id, since) VALUES (%(key)s, %(now)s);

-- name: audit
INSERT INTO ai_audit_log (at, actor, action, subject, purpose, details)
VALUES (%(now)s, 'owner of the tables', %(action)s, 'addresses of people', 'security.field_key',
        jsonb_build_object('rows', %(rows)s::bigint));
