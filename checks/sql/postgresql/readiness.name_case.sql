-- law: No two tables or views have names that differ in capitals only.
-- why: They are one and the same where names are not case-sensitive (SQLite; MySQL on Windows and macOS),
--   and people mistake one for the other everywhere.
-- remedy: Rename one of them.
SELECT n.nspname AS schema, string_agg(c.relname, ', ' ORDER BY c.relname) AS tables
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
GROUP BY n.nspname, lower(c.relname) HAVING count(*) > 1
