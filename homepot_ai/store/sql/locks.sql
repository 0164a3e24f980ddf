-- name: try
SELECT pg_try_advisory_lock(hashtext('homepot-ai score-health ' || %(schema)s), %(shard)s);

-- name: wait
SELECT pg_advisory_lock(hashtext('homepot-ai score-health ' || %(schema)s), %(shard)s);

-- name: model_turn
SELECT pg_advisory_lock(hashtextextended('homepot-ai ollama ' || %(server)s, 0));
