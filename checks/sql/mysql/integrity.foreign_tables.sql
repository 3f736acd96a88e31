-- law: Every table is kept in this database.
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, ENGINE AS engine FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND ENGINE IN ('FEDERATED', 'CONNECT', 'SPIDER')
