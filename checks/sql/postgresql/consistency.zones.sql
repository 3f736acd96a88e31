-- law: Every timestamp says which moment it is: it has a time zone.
-- why: Without one the moment depends on who wrote it; two servers in two zones read two moments.
-- remedy: Write UTC everywhere, or use timestamptz (PostgreSQL), timestamp (MariaDB, MySQL).
-- asked: yes
SELECT a.attrelid::regclass::text AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS says
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.atttypid = 'timestamp'::regtype AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
