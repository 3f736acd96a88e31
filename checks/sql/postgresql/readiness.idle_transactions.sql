-- law: No session has been idle inside its transaction for more than a minute.
-- why: Nobody works there, and yet its locks are held.
-- remedy: Close the session; idle_in_transaction_session_timeout (PostgreSQL) or idle_transaction_timeout
--   (MariaDB) does it by itself.
-- on: source and target
-- limits: seconds = 60
-- rights: SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
-- grant: GRANT pg_read_all_stats TO {role}
SELECT pid, usename AS "user", application_name AS application, datname AS "database",
  state || ' for ' || round(extract(epoch FROM clock_timestamp() - state_change)) || ' s' AS says,
  format('SELECT pg_terminate_backend(%s)', pid) AS remedy
FROM pg_stat_activity
WHERE state LIKE 'idle in transaction%' AND application_name <> 'visionforge'
  AND clock_timestamp() - state_change > make_interval(secs => :seconds)
