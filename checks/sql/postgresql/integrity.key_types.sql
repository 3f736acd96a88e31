-- law: The columns of a foreign key are of the type of those that they name.
-- why: Values that fit the one may not fit the other, indexes are passed by, and another DBMS refuses the key.
-- remedy: ALTER the child's column to the type of the parent's.
SELECT c.conrelid::regclass::text AS "table", a.attname AS "column",
  format_type(a.atttypid, a.atttypmod) || ', and ' || c.confrelid::regclass || '.' || b.attname || ' is '
    || format_type(b.atttypid, b.atttypmod) AS says,
  format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', c.conrelid::regclass, a.attname,
    format_type(b.atttypid, b.atttypmod)) AS remedy
FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k(ours, theirs)
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.ours
JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.theirs
WHERE c.contype = 'f' AND c.conparentid = 0
  AND (a.atttypid <> b.atttypid OR a.atttypmod <> b.atttypmod OR a.attcollation <> b.attcollation)
