-- law: A column that numbers its rows has room for many more.
-- limits: share = 0.8
-- listed: every table
-- grant: GRANT SELECT ON `{database}`.* TO {role}
SELECT n.`table`, n.`column`, CONCAT(n.used, ' of ', n.most) AS says,
  CONCAT('ALTER TABLE `', n.`table`, '` MODIFY `', n.`column`, '` bigint AUTO_INCREMENT') AS remedy
FROM (SELECT c.TABLE_NAME AS `table`, c.COLUMN_NAME AS `column`, t.AUTO_INCREMENT - 1 AS used,
    CASE c.DATA_TYPE WHEN 'tinyint' THEN 127 WHEN 'smallint' THEN 32767 WHEN 'mediumint' THEN 8388607
      WHEN 'int' THEN 2147483647 ELSE 9223372036854775807 END
    * CASE WHEN c.COLUMN_TYPE LIKE '%unsigned%' THEN 2.0 ELSE 1.0 END AS most
  FROM information_schema.TABLES t
  JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
  WHERE t.TABLE_SCHEMA = DATABASE() AND c.EXTRA LIKE '%auto_increment%') n
WHERE n.used > :share * n.most
