-- law: No job inside the database runs by itself during the migration.
-- on: source and target
-- if: SELECT @@global.event_scheduler = 'ON'
-- otherwise: the event scheduler does not run
-- rights: SELECT count(*) FROM (SELECT PRIVILEGE_TYPE p FROM information_schema.USER_PRIVILEGES UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA) w WHERE p = 'EVENT'
-- grant: GRANT EVENT ON `{database}`.* TO {role}
SELECT EVENT_NAME AS event, CONCAT('ALTER EVENT `', EVENT_NAME, '` DISABLE') AS remedy
FROM information_schema.EVENTS
WHERE EVENT_SCHEMA = DATABASE() AND STATUS = 'ENABLED' AND @@global.event_scheduler = 'ON'
