-- law: No column is computed by the database.
-- asked: yes
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT TABLE_NAME AS `table`, COLUMN_NAME AS `column` FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND GENERATION_EXPRESSION <> ''
