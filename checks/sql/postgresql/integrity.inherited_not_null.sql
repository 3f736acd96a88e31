-- law: A table that inherits has NOT NULL where its parent has it.
-- why: PostgreSQL 18 makes NOT NULL a constraint that is inherited: a dump without it does not restore there.
-- remedy: ALTER TABLE ... ALTER COLUMN ... SET NOT NULL on the child.
SELECT a.attrelid::regclass::text AS "table", a.attname AS "column",
  format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', a.attrelid::regclass, a.attname) AS remedy
FROM pg_inherits i JOIN pg_attribute a ON a.attrelid = i.inhrelid
JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname
JOIN pg_class c ON c.oid = i.inhrelid
WHERE c.relkind IN ('r', 'p') AND p.attnum > 0 AND p.attnotnull AND NOT a.attnotnull
