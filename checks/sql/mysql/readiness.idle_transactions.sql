-- law: No session has been idle inside its transaction for more than a minute.
-- on: source and target
-- limits: seconds = 60
-- grant: GRANT PROCESS ON *.* TO {role}
SELECT t.trx_mysql_thread_id AS id, p.USER AS user, p.DB AS `database`,
  CONCAT('idle for ', p.TIME, ' s') AS says, CONCAT('KILL ', t.trx_mysql_thread_id) AS remedy
FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
WHERE p.COMMAND = 'Sleep' AND p.TIME > :seconds AND t.trx_is_read_only = 0
  AND t.trx_mysql_thread_id <> CONNECTION_ID()
