-- law: Every replication slot has somebody who reads from it.
-- why: A slot that nobody reads keeps the log until the disk is full; a lost one has nothing left to give.
-- remedy: Start its reader, or drop the slot.
-- on: source and target
SELECT slot_name AS slot, slot_type AS type,
  CASE WHEN active THEN 'wal_status ' || wal_status ELSE 'inactive' END AS says,
  format('SELECT pg_drop_replication_slot(%L)', slot_name) AS remedy
FROM pg_replication_slots WHERE NOT temporary AND (NOT active OR wal_status IN ('unreserved', 'lost'))
