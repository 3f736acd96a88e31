-- law: Every table outlives a crash of the server.
-- rights: SELECT count(*) FROM (SELECT PRIVILEGE_TYPE p FROM information_schema.USER_PRIVILEGES UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA) w WHERE p = 'SELECT'
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, CONCAT('ALTER TABLE `', TABLE_NAME, '` ENGINE = InnoDB') AS remedy
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE = 'MEMORY'
