-- law: Every table of a subscription has had its first copy, and the subscription is enabled.
-- why: A table that is still being copied is not all there.
-- remedy: Wait for the copy, or ALTER SUBSCRIPTION ... ENABLE.
-- on: source and target
SELECT s.subname AS subscription, r.srrelid::regclass::text AS "table", 'state ' || r.srsubstate::text AS says
FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database() AND r.srsubstate <> 'r'
UNION ALL
SELECT s.subname, NULL, 'disabled' FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database() AND NOT s.subenabled
