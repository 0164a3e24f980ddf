-- name: collections
SELECT collection, active, model, built_at FROM ai_memory_index ORDER BY collection;

-- name: embeddings
SELECT count(*) FROM ai_incident_patterns WHERE embedding_model IS NOT NULL;

-- name: backups
SELECT (SELECT max(b.finished_at) FROM ai_backups b WHERE b.outcome = 'good' AND 'failed' IS DISTINCT FROM (
            SELECT d.outcome FROM ai_restore_drills d WHERE d.backup = b.name AND d.kind <> 'restore'
             ORDER BY d.at DESC LIMIT 1)),
       (SELECT max(at) FROM ai_restore_drills WHERE outcome = 'passed');
