-- law: The target holds text in UTF-8.
-- on: target
SELECT DEFAULT_CHARACTER_SET_NAME AS encoding, 'of new tables' AS says,
  CONCAT('ALTER DATABASE `', SCHEMA_NAME, '` CHARACTER SET utf8mb4') AS remedy
FROM information_schema.SCHEMATA
WHERE SCHEMA_NAME = DATABASE() AND DEFAULT_CHARACTER_SET_NAME <> 'utf8mb4'
