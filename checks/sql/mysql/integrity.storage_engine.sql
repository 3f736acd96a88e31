-- law: Every table is kept by InnoDB.
-- why: Other engines have no transactions and no foreign keys, and a backup of them is of no one moment.
-- remedy: ALTER TABLE ... ENGINE = InnoDB.
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, ENGINE AS says, CONCAT('ALTER TABLE `', TABLE_NAME, '` ENGINE = InnoDB') AS remedy
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'
  AND ENGINE NOT IN ('InnoDB', 'MEMORY', 'ndbcluster', 'FEDERATED', 'CONNECT', 'SPIDER')
