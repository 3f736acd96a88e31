-- law: No transaction has been open for more than 5 minutes.
-- on: source and target
-- limits: seconds = 300
-- grant: GRANT PROCESS ON *.* TO {role}
SELECT t.trx_mysql_thread_id AS id, p.USER AS user, p.DB AS `database`,
  CONCAT('open for ', TIMESTAMPDIFF(SECOND, t.trx_started, SYSDATE()), ' s') AS says,
  CONCAT('KILL ', t.trx_mysql_thread_id) AS remedy
FROM information_schema.INNODB_TRX t LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND t.trx_is_read_only = 0
  AND TIMESTAMPDIFF(SECOND, t.trx_started, SYSDATE()) > :seconds
