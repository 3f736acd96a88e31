-- law: No data lies outside the tables, in large objects.
-- why: Rows are compared before and after, large objects are not; logical replication and many tools pass
--   them over.
-- remedy: Move them into columns of type bytea, or compare them by hand.
SELECT count(*) AS large_objects FROM pg_largeobject_metadata HAVING count(*) > 0
