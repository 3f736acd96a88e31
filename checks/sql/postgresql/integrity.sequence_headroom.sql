-- law: A column that numbers its rows has room for many more.
-- why: At the end of the type every insert fails; to widen it then means to rewrite the table under pressure.
-- remedy: ALTER the column to bigint before the migration.
-- limits: share = 0.8
-- rights: SELECT count(*) = 0 FROM pg_sequence WHERE NOT has_sequence_privilege(seqrelid, 'SELECT, USAGE')
-- grant: GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role} (and of each other schema)
SELECT s.seqrelid::regclass::text AS sequence, d.refobjid::regclass::text AS "table", a.attname AS "column",
  format('%s of %s', v.used, t.most) AS says,
  format('ALTER TABLE %s ALTER COLUMN %I TYPE bigint', d.refobjid::regclass, a.attname) AS remedy
FROM pg_sequence s
CROSS JOIN LATERAL (SELECT CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
  THEN pg_sequence_last_value(s.seqrelid) END AS used) v
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
CROSS JOIN LATERAL (SELECT least(s.seqmax, CASE a.atttypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647
  ELSE 9223372036854775807 END) AS most) t
WHERE s.seqincrement > 0 AND NOT s.seqcycle AND v.used > :share * t.most
