-- law: Every column has a type that the target can have too.
-- why: A column without a type holds anything; another DBMS wants to know what.
-- remedy: Declare the type before the migration, or in the script that creates the target.
-- towards: postgresql mysql
SELECT m.name AS "table", c.name AS "column", coalesce(nullif(c.type, ''), 'no type') AS says
FROM sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.sql NOT LIKE 'CREATE VIRTUAL%'
  AND (c.type = '' OR upper(c.type) = 'ANY')
