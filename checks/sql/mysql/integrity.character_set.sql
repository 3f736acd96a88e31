-- law: Every column of text is in utf8mb4.
-- why: utf8mb3 refuses characters of four bytes, latin1 has but 256: what does not fit is refused or lost.
-- remedy: ALTER TABLE ... CONVERT TO CHARACTER SET utf8mb4.
-- asked: yes
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT c.TABLE_NAME AS `table`, GROUP_CONCAT(c.COLUMN_NAME ORDER BY c.ORDINAL_POSITION SEPARATOR ', ') AS `columns`,
  MIN(c.CHARACTER_SET_NAME) AS says,
  CONCAT('ALTER TABLE `', c.TABLE_NAME, '` CONVERT TO CHARACTER SET utf8mb4') AS remedy
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.DATA_TYPE <> 'json'
  AND c.CHARACTER_SET_NAME NOT IN ('utf8mb4', 'ascii', 'binary')
GROUP BY c.TABLE_NAME
