-- law: No two tables or views have names that differ in capitals only.
-- rights: SELECT count(*) FROM (SELECT PRIVILEGE_TYPE p FROM information_schema.USER_PRIVILEGES UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA) w WHERE p = 'SELECT'
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT MIN(TABLE_NAME) AS `table`, CONCAT('also ', GROUP_CONCAT(TABLE_NAME)) AS says
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
GROUP BY LOWER(TABLE_NAME) HAVING COUNT(*) > 1
