-- law: No migration of Flyway has failed.
-- why: A migration that failed half way has left half of its work where DDL is not transactional.
-- remedy: Repair the schema by hand, then flyway repair.
-- severity: block
-- table: flyway_schema_history(success)
SELECT version, description FROM {table} WHERE success = FALSE
