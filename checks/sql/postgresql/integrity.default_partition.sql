-- law: Every row lies in the partition that was made for it.
-- why: Rows in the default partition are read by every query, and forbid the partition that is to take them.
-- remedy: Create the partition for them, and move the rows.
SELECT i.inhparent::regclass::text AS "table", c.oid::regclass::text AS "partition",
  pg_size_pretty(pg_relation_size(c.oid)) AS says
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE c.relkind = 'r' AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' AND pg_relation_size(c.oid) > 0
