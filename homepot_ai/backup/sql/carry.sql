-- What a restore must not undo. {live}: the tables in use until now; {restored}: those that take their place.
-- What went out of the house, who was let in, and what was written down of it happened, whatever is restored.

-- name: outbox_sent
-- A mail that was sent since must not be sent again.
UPDATE {restored}.{table} r
   SET state = l.state, attempts = l.attempts, not_before = l.not_before, claimed_by = l.claimed_by,
       claimed_at = l.claimed_at, last_answer = l.last_answer, sent_at = l.sent_at
  FROM {live}.{table} l
 WHERE l.key = r.key AND l.state IS DISTINCT FROM r.state;

-- name: outbox_gone
-- It waited when the backup was made; nothing is known of it since: a person decides.
UPDATE {restored}.{table} r
   SET state = 'unknown', last_answer = 'waited when the backup was made that was restored; it may have been sent since'
 WHERE r.state IN ('queued', 'claimed', 'in_data')
   AND NOT EXISTS (SELECT FROM {live}.{table} l WHERE l.key = r.key);

-- name: outbox_nobody_knows
UPDATE {restored}.{table} r
   SET state = 'unknown', last_answer = 'waited when the backup was made that was restored; it may have been sent since'
 WHERE r.state IN ('queued', 'claimed', 'in_data');

-- name: missing_rows
INSERT INTO {restored}.{table} OVERRIDING SYSTEM VALUE
SELECT l.* FROM {live}.{table} l ON CONFLICT DO NOTHING;

-- name: revoked
UPDATE {restored}.ai_api_tokens r
   SET revoked_at = l.revoked_at
  FROM {live}.ai_api_tokens l
 WHERE l.token_hash = r.token_hash AND l.revoked_at IS NOT NULL;

-- name: unsubscribed
UPDATE {restored}.ai_subscriptions r
   SET active = false
  FROM {live}.ai_subscriptions l
 WHERE l.email = r.email AND l.kind = r.kind AND l.scope = r.scope AND l.scope_id IS NOT DISTINCT FROM r.scope_id
   AND r.active AND NOT l.active;

-- name: number
-- A number that somebody was told is never given to anything else.
SELECT setval(format('%%I.%%I', %(restored)s::text, %(sequence)s::text)::regclass,
              greatest(coalesce(r.last_value, 1), coalesce(l.last_value, 1)),
              r.last_value IS NOT NULL OR l.last_value IS NOT NULL)
  FROM pg_sequences r, pg_sequences l
 WHERE r.schemaname = %(restored)s AND r.sequencename = %(sequence)s
   AND l.schemaname = %(live)s AND l.sequencename = %(sequence)s;
