-- law: No password is stored in a way that a newer server takes no more.
-- why: md5 is deprecated from PostgreSQL 18 on; who has such a password is locked out when it goes.
-- remedy: Set the password again under password_encryption = 'scram-sha-256'.
-- asked: yes
-- on: source and target
-- rights: SELECT has_table_privilege('pg_authid', 'SELECT')
-- grant: ask a superuser: only one may see how passwords are stored
SELECT rolname AS role, 'md5' AS says FROM pg_authid WHERE rolcanlogin AND rolpassword LIKE 'md5%'
