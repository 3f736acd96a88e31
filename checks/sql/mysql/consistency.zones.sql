-- law: Every timestamp says which moment it is: it has a time zone.
-- asked: yes
SELECT c.TABLE_NAME AS `table`, c.COLUMN_NAME AS `column`, c.COLUMN_TYPE AS says
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.DATA_TYPE = 'datetime'
