-- Reports as they were made, their editions, and what was mailed of them.

-- name: stored_report
-- The PDF that comes along is the first edition that was made of it.
SELECT r.revision, r.facts, r.facts_hash, r.generated_at, r.differences, e.mode, e.language, e.paper, e.pdf, e.words
  FROM ai_reports r
 CROSS JOIN LATERAL (SELECT * FROM ai_report_editions e
                      WHERE e.report_id = r.report_id AND e.revision = r.revision
                      ORDER BY e.mode <> r.mode, e.language <> coalesce(r.content->>'language', 'en'),
                               e.paper <> coalesce(r.content->>'paper', 'A4'), e.language, e.paper LIMIT 1) e
 WHERE r.report_id = %(report_id)s AND (%(revision)s::int IS NULL OR r.revision = %(revision)s)
 ORDER BY r.revision DESC LIMIT 1;

-- name: edition
-- Empty: retention emptied it, and it is rendered again from its facts.
SELECT nullif(pdf, '') FROM ai_report_editions
 WHERE report_id = %(report_id)s AND revision = %(revision)s
   AND mode = %(mode)s AND language = %(language)s AND paper = %(paper)s;

-- name: insert_report
INSERT INTO ai_reports (report_id, revision, report_type, scope, scope_name, site_id, device_id, period_start,
                        period_end, timezone, mode, content, facts, facts_hash, generated_at, recipients, differences)
VALUES (%(report_id)s, %(revision)s, %(report_type)s, %(scope)s, %(scope_name)s, %(site_id)s, %(device_id)s,
        %(period_start)s, %(period_end)s, %(timezone)s, %(mode)s, %(content)s, %(facts)s, %(facts_hash)s,
        %(generated_at)s, '[]'::jsonb, %(differences)s)
ON CONFLICT (report_id, revision) DO NOTHING
RETURNING revision;

-- name: narrations
SELECT mode, language, paper, narration FROM ai_report_editions
 WHERE report_id = %(report_id)s AND revision = %(revision)s;

-- name: insert_edition
INSERT INTO ai_report_editions (report_id, revision, mode, language, paper, pdf, words, template_version, narration)
VALUES (%(report_id)s, %(revision)s, %(mode)s, %(language)s, %(paper)s, %(pdf)s, %(words)s, %(template_version)s,
        %(narration)s)
ON CONFLICT (report_id, revision, mode, language, paper) DO UPDATE
   SET pdf = excluded.pdf, words = excluded.words, template_version = excluded.template_version
 WHERE ai_report_editions.pdf = '';

-- name: note_recipients
-- Added to those of calls before.
UPDATE ai_reports SET recipients = (
         SELECT jsonb_agg(DISTINCT one ORDER BY one) FROM jsonb_array_elements(recipients || %(recipients)s) AS one)
 WHERE report_id = %(report_id)s AND revision = %(revision)s AND NOT recipients @> %(recipients)s;

-- name: incident_report
-- A report of an incident is named after the day on which it was first made out to begin; that may move.
SELECT report_id FROM ai_reports
 WHERE report_type = 'incident' AND split_part(report_id, '_', 3) = 'incident' || %(incident)s::text
 ORDER BY generated_at LIMIT 1;

-- name: incidents_to_report
-- Opened and never reported, or closed since the last report: it was not final, or of an earlier close. A close may
-- lie before the report that did not know of it. Suspicions and what lies long back are left out.
SELECT i.id
  FROM ai_incidents i
  LEFT JOIN LATERAL (SELECT r.generated_at AS at, r.period_end,
                            coalesce((r.content->>'final')::boolean, r.generated_at >= i.closed_at) AS final
                       FROM ai_reports r
                      WHERE r.report_type = 'incident'
                        AND split_part(r.report_id, '_', 3) = 'incident' || i.id::text
                      ORDER BY r.revision DESC LIMIT 1) made ON true
 WHERE i.state IN ('open', 'acknowledged', 'closed') AND i.opened_at <= %(now)s
   AND coalesce(i.closed_at, i.opened_at) > %(since)s
   AND (made.at IS NULL OR (i.closed_at <= %(now)s AND (NOT made.final OR made.period_end < i.closed_at)))
 ORDER BY i.opened_at, i.id LIMIT %(limit)s;

-- name: mailed
-- Message-IDs of what a recipient had of a report, the oldest first.
SELECT message_id FROM ai_mail_outbox
 WHERE kind = 'report' AND reference = %(reference)s AND lower(recipient) = lower(%(recipient)s)
 ORDER BY id;

-- name: told
-- Message-IDs of the alerts that a recipient had of an incident, the oldest first.
SELECT message_id FROM ai_alert_messages
 WHERE incident_id = %(incident)s AND channel = 'mail' AND lower(address) = lower(%(recipient)s)
   AND message_id IS NOT NULL
 ORDER BY id;

-- name: digests_wait
-- Reports of a period are stored together; while its digests are decided on, none is.
SELECT pg_advisory_xact_lock(hashtext('ai_digests'), hashtext(%(name)s));

-- name: digests_pass
SELECT pg_advisory_xact_lock_shared(hashtext('ai_digests'), hashtext(%(name)s));

-- name: revisions
SELECT report_id, max(revision) FROM ai_reports WHERE report_id = ANY(%(ids)s::text[]) GROUP BY 1 ORDER BY 1;

-- name: queued
SELECT message_id, created_at FROM ai_mail_outbox WHERE key = %(key)s;

-- name: subscriptions
SELECT id, email, scope, scope_id, mode, locale, paper, digest, csv
  FROM ai_subscriptions
 WHERE active AND kind = %(kind)s
 ORDER BY id;

-- name: devices_subscribed
SELECT DISTINCT u.scope_id
  FROM ai_subscriptions u JOIN devices d ON d.id = u.scope_id
 WHERE u.active AND u.kind = %(kind)s AND u.scope = 'device' AND d.site_id = ANY(%(sites)s::int[])
 ORDER BY 1;

-- name: site_of_device
SELECT site_id FROM devices WHERE id = %(device)s;
