-- name: recent
SELECT device_id, at, kind, key, summary, details
  FROM ai_event_cache
 WHERE device_id = %(device_id)s AND at <= %(at)s
 ORDER BY at DESC, id DESC
 LIMIT %(limit)s;
