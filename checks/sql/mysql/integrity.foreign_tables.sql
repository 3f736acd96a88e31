-- law: Every table is kept in this database.
-- rights: SELECT count(*) FROM (SELECT PRIVILEGE_TYPE p FROM information_schema.USER_PRIVILEGES UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA) w WHERE p = 'SELECT'
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, ENGINE AS engine FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND ENGINE IN ('FEDERATED', 'CONNECT', 'SPIDER')
