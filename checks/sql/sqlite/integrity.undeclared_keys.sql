-- law: A column that is named like the key of another table is a foreign key.
-- asked: yes
SELECT m.name AS "table", c.name AS "column", 'like the key of ' || p.name AS says
FROM sqlite_schema m JOIN pragma_table_info(m.name) c
JOIN sqlite_schema p ON p.type = 'table' AND p.name <> m.name
  AND lower(c.name) IN (lower(p.name) || '_id', rtrim(lower(p.name), 's') || '_id', lower(p.name) || 'id')
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'
  AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f."from" = c.name COLLATE NOCASE)
