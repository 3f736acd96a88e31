-- law: No job inside the database runs by itself during the migration.
-- why: It writes when everybody believes that nobody does.
-- remedy: Switch the job off for the time of the migration, and note it for the way back.
-- on: source and target
-- if: SELECT to_regclass('cron.job') IS NOT NULL
-- otherwise: pg_cron is not installed here
SELECT jobid AS job, schedule, format('SELECT cron.unschedule(%s)', jobid) AS remedy FROM cron.job WHERE active
