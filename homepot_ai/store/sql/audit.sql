-- name: audit
INSERT INTO ai_audit_log (at, actor, action, subject, purpose, details)
VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s, %(purpose)s, %(details)s::jsonb);
