-- Reports as they were made, and who gets them.

-- name: stored_latest
SELECT r.report_id, r.revision, period_start, period_end, timezone, content, facts_hash, pdf, generated_at,
       differences
  FROM ai_reports r JOIN ai_report_editions e USING (report_id, revision, mode)
 WHERE r.report_id = %(report_id)s ORDER BY r.revision DESC LIMIT 1;

-- name: stored_revision
SELECT r.report_id, r.revision, period_start, period_end, timezone, content, facts_hash, pdf, generated_at,
       differences
  FROM ai_reports r JOIN ai_report_editions e USING (report_id, revision, mode)
 WHERE r.report_id = %(report_id)s AND r.revision = %(revision)s;

-- name: insert_report
WITH made AS (
INSERT INTO ai_reports (report_id, revision, report_type, scope, site_id, device_id, period_start, period_end,
                        timezone, mode, content, facts_hash, generated_at, recipients,
                        differences)
VALUES (%(report_id)s, %(revision)s, %(report_type)s, %(scope)s, %(site_id)s, NULL, %(period_start)s,
        %(period_end)s, %(timezone)s, %(mode)s, %(content)s, %(facts_hash)s, %(generated_at)s, '[]'::jsonb, %(differences)s)
ON CONFLICT (report_id, revision) DO NOTHING
RETURNING revision)
INSERT INTO ai_report_editions (report_id, revision, mode, language, paper, pdf, words, template_version)
SELECT %(report_id)s, revision, %(mode)s, 'en', 'A4', %(pdf)s, %(content)s::jsonb -> 'words', %(template_version)s FROM made
RETURNING revision;

-- name: note_recipients
UPDATE ai_reports SET recipients = %(recipients)s
 WHERE report_id = %(report_id)s AND revision = %(revision)s AND recipients <> %(recipients)s;

-- name: subscribers
SELECT id, email FROM ai_subscriptions
 WHERE active AND kind = %(kind)s AND scope = %(scope)s AND scope_id IS NOT DISTINCT FROM %(scope_id)s
 ORDER BY id;
