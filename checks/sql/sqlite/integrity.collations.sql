-- law: Every column of text sorts and compares as its database does.
-- asked: yes
SELECT DISTINCT m.name AS "table", x.name AS "column", x.coll AS says
FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
WHERE m.type = 'table' AND x.key = 1 AND x.coll <> 'BINARY'
