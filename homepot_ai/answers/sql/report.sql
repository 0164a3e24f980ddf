-- Reports of a device, as they are stored.

-- name: words
-- The newest revision; words of the edition that is wanted, null where it was not made.
SELECT r.revision, r.facts, r.generated_at, e.words, e.narration, CASE WHEN %(pdf)s THEN nullif(e.pdf, '') END
  FROM ai_reports r
  LEFT JOIN ai_report_editions e
    ON e.report_id = r.report_id AND e.revision = r.revision AND e.mode = %(mode)s
       AND e.language = %(language)s AND e.paper = %(paper)s
 WHERE r.report_id = %(report_id)s
 ORDER BY r.revision DESC
 LIMIT 1;

-- name: incident
-- The newest incident of a device; one of many sites is nobody's alone (`sites`: null for everything).
SELECT i.id
  FROM ai_incidents i
 WHERE i.state IN ('open', 'acknowledged', 'closed') AND i.opened_at <= %(now)s
   AND coalesce(i.closed_at, %(now)s) > %(since)s
   AND (%(sites)s::int[] IS NULL OR i.site_id = ANY(%(sites)s))
   AND i.id IN (SELECT incident_id FROM ai_incident_devices WHERE device_id = %(device)s)
 ORDER BY i.opened_at DESC, i.id DESC
 LIMIT 1;
