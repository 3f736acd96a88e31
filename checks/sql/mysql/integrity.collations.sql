-- law: Every column of text sorts and compares as its database does.
-- asked: yes
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT c.TABLE_NAME AS `table`, c.COLUMN_NAME AS `column`, c.COLLATION_NAME AS says
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.COLLATION_NAME <> @@collation_database
