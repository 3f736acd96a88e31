-- law: The collations in use are the ones that the indexes were built with.
-- why: A new operating system or ICU sorts otherwise: indexes on text answer wrongly, and unique ones let
--   duplicates in, without an error.
-- remedy: REINDEX what uses the collation, then ALTER COLLATION ... REFRESH VERSION. Refreshing without the
--   REINDEX only hides it.
-- on: source and target
SELECT c.collname AS "collation", c.collversion || ' recorded, ' || v.actual || ' now' AS says,
  format('ALTER COLLATION %I.%I REFRESH VERSION, after REINDEX', n.nspname, c.collname) AS remedy
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
CROSS JOIN LATERAL (SELECT pg_collation_actual_version(c.oid) AS actual) v
WHERE c.collprovider <> 'd' AND c.collversion <> v.actual
  AND (EXISTS (SELECT FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
      WHERE a.attcollation = c.oid AND NOT a.attisdropped AND t.relkind IN ('r', 'p', 'm'))
    OR EXISTS (SELECT FROM pg_index i WHERE c.oid = ANY (i.indcollation::oid[])))
