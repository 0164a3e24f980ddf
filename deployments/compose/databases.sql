-- At the first start of an empty volume. HOMEPOT's own tables come with HOMEPOT, or with its dump.
CREATE DATABASE homepot;
CREATE DATABASE prefect;
\connect prefect
CREATE EXTENSION IF NOT EXISTS pg_trgm;
