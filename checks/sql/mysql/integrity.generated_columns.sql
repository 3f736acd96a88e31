-- law: No column is computed by the database.
-- asked: yes
SELECT TABLE_NAME AS `table`, COLUMN_NAME AS `column` FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = DATABASE() AND GENERATION_EXPRESSION <> ''
