-- law: The server enforces the foreign keys.
SELECT 'foreign_key_checks' AS setting, 'off' AS says, 'SET GLOBAL foreign_key_checks = ON' AS remedy
FROM DUAL WHERE @@global.foreign_key_checks = 0
