-- law: Every table outlives a crash of the server.
-- why: An unlogged table (MEMORY in MariaDB) is empty afterwards, is not replicated, and is not missed at first.
-- remedy: ALTER TABLE ... SET LOGGED (PostgreSQL), ENGINE = InnoDB (MariaDB, MySQL).
SELECT c.oid::regclass::text AS "table", format('ALTER TABLE %s SET LOGGED', c.oid::regclass) AS remedy
FROM pg_class c WHERE c.relpersistence = 'u' AND c.relkind = 'r'
