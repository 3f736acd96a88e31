-- law: A column that is named like the key of another table is a foreign key.
-- why: A relation that nobody declared is enforced by nobody.
-- remedy: Declare the foreign key, or in the plan references = { COLUMN = "PARENT.KEY" }.
-- asked: yes
SELECT c.oid::regclass::text AS "table", a.attname AS "column", 'like the key of ' || p.oid::regclass AS says
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.relkind IN ('r', 'p') AND p.relnamespace = c.relnamespace AND p.oid <> c.oid
  AND lower(a.attname) IN (lower(p.relname) || '_id', rtrim(lower(p.relname), 's') || '_id',
    lower(p.relname) || 'id')
WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_constraint k
    WHERE k.contype = 'f' AND k.conrelid = c.oid AND a.attnum = ANY (k.conkey))
