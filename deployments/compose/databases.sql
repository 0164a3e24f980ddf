-- At the first start of an empty volume: two databases, and a login for each that may do nothing beside it, as in
-- docs/deploy.md, step 4. HOMEPOT's own tables come with its dump, and belong to homepot.
\set fleet `cat /run/secrets/FLEET_PASSWORD`
\set scheduler `cat /run/secrets/PREFECT_PASSWORD`
CREATE ROLE homepot;
CREATE ROLE homepot_ai LOGIN CREATEROLE PASSWORD :'fleet';
GRANT homepot TO homepot_ai;
CREATE ROLE prefect LOGIN PASSWORD :'scheduler';
CREATE DATABASE homepot OWNER homepot;
GRANT CREATE ON DATABASE homepot TO homepot_ai;
CREATE DATABASE prefect OWNER prefect;
REVOKE CONNECT ON DATABASE homepot, prefect FROM PUBLIC;
\connect prefect
CREATE EXTENSION IF NOT EXISTS pg_trgm;
