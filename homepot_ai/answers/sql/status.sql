-- name: collections
SELECT collection, active, model, built_at FROM ai_memory_index ORDER BY collection;

-- name: embeddings
SELECT count(*) FROM ai_incident_patterns WHERE embedding_model IS NOT NULL;

-- name: backups
SELECT (SELECT max(finished_at) FROM ai_backups WHERE outcome = 'good'),
       (SELECT max(at) FROM ai_restore_drills WHERE outcome = 'passed');
