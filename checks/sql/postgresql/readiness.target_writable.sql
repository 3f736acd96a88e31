-- law: The target takes writes: it is neither a standby nor read-only.
-- why: A migration that cannot write finds that out in its first statement, or in the middle of the load.
-- remedy: Connect to the primary, or promote the standby; take the read-only setting back.
-- severity: block
-- on: target
SELECT 'server' AS "where", 'it is a standby' AS says, NULL AS remedy WHERE pg_is_in_recovery()
UNION ALL
SELECT coalesce('role ' || r.rolname, 'database'), 'its transactions are read-only by default',
  CASE WHEN s.setdatabase = 0 THEN format('ALTER ROLE %I', r.rolname)
    ELSE format('ALTER DATABASE %I', current_database()) END || ' RESET default_transaction_read_only'
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
  AND EXISTS (SELECT FROM unnest(s.setconfig) c
    WHERE c LIKE 'default_transaction_read_only=%' AND split_part(c, '=', 2) IN ('on', 'true', 'yes', '1'))
