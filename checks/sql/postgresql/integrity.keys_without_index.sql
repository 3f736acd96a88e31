-- law: Every foreign key has an index on its own columns.
-- why: Otherwise each delete of a parent reads the whole child, and so does every join.
-- remedy: CREATE INDEX on the columns of the key.
-- asked: yes
SELECT k.conrelid::regclass::text AS "table", k.columns,
  format('CREATE INDEX CONCURRENTLY ON %s (%s)', k.conrelid::regclass, k.columns) AS remedy
FROM (SELECT c.conrelid, c.conkey, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY o.n)
      FROM unnest(c.conkey) WITH ORDINALITY o(attnum, n)
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = o.attnum) AS columns
  FROM pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0) k
WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
  AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
