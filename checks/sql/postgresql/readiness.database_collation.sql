-- law: The database's own collation is the one that its indexes were built with.
-- why: As with named collations: after an upgrade of the operating system indexes on text may answer
--   wrongly. PostgreSQL 13 and 14 record no version, so that nobody can tell there.
-- remedy: REINDEX DATABASE, then ALTER DATABASE ... REFRESH COLLATION VERSION.
-- on: source and target
-- versions: PostgreSQL >=15
SELECT datname AS "database",
  datcollversion || ' recorded, ' || coalesce(pg_database_collation_actual_version(oid), 'none') || ' now' AS says,
  format('REINDEX DATABASE %I; ALTER DATABASE %1$I REFRESH COLLATION VERSION', datname) AS remedy
FROM pg_database
WHERE datname = current_database() AND datcollversion IS NOT NULL
  AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
