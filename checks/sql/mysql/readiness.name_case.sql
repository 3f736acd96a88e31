-- law: No two tables or views have names that differ in capitals only.
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT MIN(TABLE_NAME) AS `table`, CONCAT('also ', GROUP_CONCAT(TABLE_NAME)) AS says
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
GROUP BY LOWER(TABLE_NAME) HAVING COUNT(*) > 1
