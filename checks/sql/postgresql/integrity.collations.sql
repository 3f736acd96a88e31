-- law: Every column of text sorts and compares as its database does.
-- why: Columns that join on each other with two collations fail, or pass the index by.
-- remedy: Give the columns one collation.
-- asked: yes
SELECT a.attrelid::regclass::text AS "table", a.attname AS "column", o.collname AS says
FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_type y ON y.oid = a.atttypid JOIN pg_collation o ON o.oid = a.attcollation
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attcollation <> y.typcollation AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
