-- law: Every table is kept by InnoDB.
-- why: Other engines have no transactions and no foreign keys, and a backup of them is of no one moment.
-- remedy: ALTER TABLE ... ENGINE = InnoDB.
-- rights: SELECT count(*) FROM (SELECT PRIVILEGE_TYPE p FROM information_schema.USER_PRIVILEGES UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA) w WHERE p = 'SELECT'
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, ENGINE AS says, CONCAT('ALTER TABLE `', TABLE_NAME, '` ENGINE = InnoDB') AS remedy
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'
  AND ENGINE NOT IN ('InnoDB', 'MEMORY', 'ndbcluster', 'FEDERATED', 'CONNECT', 'SPIDER')
