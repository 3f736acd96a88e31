-- law: The target takes writes: it is neither a standby nor read-only.
-- on: target
SELECT 'read_only' AS setting, 'it is on' AS says, 'SET GLOBAL read_only = OFF' AS remedy
FROM DUAL WHERE @@global.read_only = 1
UNION ALL
SELECT 'innodb_read_only', 'it is on', 'start the server without innodb_read_only'
FROM DUAL WHERE @@global.innodb_read_only = 1
