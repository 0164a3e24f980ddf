-- Tokens of the HTTP door, and the audit rows of what was asked there.

-- name: insert
INSERT INTO ai_api_tokens (name, token_hash, scopes, sites, user_name, made_at, expires_at)
VALUES (%(name)s, %(hash)s, %(scopes)s, %(sites)s, %(user)s, %(now)s, %(expires_at)s)
ON CONFLICT (name) DO NOTHING
RETURNING id;

-- name: find
SELECT id, name, scopes, sites, user_name, made_at, expires_at, revoked_at, last_used_at
  FROM ai_api_tokens WHERE token_hash = %(hash)s;

-- name: listed
SELECT id, name, scopes, sites, user_name, made_at, expires_at, revoked_at, last_used_at
  FROM ai_api_tokens ORDER BY revoked_at IS NOT NULL, name;

-- name: revoke
UPDATE ai_api_tokens SET revoked_at = coalesce(revoked_at, %(now)s) WHERE name = %(name)s RETURNING id;

-- name: names
SELECT name FROM ai_api_tokens WHERE revoked_at IS NULL ORDER BY name;

-- name: used
UPDATE ai_api_tokens t SET last_used_at = greatest(t.last_used_at, u.at)
  FROM unnest(%(ids)s::int[], %(at)s::timestamptz[]) AS u (id, at) WHERE t.id = u.id;

-- name: audit
INSERT INTO ai_audit_log (at, actor, action, subject, purpose, details)
SELECT at, actor, action, subject, 'asked over HTTP', details::jsonb
  FROM unnest(%(at)s::timestamptz[], %(actor)s::text[], %(action)s::text[], %(subject)s::text[], %(details)s::text[])
    AS t (at, actor, action, subject, details);
