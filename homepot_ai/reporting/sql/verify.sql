-- name: by_hash
SELECT report_id, revision, generated_at FROM ai_reports WHERE facts_hash = %(hash)s
 ORDER BY generated_at LIMIT 1;

-- name: newest_revision
SELECT max(revision) FROM ai_reports WHERE report_id = %(report_id)s;

-- name: editions
-- A PDF that retention emptied is known by its hash; one that was rendered again may have another.
SELECT mode, language, paper, encode(sha256(pdf), 'hex') FROM ai_report_editions
 WHERE report_id = %(report_id)s AND revision = %(revision)s
 UNION ALL
SELECT mode, language, paper, unnest(pdf_sha256) FROM ai_report_editions
 WHERE report_id = %(report_id)s AND revision = %(revision)s;

-- name: same_report
-- What was made here of the same kind, scope and period.
SELECT report_id, revision FROM ai_reports
 WHERE report_type = %(kind)s AND scope = %(scope)s AND period_start = %(start)s AND period_end = %(end)s
   AND (%(id)s::integer IS NULL OR coalesce(device_id, site_id) = %(id)s)
   AND (%(name)s::text IS NULL OR scope_name = %(name)s)
 ORDER BY revision;
