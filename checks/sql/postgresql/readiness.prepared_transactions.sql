-- law: No two-phase transaction waits for its end.
-- why: It holds its locks until somebody ends it, outlives a restart, and does not outlive an upgrade.
-- remedy: COMMIT PREPARED or ROLLBACK PREPARED (PostgreSQL), XA COMMIT or XA ROLLBACK (MariaDB, MySQL).
-- on: source and target
SELECT gid, database, owner, 'since ' || to_char(prepared, 'YYYY-MM-DD HH24:MI:SS') AS says,
  format('ROLLBACK PREPARED %L', gid) AS remedy
FROM pg_prepared_xacts
