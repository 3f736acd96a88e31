-- law: No column is computed by the database.
-- asked: yes
-- rights: SELECT count(*) FROM (SELECT PRIVILEGE_TYPE p FROM information_schema.USER_PRIVILEGES UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA) w WHERE p = 'SELECT'
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, COLUMN_NAME AS `column` FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND GENERATION_EXPRESSION <> ''
