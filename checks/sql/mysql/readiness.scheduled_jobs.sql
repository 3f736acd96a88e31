-- law: No job inside the database runs by itself during the migration.
-- on: source and target
SELECT EVENT_NAME AS event, CONCAT('ALTER EVENT `', EVENT_NAME, '` DISABLE') AS remedy
FROM information_schema.EVENTS
WHERE EVENT_SCHEMA = DATABASE() AND STATUS = 'ENABLED' AND @@global.event_scheduler = 'ON'
