-- law: No column is computed by the database.
-- why: Replication and older drivers do not carry such columns over, and another server may compute
--   otherwise; consistency.generated tells whether the values hold.
-- remedy: Know of them; nothing needs to be mended.
-- asked: yes
SELECT a.attrelid::regclass::text AS "table", a.attname AS "column" FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attgenerated <> '' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
