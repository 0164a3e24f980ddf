-- name: live
SELECT shard, at, version, shards FROM ai_baselines
 WHERE kind = 'live' AND part = -1
 ORDER BY shard;

-- name: live_parts
-- Further pieces of the fast part (-1) follow it: -101, -102 ...
SELECT part, octet_length(payload) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'live'
   AND (part = ANY(%(parts)s) OR (part < -100 AND -1 = ANY(%(parts)s)))
 ORDER BY part DESC;

-- name: live_part
SELECT payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'live' AND part = %(part)s;

-- name: live_part_names
SELECT DISTINCT part FROM ai_baselines WHERE kind = 'live' AND part > -100 ORDER BY part;

-- name: snapshot_before
SELECT max(at) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND part = -1 AND at < %(before)s AND shards = %(shards)s;

-- name: oldest_snapshot
SELECT min(at) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND part = -1 AND shards = %(shards)s;

-- name: snapshot_parts
SELECT part, octet_length(payload) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND at = %(at)s
 ORDER BY part DESC;

-- name: snapshot_part
SELECT payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND at = %(at)s AND part = %(part)s;

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

-- name: drop_pieces
-- The fast part became shorter.
DELETE FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'live' AND part < %(last_piece)s;

-- name: put_snapshot_part
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at, shards)
VALUES (%(shard)s, 'snapshot', %(at)s, %(part)s, 0, %(payload)b, %(checksum)s, %(now)s, %(shards)s)
ON CONFLICT (shard, kind, at, part) DO NOTHING;

-- name: forget_snapshots
-- Older than the window, or beyond the size cap counted from the newest, which stays in any case.
DELETE FROM ai_baselines b
 USING (SELECT at, sum(sum(octet_length(payload))) OVER (ORDER BY at DESC) AS bytes_since,
               rank() OVER (ORDER BY at DESC) AS place
          FROM ai_baselines WHERE shard = %(shard)s AND kind = 'snapshot' GROUP BY at) s
 WHERE b.shard = %(shard)s AND b.kind = 'snapshot' AND b.at = s.at
   AND (s.at < %(keep_from)s OR s.bytes_since > %(keep_bytes)s) AND s.place > 1;

-- name: move_aside
-- Until the new layout is written: shards are numbered from 0.
UPDATE ai_baselines SET shard = -1 - shard WHERE kind = 'live';

-- name: drop_moved
DELETE FROM ai_baselines WHERE shard < 0 AND kind = 'live';

-- name: drop_snapshots
DELETE FROM ai_baselines WHERE kind = 'snapshot';
