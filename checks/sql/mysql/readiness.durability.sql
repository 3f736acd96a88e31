-- law: What the server confirms is on disk.
-- on: source and target
SELECT 'innodb_flush_log_at_trx_commit' AS setting, @@global.innodb_flush_log_at_trx_commit AS says,
  'SET GLOBAL innodb_flush_log_at_trx_commit = 1' AS remedy
FROM DUAL WHERE @@global.innodb_flush_log_at_trx_commit <> 1
UNION ALL
SELECT 'innodb_doublewrite', 'off', 'start the server with innodb_doublewrite = ON'
FROM DUAL WHERE CAST(@@global.innodb_doublewrite AS CHAR) IN ('0', 'OFF')
