-- law: No two indexes are the same.
-- why: The second one serves nobody; each write and each load pays for it.
-- remedy: Drop one of them.
-- asked: yes
SELECT i.indrelid::regclass::text AS "table", string_agg(i.indexrelid::regclass::text, ', ') AS indexes
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT t.relispartition
GROUP BY i.indrelid, i.indclass::text, i.indkey::text, i.indcollation::text, i.indoption::text,
  coalesce(pg_get_expr(i.indexprs, i.indrelid), ''), coalesce(pg_get_expr(i.indpred, i.indrelid), '')
HAVING count(*) > 1
