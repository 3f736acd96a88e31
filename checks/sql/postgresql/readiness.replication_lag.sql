-- law: Every replica has received and replayed what was written.
-- why: What has not arrived there is lost if the replica becomes the new primary.
-- remedy: Stop the writers and wait; look at the replica's log if nothing moves.
-- on: source and target
-- limits: bytes = 16777216
-- rights: SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
-- grant: GRANT pg_read_all_stats TO {role}
SELECT application_name AS replica, state,
  pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, sent_lsn)) || ' bytes behind' AS says
FROM pg_stat_replication
WHERE NOT pg_is_in_recovery() AND state <> 'backup'
  AND pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, sent_lsn)) > :bytes
UNION ALL
SELECT 'this server', 'standby',
  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) || ' bytes received and not replayed'
WHERE pg_is_in_recovery() AND pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) > :bytes
