-- name: get
SELECT mode, language FROM ai_user_preferences WHERE user_name = %(user)s;

-- name: put
INSERT INTO ai_user_preferences (user_name, mode, language, updated_at)
VALUES (%(user)s, %(mode)s, %(language)s, %(now)s)
ON CONFLICT (user_name) DO UPDATE
   SET mode = excluded.mode, language = excluded.language, updated_at = excluded.updated_at;

-- name: forget
DELETE FROM ai_user_preferences WHERE user_name = %(user)s;

-- name: listed
SELECT user_name, mode, language, updated_at FROM ai_user_preferences ORDER BY user_name;
