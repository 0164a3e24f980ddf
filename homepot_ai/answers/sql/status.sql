-- name: collections
SELECT collection, active, model, built_at FROM ai_memory_index ORDER BY collection;

-- name: embeddings
SELECT count(*) FROM ai_incident_patterns WHERE embedding_model IS NOT NULL;

-- name: backups_there
SELECT to_regclass('ai_backups') IS NOT NULL;

-- name: backups
SELECT max(made_at), max(verified_at) FROM ai_backups;
