-- law: What travels over the network is encrypted.
-- why: Every row of the database and its password go past whoever listens.
-- remedy: Add ?sslmode=verify-full to the URL (PostgreSQL), ?ssl=true (MariaDB, MySQL).
-- on: source and target
-- over: network
SELECT pid AS connection, 'not encrypted' AS says FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND NOT ssl
