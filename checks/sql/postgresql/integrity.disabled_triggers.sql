-- law: No trigger of a table is switched off.
-- why: What it keeps up to date is left behind, usually since a load in bulk.
-- remedy: Switch it on, and bring up to date what it keeps.
SELECT t.tgrelid::regclass::text AS "table", t.tgname AS trigger,
  format('ALTER TABLE %s ENABLE TRIGGER %I', t.tgrelid::regclass, t.tgname) AS remedy
FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgenabled IN ('D', 'R')
