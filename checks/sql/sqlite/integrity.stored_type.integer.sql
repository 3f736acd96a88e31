-- law: Every stored value is of the type that its column declares.
-- why: SQLite keeps text in a column of integers, a lax MySQL keeps dates of zeros; a stricter DBMS refuses
--   them in the middle of the load.
-- remedy: Correct the values, or set them to NULL, before the migration.
-- severity: block
-- columns: integer
-- says: {column} holds what is no {type}
typeof({column}) NOT IN ('null', 'integer')
