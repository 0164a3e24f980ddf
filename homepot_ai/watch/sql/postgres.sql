-- name: vitals
-- Sessions of others show their times only to their owner and to members of pg_monitor: NULL then.
SELECT count(*) FILTER (WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
       pg_database_size(current_database()),
       extract(epoch FROM clock_timestamp())::float8,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on',
       extract(epoch FROM max(clock_timestamp() - xact_start)
               FILTER (WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()))::float8,
       count(*) FILTER (WHERE wait_event_type = 'Lock' AND clock_timestamp() - state_change > interval '1 minute'),
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database())
  FROM pg_stat_activity;

-- name: bloat
-- Tables of ours with many rows that are dead and were not cleared away.
SELECT relname, n_dead_tup, n_live_tup
  FROM pg_stat_user_tables
 WHERE schemaname = %(schema)s AND n_dead_tup > 200000 AND n_dead_tup > n_live_tup
 ORDER BY n_dead_tup DESC LIMIT 3;

-- name: standbys
SELECT coalesce(application_name, '?'), state, extract(epoch FROM replay_lag)::float8
  FROM pg_stat_replication;

-- name: slots
-- Slots that nobody reads keep the write-ahead log for ever.
SELECT slot_name, CASE WHEN pg_is_in_recovery() THEN NULL
                       ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 END
  FROM pg_replication_slots WHERE NOT active;

-- name: index_in_force
SELECT collection, active FROM ai_memory_index WHERE active <> '' ORDER BY collection;

-- name: patterns
-- Every pattern by kind, and those that the index is said to hold.
SELECT kind, array_agg(id), coalesce(array_agg(id) FILTER (WHERE embedding_model IS NOT NULL), '{}')
  FROM ai_incident_patterns GROUP BY kind;

-- name: tokens
SELECT name, expires_at FROM ai_api_tokens
 WHERE revoked_at IS NULL AND expires_at > %(now)s AND expires_at < %(until)s
 ORDER BY expires_at, name LIMIT 5;

-- name: last_backup
-- The last good one (what was found damaged since is none), the last tried, and since when anything of ours is here at all.
SELECT (SELECT max(b.finished_at) FROM ai_backups b WHERE b.outcome = 'good' AND 'failed' IS DISTINCT FROM (
            SELECT d.outcome FROM ai_restore_drills d WHERE d.backup = b.name AND d.kind <> 'restore'
             ORDER BY d.at DESC LIMIT 1)),
       (SELECT outcome FROM ai_backups WHERE outcome <> 'running' ORDER BY started_at DESC LIMIT 1),
       (SELECT left(detail, 200) FROM ai_backups WHERE outcome <> 'running' ORDER BY started_at DESC LIMIT 1),
       (SELECT min(at) FROM ai_watch_sizes);

-- name: last_drill
SELECT at, outcome, backup, left(detail, 200) FROM ai_restore_drills WHERE kind <> 'restore' ORDER BY at DESC LIMIT 1;
