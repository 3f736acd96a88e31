-- law: What the server confirms is on disk.
-- why: Settings that make a load fast are left behind, and a crash takes what was confirmed.
-- remedy: Set it back before the migration; no backup helps against a server that forgets.
-- on: source and target
SELECT name AS setting, 'off' AS says, format('ALTER SYSTEM SET %s = on', name) AS remedy FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'
