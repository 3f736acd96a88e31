-- law: The last migration of golang-migrate did not fail half way.
-- why: The schema is between two versions, and the tool refuses to go on.
-- remedy: Repair the failed step by hand, then migrate force VERSION.
-- severity: block
-- table: schema_migrations(dirty)
SELECT version, 'dirty' AS says FROM {table} WHERE dirty = TRUE
