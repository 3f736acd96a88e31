-- law: The account in whose name a view, routine, trigger or event runs exists.
-- why: What runs in the name of nobody fails when it is used, and a dump with it does not load.
-- remedy: Create the account, or create the object again with SQL SECURITY INVOKER.
-- grant: GRANT SELECT ON mysql.user TO {role}
SELECT o.kind, o.name, CONCAT('definer ', o.definer) AS says
FROM (SELECT 'view' AS kind, TABLE_NAME AS name, DEFINER AS definer FROM information_schema.VIEWS
    WHERE TABLE_SCHEMA = DATABASE()
  UNION ALL SELECT 'routine', ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES
    WHERE ROUTINE_SCHEMA = DATABASE()
  UNION ALL SELECT 'trigger', TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS
    WHERE TRIGGER_SCHEMA = DATABASE()
  UNION ALL SELECT 'event', EVENT_NAME, DEFINER FROM information_schema.EVENTS
    WHERE EVENT_SCHEMA = DATABASE()) o
WHERE NOT EXISTS (SELECT 1 FROM mysql.user u
  WHERE CONVERT(CONCAT(u.User, '@', u.Host) USING utf8mb4) = CONVERT(o.definer USING utf8mb4))
