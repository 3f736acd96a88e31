-- law: The columns of a foreign key are of the type of those that they name.
SELECT m.name AS "table", f."from" AS "column",
  c.type || ', and ' || f."table" || '.' || p.name || ' is ' || p.type AS says
FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
JOIN pragma_table_info(m.name) c ON c.name = f."from" COLLATE NOCASE
JOIN pragma_table_info(f."table") p
  ON p.name = f."to" COLLATE NOCASE OR (f."to" IS NULL AND p.pk = f.seq + 1)
WHERE m.type = 'table' AND upper(replace(c.type, ' ', '')) <> upper(replace(p.type, ' ', ''))
  AND NOT (upper(c.type) LIKE '%INT%' AND upper(p.type) LIKE '%INT%')
