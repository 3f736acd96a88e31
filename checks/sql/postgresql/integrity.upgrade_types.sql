-- law: No column is of a type that a newer version of the DBMS cannot take over.
-- why: PostgreSQL's reg... types are numbers of its catalogue, which are others in a new server: pg_upgrade
--   refuses them. MySQL deprecates AUTO_INCREMENT on numbers with a fraction.
-- remedy: Change the column's type: text for a name, an integer for a number.
SELECT a.attrelid::regclass::text AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS says
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND format_type(a.atttypid, NULL) IN ('regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper',
    'regoperator', 'regproc', 'regprocedure', 'aclitem')
