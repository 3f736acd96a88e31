-- law: No transaction has been open for more than 5 minutes.
-- why: It holds locks for which the migration waits, and behind the migration waits everybody else.
-- remedy: Ask its owner to end it, or end it with the statement shown.
-- on: source and target
-- limits: seconds = 300
-- rights: SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
-- grant: GRANT pg_read_all_stats TO {role}
SELECT pid, usename AS "user", application_name AS application, datname AS "database",
  'open for ' || round(extract(epoch FROM clock_timestamp() - xact_start)) || ' s, ' || state AS says,
  format('SELECT pg_terminate_backend(%s)', pid) AS remedy
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name <> 'visionforge'
  AND clock_timestamp() - xact_start > make_interval(secs => :seconds) ORDER BY xact_start
