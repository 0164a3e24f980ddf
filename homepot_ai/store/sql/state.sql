-- name: live
SELECT shard, at, version, shards FROM ai_baselines
 WHERE kind = 'live' AND part = -1
 ORDER BY shard;

-- name: live_parts
SELECT part, payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'live' AND part = ANY(%(parts)s);

-- name: slots
SELECT DISTINCT part FROM ai_baselines WHERE kind = 'live' AND part >= 0 ORDER BY part;

-- name: snapshot_before
SELECT max(at) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND part = -1 AND at < %(before)s AND shards = %(shards)s;

-- name: oldest_snapshot
SELECT min(at) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND part = -1 AND shards = %(shards)s;

-- name: snapshot_parts
SELECT part, payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND at = %(at)s;

-- name: pages
SELECT payload FROM ai_baseline_pages
 WHERE shard = %(shard)s AND live = %(live)s AND at = %(at)s
 ORDER BY page;

-- name: drop_live_pages
DELETE FROM ai_baseline_pages WHERE shard = %(shard)s AND live;

-- name: copy_pages
COPY ai_baseline_pages (shard, live, at, page, payload) FROM STDIN (FORMAT BINARY);

-- name: advance
-- The condition on version is what keeps two runs apart: the second finds another version and gives up.
UPDATE ai_baselines
   SET at = %(at)s, version = version + 1, payload = %(payload)b, checksum = %(checksum)s, created_at = %(now)s
 WHERE shard = %(shard)s AND kind = 'live' AND part = -1 AND version = %(version)s AND shards = %(shards)s;

-- name: begin
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at, shards)
VALUES (%(shard)s, 'live', %(at)s, -1, %(version)s, %(payload)b, %(checksum)s, %(now)s, %(shards)s)
ON CONFLICT (shard, part) WHERE kind = 'live' DO NOTHING;

-- name: put_live_part
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at, shards)
VALUES (%(shard)s, 'live', %(at)s, %(part)s, 0, %(payload)b, %(checksum)s, %(now)s, %(shards)s)
ON CONFLICT (shard, part) WHERE kind = 'live'
DO UPDATE SET at = excluded.at, payload = excluded.payload, checksum = excluded.checksum,
              created_at = excluded.created_at;

-- name: put_snapshot_part
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at, shards)
VALUES (%(shard)s, 'snapshot', %(at)s, %(part)s, 0, %(payload)b, %(checksum)s, %(now)s, %(shards)s)
ON CONFLICT (shard, kind, at, part) DO NOTHING;

-- name: forget_snapshots
-- Older than the window, or beyond the size cap counted from the newest, which stays in any case.
WITH held AS (
  SELECT b.at, sum(octet_length(b.payload))
               + 8000 * (SELECT count(*) FROM ai_baseline_pages p
                          WHERE p.shard = %(shard)s AND NOT p.live AND p.at = b.at) AS bytes
    FROM ai_baselines b WHERE b.shard = %(shard)s AND b.kind = 'snapshot' GROUP BY b.at
), ranked AS (
  SELECT at, sum(bytes) OVER (ORDER BY at DESC) AS bytes_since, rank() OVER (ORDER BY at DESC) AS place
    FROM held
), gone AS (
  SELECT at FROM ranked
   WHERE place > 1 AND (at < %(keep_from)s OR bytes_since > %(keep_bytes)s)
), pages AS (
  DELETE FROM ai_baseline_pages p USING gone
   WHERE p.shard = %(shard)s AND NOT p.live AND p.at = gone.at
)
DELETE FROM ai_baselines b USING gone
 WHERE b.shard = %(shard)s AND b.kind = 'snapshot' AND b.at = gone.at;

-- name: drop_live_part
-- Of all shards.
DELETE FROM ai_baselines WHERE kind = 'live' AND part = %(part)s;

-- name: drop_all_live_pages
DELETE FROM ai_baseline_pages WHERE live;

-- name: foreign
-- Shards whose live state begins with other bytes than this program's do. Before there were pages, the
-- fast part lay in its row.
SELECT b.shard
  FROM ai_baselines b
  LEFT JOIN ai_baseline_pages p ON p.shard = b.shard AND p.live AND p.at = b.at AND p.page = 0
 WHERE b.kind = 'live' AND b.part = -1
   AND substr(CASE WHEN octet_length(b.payload) > 0 THEN b.payload ELSE p.payload END, 1,
              octet_length(%(magic)s::bytea)) <> %(magic)s
 ORDER BY b.shard;

-- name: close_episodes
-- Whoever learns anew knows nothing of what was open: it was so when it was last looked at.
UPDATE ai_anomaly_logs a
   SET status = 'closed', ended_at = greatest(a.started_at, b.at)
  FROM ai_baselines b
 WHERE b.kind = 'live' AND b.part = -1 AND b.shard = ANY(%(shards)s)
   AND a.status = 'open' AND ai_shard_of(a.device_id, b.shards) = b.shard;

-- name: drop_pages_of
DELETE FROM ai_baseline_pages WHERE shard = ANY(%(shards)s);

-- name: drop_state_of
DELETE FROM ai_baselines WHERE shard = ANY(%(shards)s) AND kind IN ('live', 'snapshot');

-- name: drop_snapshots
WITH pages AS (DELETE FROM ai_baseline_pages WHERE NOT live)
DELETE FROM ai_baselines WHERE kind = 'snapshot';
