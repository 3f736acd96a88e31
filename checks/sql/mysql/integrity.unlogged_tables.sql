-- law: Every table outlives a crash of the server.
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, CONCAT('ALTER TABLE `', TABLE_NAME, '` ENGINE = InnoDB') AS remedy
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ENGINE = 'MEMORY'
