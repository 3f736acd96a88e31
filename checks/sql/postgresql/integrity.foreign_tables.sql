-- law: Every table is kept in this database.
-- why: What a foreign table shows is elsewhere: it is neither backed up nor compared, and must be reachable
--   from the target too.
-- remedy: Make sure that the other server can be reached from the target, or drop the table.
SELECT f.ftrelid::regclass::text AS "table", s.srvname AS server
FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
