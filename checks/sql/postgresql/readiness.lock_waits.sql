-- law: No session waits for a lock that another one holds.
-- why: The migration would stand in the same queue.
-- remedy: Find out what the blocking session does, and end it.
-- on: source and target
SELECT pid, array_to_string(pg_blocking_pids(pid), ', ') AS blocked_by,
  format('SELECT pg_terminate_backend(%s)', (pg_blocking_pids(pid))[1]) AS remedy
FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0
