-- law: A column that is named like the key of another table is a foreign key.
-- asked: yes
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT c.TABLE_NAME AS `table`, c.COLUMN_NAME AS `column`, CONCAT('like the key of ', p.TABLE_NAME) AS says
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
  AND t.TABLE_TYPE = 'BASE TABLE'
JOIN information_schema.TABLES p ON p.TABLE_SCHEMA = c.TABLE_SCHEMA AND p.TABLE_NAME <> c.TABLE_NAME
  AND p.TABLE_TYPE = 'BASE TABLE' AND LOWER(c.COLUMN_NAME) IN (CONCAT(LOWER(p.TABLE_NAME), '_id'),
    CONCAT(TRIM(TRAILING 's' FROM LOWER(p.TABLE_NAME)), '_id'), CONCAT(LOWER(p.TABLE_NAME), 'id'))
WHERE c.TABLE_SCHEMA = DATABASE() AND NOT EXISTS (SELECT 1 FROM information_schema.KEY_COLUMN_USAGE k
  WHERE k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME
    AND k.REFERENCED_TABLE_NAME IS NOT NULL)
