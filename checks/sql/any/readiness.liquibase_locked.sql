-- law: Liquibase is not locked.
-- why: Either it runs at this moment, or it was killed: the next run waits for ever.
-- remedy: Wait for it, or liquibase release-locks.
-- severity: block
-- table: databasechangeloglock(locked)
SELECT id, lockedby AS says FROM {table} WHERE locked = TRUE
