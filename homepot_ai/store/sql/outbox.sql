-- Statements of the mail outbox. Who may do what:
-- a sender holds the session-level advisory lock (table, id) from before it
-- claims a row until after it has recorded the outcome. A claimed or in_data
-- row whose lock is free therefore has no living sender.
-- The outbox of the other channels, ai_alerts_outbox, has the same columns: outbox.py puts its name in.

-- name: enqueue
INSERT INTO ai_mail_outbox
       (key, kind, reference, recipient, subject, message_id, payload, not_before, created_at)
VALUES (%(key)s, %(kind)s, %(reference)s, %(recipient)s, %(subject)s, %(message_id)s, %(payload)s,
        coalesce(%(now)s, now()), coalesce(%(now)s, now()))
ON CONFLICT (key) DO NOTHING;

-- name: due
-- Alerts first: a long queue of reports must not hold one back.
SELECT id, kind, attempts, recipient
FROM ai_mail_outbox
WHERE state = 'queued' AND not_before <= %(now)s
ORDER BY (kind = 'alert') DESC, not_before, id
LIMIT %(limit)s;

-- name: lock
SELECT pg_try_advisory_lock('ai_mail_outbox'::regclass::oid::int4, (%(id)s::bigint %% 2147483647)::int4);

-- name: unlock
SELECT pg_advisory_unlock('ai_mail_outbox'::regclass::oid::int4, (%(id)s::bigint %% 2147483647)::int4);

-- name: lock_in_transaction
SELECT pg_try_advisory_xact_lock('ai_mail_outbox'::regclass::oid::int4, (%(id)s::bigint %% 2147483647)::int4);

-- name: claim
UPDATE ai_mail_outbox
SET state = 'claimed', claimed_by = %(sender)s, claimed_at = %(now)s, attempts = attempts + 1
WHERE id = %(id)s AND state = 'queued' AND not_before <= %(now)s
RETURNING id, kind, recipient, subject, message_id, payload, attempts;

-- name: enter_data
UPDATE ai_mail_outbox
SET state = 'in_data'
WHERE id = %(id)s AND state = 'claimed' AND claimed_by = %(sender)s AND attempts = %(attempts)s;

-- name: record
UPDATE ai_mail_outbox
SET state = %(state)s, last_answer = %(answer)s, attempts = %(new_attempts)s,
    not_before = coalesce(%(not_before)s, not_before), sent_at = %(sent_at)s
WHERE id = %(id)s AND state IN ('claimed', 'in_data')
  AND claimed_by = %(sender)s AND attempts = %(attempts)s;

-- name: bounced
-- What a server said for good about an address; answer begins with the code it gave.
INSERT INTO ai_mail_bounces (email, first_at, last_at, in_a_row, code, answer)
VALUES (lower(%(recipient)s), %(now)s, %(now)s, 1, %(code)s, %(answer)s)
ON CONFLICT (email) DO UPDATE
   SET first_at = CASE WHEN ai_mail_bounces.in_a_row = 0 THEN excluded.first_at ELSE ai_mail_bounces.first_at END,
       last_at = excluded.last_at, in_a_row = ai_mail_bounces.in_a_row + 1, code = excluded.code,
       answer = excluded.answer;

-- name: took_mail
UPDATE ai_mail_bounces SET in_a_row = 0 WHERE email = lower(%(recipient)s) AND in_a_row > 0;

-- name: bounces
SELECT email, in_a_row, last_at, answer FROM ai_mail_bounces WHERE in_a_row > 0 ORDER BY last_at DESC, email;

-- name: record_late
-- The sender lost its database connection, and its lock with it, but knows how
-- the mail ended. Somebody may have judged it dead meanwhile; as long as nobody
-- has claimed the row again (attempts would have grown) knowledge beats that.
UPDATE ai_mail_outbox
SET state = %(state)s, last_answer = %(answer)s, attempts = %(new_attempts)s,
    not_before = coalesce(%(not_before)s, not_before), sent_at = %(sent_at)s
WHERE id = %(id)s AND state IN ('claimed', 'in_data', 'unknown', 'queued')
  AND claimed_by = %(sender)s AND attempts = %(attempts)s;

-- name: postpone
UPDATE ai_mail_outbox AS o
SET state = p.state, attempts = p.attempts, not_before = coalesce(p.not_before, o.not_before),
    last_answer = %(answer)s
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(attempts)s::int[], %(not_befores)s::timestamptz[])
     AS p(id, state, attempts, not_before)
WHERE o.id = p.id AND o.state = 'queued' AND o.not_before <= %(now)s
RETURNING o.id, o.state;

-- name: in_hand
SELECT id FROM ai_mail_outbox WHERE state IN ('claimed', 'in_data') ORDER BY id;

-- name: read_in_hand
SELECT state, kind, attempts, claimed_by
FROM ai_mail_outbox
WHERE id = %(id)s AND state IN ('claimed', 'in_data');

-- name: release
UPDATE ai_mail_outbox
SET state = %(state)s, not_before = coalesce(%(not_before)s, not_before), last_answer = %(answer)s
WHERE id = %(id)s;

-- name: counts
SELECT state, count(*), min(created_at), min(not_before)
FROM ai_mail_outbox
GROUP BY state;

-- name: lines
SELECT id, kind, reference, recipient, subject, message_id, state, attempts, not_before, last_answer,
       created_at, sent_at, octet_length(payload)
FROM ai_mail_outbox
WHERE state = ANY(%(states)s::text[])
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s;

-- name: line
SELECT id, kind, reference, recipient, subject, message_id, state, attempts, not_before, last_answer,
       created_at, sent_at, octet_length(payload)
FROM ai_mail_outbox
WHERE id = %(id)s;

-- name: decide
UPDATE ai_mail_outbox
SET state = %(state)s, last_answer = %(answer)s,
    attempts = CASE WHEN %(state)s = 'queued' THEN 0 ELSE attempts END,
    not_before = CASE WHEN %(state)s = 'queued' THEN %(now)s ELSE not_before END
WHERE id = %(id)s AND state = ANY(%(from_states)s::text[]);

-- name: audit
INSERT INTO ai_audit_log (at, actor, action, subject, purpose, details)
VALUES (%(now)s, %(actor)s, %(action)s, %(subject)s, %(purpose)s, %(details)s);

-- name: forget_payloads
-- The row stays: its key is what keeps the same mail from being queued again.
UPDATE ai_mail_outbox
SET payload = ''
WHERE state IN ('sent', 'dropped') AND created_at < %(before)s AND octet_length(payload) > 0;
