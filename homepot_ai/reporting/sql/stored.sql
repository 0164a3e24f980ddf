-- Reports as they were made, and who gets them.

-- name: stored_latest
SELECT report_id, revision, period_start, period_end, timezone, content, facts_hash, pdf, generated_at,
       differences
  FROM ai_reports WHERE report_id = %(report_id)s ORDER BY revision DESC LIMIT 1;

-- name: stored_revision
SELECT report_id, revision, period_start, period_end, timezone, content, facts_hash, pdf, generated_at,
       differences
  FROM ai_reports WHERE report_id = %(report_id)s AND revision = %(revision)s;

-- name: insert_report
INSERT INTO ai_reports (report_id, revision, report_type, scope, site_id, device_id, period_start, period_end,
                        timezone, mode, content, facts_hash, pdf, template_version, generated_at, recipients,
                        differences)
VALUES (%(report_id)s, %(revision)s, %(report_type)s, %(scope)s, %(site_id)s, NULL, %(period_start)s,
        %(period_end)s, %(timezone)s, %(mode)s, %(content)s, %(facts_hash)s, %(pdf)s, %(template_version)s,
        %(generated_at)s, '[]'::jsonb, %(differences)s)
ON CONFLICT (report_id, revision) DO NOTHING
RETURNING revision;

-- name: note_recipients
UPDATE ai_reports SET recipients = %(recipients)s
 WHERE report_id = %(report_id)s AND revision = %(revision)s AND recipients <> %(recipients)s;

-- name: subscribers
SELECT id, email FROM ai_subscriptions
 WHERE active AND kind = %(kind)s AND scope = %(scope)s AND scope_id IS NOT DISTINCT FROM %(scope_id)s
 ORDER BY id;
