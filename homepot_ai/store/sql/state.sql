-- name: live
SELECT at, version FROM ai_baselines WHERE shard = %(shard)s AND kind = 'live' AND part = -1;

-- name: live_parts
SELECT part, payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'live' AND part = ANY(%(parts)s);

-- name: snapshot_before
SELECT max(at) FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND part = -1 AND at < %(before)s;

-- name: oldest_snapshot
SELECT min(at) FROM ai_baselines WHERE shard = %(shard)s AND kind = 'snapshot' AND part = -1;

-- name: snapshot_parts
SELECT part, payload, checksum FROM ai_baselines
 WHERE shard = %(shard)s AND kind = 'snapshot' AND at = %(at)s;

-- name: advance
-- The condition on version is what keeps two runs apart: the second finds another version and gives up.
UPDATE ai_baselines
   SET at = %(at)s, version = version + 1, payload = %(payload)b, checksum = %(checksum)s, created_at = %(now)s
 WHERE shard = %(shard)s AND kind = 'live' AND part = -1 AND version = %(version)s;

-- name: begin
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at)
VALUES (%(shard)s, 'live', %(at)s, -1, 1, %(payload)b, %(checksum)s, %(now)s)
ON CONFLICT (shard, part) WHERE kind = 'live' DO NOTHING;

-- name: put_live_part
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at)
VALUES (%(shard)s, 'live', %(at)s, %(part)s, 0, %(payload)b, %(checksum)s, %(now)s)
ON CONFLICT (shard, part) WHERE kind = 'live'
DO UPDATE SET at = excluded.at, payload = excluded.payload, checksum = excluded.checksum,
              created_at = excluded.created_at;

-- name: put_snapshot_part
INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at)
VALUES (%(shard)s, 'snapshot', %(at)s, %(part)s, 0, %(payload)b, %(checksum)s, %(now)s)
ON CONFLICT (shard, kind, at, part) DO NOTHING;

-- name: forget_snapshots
-- Older than the window, or beyond the size cap counted from the newest.
DELETE FROM ai_baselines b
 USING (SELECT at, sum(sum(octet_length(payload))) OVER (ORDER BY at DESC) AS bytes_since
          FROM ai_baselines WHERE shard = %(shard)s AND kind = 'snapshot' GROUP BY at) s
 WHERE b.shard = %(shard)s AND b.kind = 'snapshot' AND b.at = s.at
   AND (s.at < %(keep_from)s OR s.bytes_since > %(keep_bytes)s);
