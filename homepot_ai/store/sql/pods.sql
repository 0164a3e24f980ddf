-- Fleets that share a PostgreSQL: who can see whom, and how one is taken away.

-- name: seen
-- Schemas of other fleets that the login itself may read, without taking on any role.
SELECT n.nspname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = 'ai_health_scores' AND c.relkind IN ('r', 'p')
   AND n.nspname <> %(schema)s
   AND (has_table_privilege(current_user, c.oid, 'SELECT')
        OR EXISTS (SELECT FROM pg_roles r
                    WHERE r.rolname = n.nspname || '_reader'
                      AND pg_has_role(current_user, r.oid, 'MEMBER')))
 ORDER BY 1;

-- name: fleet_there
SELECT to_regclass(format('%%I.devices', %(homepot)s::text)) IS NOT NULL;

-- name: roles
SELECT rolname FROM pg_roles WHERE rolname = ANY (%(roles)s::text[]) ORDER BY 1;
