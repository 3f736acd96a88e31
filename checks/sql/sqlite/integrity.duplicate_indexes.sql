-- law: No two indexes are the same.
-- asked: yes
WITH parts AS (
  SELECT m.name AS tbl, l.name AS idx, x.seqno, coalesce(x.name, 'expression of ' || l.name) || x."desc" || x.coll AS part
  FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
  WHERE m.type = 'table' AND NOT l.partial AND x.key = 1 ORDER BY m.name, l.name, x.seqno),
whole AS (SELECT tbl, idx, group_concat(part) AS columns FROM parts GROUP BY tbl, idx)
SELECT tbl AS "table", group_concat(idx, ', ') AS indexes FROM whole GROUP BY tbl, columns HAVING count(*) > 1
