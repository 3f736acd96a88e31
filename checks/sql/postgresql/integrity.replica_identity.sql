-- law: Logical replication can tell the rows of every table apart.
-- why: Without a primary key or a replica identity a published table refuses UPDATE and DELETE.
-- remedy: ALTER TABLE ... REPLICA IDENTITY USING INDEX ..., or FULL.
-- asked: yes
SELECT c.oid::regclass::text AS "table", format('ALTER TABLE %s REPLICA IDENTITY FULL', c.oid::regclass) AS remedy
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (c.relreplident = 'n' OR (c.relreplident = 'd'
    AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))
