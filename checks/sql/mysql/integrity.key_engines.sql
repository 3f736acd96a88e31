-- law: A foreign key leads to a table of the same storage engine.
-- why: Between two engines nothing enforces it; it was made while checks were switched off.
-- remedy: ALTER TABLE ... ENGINE = InnoDB on both.
-- severity: block
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT k.TABLE_NAME AS `table`, k.COLUMN_NAME AS `column`,
  CONCAT(a.ENGINE, ', and ', k.REFERENCED_TABLE_NAME, ' is ', b.ENGINE) AS says
FROM (SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE
  WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE()) k
JOIN (SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()) a
  ON a.TABLE_NAME = k.TABLE_NAME
JOIN (SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()) b
  ON b.TABLE_NAME = k.REFERENCED_TABLE_NAME
WHERE a.ENGINE <> b.ENGINE
