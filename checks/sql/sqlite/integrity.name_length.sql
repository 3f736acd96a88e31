-- law: No name is longer than the target keeps.
-- why: PostgreSQL cuts names after 63 bytes without a word; two that were told apart by their ends collide.
-- remedy: Shorten the name.
-- towards: postgresql
SELECT type, name FROM sqlite_schema WHERE length(CAST(name AS BLOB)) > 63
UNION ALL
SELECT 'column of ' || m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND length(CAST(c.name AS BLOB)) > 63
