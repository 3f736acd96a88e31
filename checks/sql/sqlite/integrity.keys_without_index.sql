-- law: Every foreign key has an index on its own columns.
-- asked: yes
SELECT m.name AS "table", f."from" AS "column",
  printf('CREATE INDEX "%w_%w" ON "%w" ("%w")', m.name, f."from", m.name, f."from") AS remedy
FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' AND f.seq = 0
  AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i
    WHERE NOT l.partial AND i.seqno = 0 AND i.name = f."from" COLLATE NOCASE)
  AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.pk = 1 AND c.name = f."from" COLLATE NOCASE)
