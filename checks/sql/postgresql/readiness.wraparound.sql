-- law: Old transaction numbers are frozen in time.
-- why: Near the end of the numbers the server vacuums at any price, and at the end of them takes no writes.
-- remedy: VACUUM (FREEZE) the oldest tables before the migration.
-- on: source and target
-- limits: age = 1000000000
SELECT datname AS "database",
  age(datfrozenxid) || ' transactions, ' || mxid_age(datminmxid) || ' multixacts since the last freeze' AS says
FROM pg_database WHERE age(datfrozenxid) > :age OR mxid_age(datminmxid) > :age
