-- law: No name is longer than the target keeps.
-- towards: postgresql
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT n.kind AS type, n.name FROM (
  SELECT 'table' AS kind, TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
  UNION SELECT 'column', COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
  UNION SELECT 'index', INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()
  UNION SELECT 'constraint', CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS
    WHERE TABLE_SCHEMA = DATABASE()) n
WHERE LENGTH(n.name) > 63
