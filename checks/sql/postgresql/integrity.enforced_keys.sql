-- law: The server enforces the foreign keys.
-- why: Triggers or checks that were switched off for a load let every orphan in, and stay off unseen.
-- remedy: ALTER TABLE ... ENABLE TRIGGER ALL (PostgreSQL); SET GLOBAL foreign_key_checks = ON (MariaDB, MySQL).
SELECT t.tgrelid::regclass::text AS "table", c.conname AS "constraint", 'its trigger is switched off' AS says,
  format('ALTER TABLE %s ENABLE TRIGGER ALL', t.tgrelid::regclass) AS remedy
FROM pg_trigger t JOIN pg_constraint c ON c.oid = t.tgconstraint
WHERE t.tgisinternal AND c.contype = 'f' AND t.tgenabled <> 'O'
UNION ALL
SELECT NULL, 'session_replication_role', current_setting('session_replication_role'), NULL
WHERE current_setting('session_replication_role') <> 'origin'
