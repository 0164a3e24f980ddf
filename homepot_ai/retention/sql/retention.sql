-- What retention does besides archiving: the event cache, partitions, and contents that are kept elsewhere.

-- name: stale_events
SELECT count(*) FILTER (WHERE expired), count(*) FILTER (WHERE NOT expired AND place > %(keep)s)
  FROM (SELECT expires_at <= %(now)s AS expired,
               row_number() OVER (PARTITION BY device_id ORDER BY at DESC, id DESC) AS place
          FROM ai_event_cache) t;

-- name: delete_stale_events
DELETE FROM ai_event_cache
 WHERE expires_at <= %(now)s
    OR id IN (SELECT id
                FROM (SELECT id, row_number() OVER (PARTITION BY device_id ORDER BY at DESC, id DESC) AS place
                        FROM ai_event_cache) t
               WHERE place > %(keep)s);

-- name: count_events
SELECT count(*), count(DISTINCT device_id) FROM ai_event_cache;

-- name: score_partitions
SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), pg_total_relation_size(c.oid)
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'ai_health_scores'::regclass
 ORDER BY 1;

-- name: count_scores
SELECT count(*) FROM ai_health_scores WHERE at >= %(since)s AND at < %(before)s;

-- name: drop_partition
SELECT ai_drop_score_partition(%(day)s);

-- name: export_scores
SELECT device_id, at, score, status::text, reason::text, sample_count, data_age_seconds, factors
  FROM ai_health_scores
 WHERE at >= %(since)s AND at < %(before)s
 ORDER BY at, device_id;

-- name: delete_rollups
DELETE FROM ai_health_rollups WHERE day < (%(before)s)::date;

-- name: contents
-- What would be emptied: mails, channel messages, PDFs of backtests and of reports.
SELECT (SELECT count(*) FROM ai_mail_outbox
         WHERE state IN ('sent', 'dropped') AND created_at < %(mails)s AND octet_length(payload) > 0)
     + (SELECT count(*) FROM ai_alerts_outbox
         WHERE state IN ('sent', 'dropped') AND created_at < %(mails)s AND octet_length(payload) > 0),
       (SELECT count(*) FROM ai_backtests WHERE asked_at < %(backtests)s AND pdf IS NOT NULL),
       (SELECT count(*) FROM ai_report_editions e JOIN ai_reports r USING (report_id, revision)
         WHERE r.generated_at < %(reports)s AND r.facts IS NOT NULL AND octet_length(e.pdf) > 0);

-- name: forget_report_pdfs
-- Its facts and words stay, of which it can be rendered again, and its hash, by which a copy is known. What is
-- older than facts were kept has nothing but its PDF.
UPDATE ai_report_editions e
   SET pdf = '', pdf_sha256 = array_remove(e.pdf_sha256, encode(sha256(e.pdf), 'hex')) || encode(sha256(e.pdf), 'hex')
  FROM ai_reports r
 WHERE r.report_id = e.report_id AND r.revision = e.revision
   AND r.generated_at < %(before)s AND r.facts IS NOT NULL AND octet_length(e.pdf) > 0;

-- name: thin_sizes
-- Beyond a week the last measurement of each UTC day is enough.
DELETE FROM ai_watch_sizes s
 WHERE s.at < %(before)s
   AND EXISTS (SELECT FROM ai_watch_sizes n
                WHERE n.what = s.what AND n.at > s.at
                  AND n.at < date_trunc('day', s.at, 'UTC') + interval '1 day' AND n.at < %(before)s);

-- name: count_thin_sizes
SELECT count(*)
  FROM ai_watch_sizes s
 WHERE s.at < %(before)s
   AND EXISTS (SELECT FROM ai_watch_sizes n
                WHERE n.what = s.what AND n.at > s.at
                  AND n.at < date_trunc('day', s.at, 'UTC') + interval '1 day' AND n.at < %(before)s);

-- name: archived
SELECT path, source, first_at, until_at, row_count, bytes, sha256, made_at FROM ai_archives ORDER BY path;

-- name: is_archived
SELECT EXISTS (SELECT FROM ai_archives WHERE path = %(path)s);

-- name: put_archive
INSERT INTO ai_archives (path, source, first_at, until_at, row_count, bytes, sha256, made_at)
VALUES (%(path)s, %(source)s, %(first_at)s, %(until_at)s, %(row_count)s, %(bytes)s, %(sha256)s, %(made_at)s);
