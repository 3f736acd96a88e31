-- law: No table or column is called by a reserved word.
-- why: It must be quoted everywhere; the first statement that forgets it fails.
-- remedy: Rename it.
-- asked: yes
SELECT c.oid::regclass::text AS "table", NULL AS "column" FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_get_keywords() k ON k.word = c.relname AND k.catcode = 'R'
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL
SELECT c.oid::regclass::text, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_get_keywords() k ON k.word = a.attname AND k.catcode = 'R'
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
