-- law: No column is computed by the database.
-- asked: yes
SELECT m.name AS "table", c.name AS "column" FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND c.hidden IN (2, 3)
