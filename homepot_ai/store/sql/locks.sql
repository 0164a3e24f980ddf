-- name: try
SELECT pg_try_advisory_lock(hashtext('homepot-ai score-health ' || %(schema)s), %(shard)s);

-- name: wait
SELECT pg_advisory_lock(hashtext('homepot-ai score-health ' || %(schema)s), %(shard)s);
