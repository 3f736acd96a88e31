-- law: A foreign key names columns that are a primary or unique key.
-- why: Otherwise a child has several parents; SQLite fails on the next write, PostgreSQL and MySQL 8.4 refuse
--   the key.
-- remedy: Declare the parent's columns UNIQUE, or correct the key.
-- severity: block
WITH keys AS (
  SELECT m.name AS child, f.id, f."table" AS parent, group_concat(coalesce(f."to", ''), ', ') AS columns,
    count(*) AS size, sum(f."to" IS NULL) AS unnamed
  FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
  WHERE m.type = 'table' GROUP BY m.name, f.id, f."table")
SELECT k.child AS "table", k.parent, k.columns AS says FROM keys k
WHERE EXISTS (SELECT 1 FROM sqlite_schema p WHERE p.type = 'table' AND p.name = k.parent COLLATE NOCASE)
  AND NOT (k.unnamed > 0 AND k.size = (SELECT count(*) FROM pragma_table_info(k.parent) WHERE pk > 0))
  AND NOT (k.size = (SELECT count(*) FROM pragma_table_info(k.parent) WHERE pk > 0)
    AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(k.child) f WHERE f.id = k.id AND f."to" COLLATE NOCASE
      NOT IN (SELECT name COLLATE NOCASE FROM pragma_table_info(k.parent) WHERE pk > 0)))
  AND NOT EXISTS (SELECT 1 FROM pragma_index_list(k.parent) l WHERE l."unique" AND NOT l.partial
    AND k.size = (SELECT count(*) FROM pragma_index_info(l.name))
    AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(k.child) f WHERE f.id = k.id AND f."to" COLLATE NOCASE
      NOT IN (SELECT coalesce(name, '') COLLATE NOCASE FROM pragma_index_info(l.name))))
