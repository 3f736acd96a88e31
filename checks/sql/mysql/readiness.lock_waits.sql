-- law: No session waits for a lock that another one holds.
-- on: source and target
-- grant: GRANT PROCESS ON *.* TO {role}; GRANT SELECT ON sys.* TO {role}
SELECT w.waiting_pid AS id, w.blocking_pid AS blocked_by, w.locked_table AS `table`,
  CONCAT('KILL ', w.blocking_pid) AS remedy
FROM sys.innodb_lock_waits w
