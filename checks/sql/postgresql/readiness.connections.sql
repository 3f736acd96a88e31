-- law: There is room for more connections.
-- why: The migration, its checks and the application that is started again share what is left.
-- remedy: Close idle clients, or raise max_connections, before the migration.
-- on: source and target
-- limits: share = 0.8
SELECT used, most, 'connections are open, of those that are allowed' AS says
FROM (SELECT sum(numbackends) AS used, current_setting('max_connections')::int AS most FROM pg_stat_database) c
WHERE used > :share * most
