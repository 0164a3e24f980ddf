-- name: record
INSERT INTO ai_questions (at, user_name, question, intent, slots, how, outcome, response_ms)
VALUES (%(at)s, %(user)s, %(question)s, %(intent)s, %(slots)s, %(how)s, %(outcome)s, %(ms)s)

-- name: last
SELECT intent, slots, how
FROM ai_questions
WHERE user_name = %(user)s AND at > %(since)s AND at <= %(now)s AND intent IS NOT NULL
ORDER BY at DESC, id DESC
LIMIT 1
