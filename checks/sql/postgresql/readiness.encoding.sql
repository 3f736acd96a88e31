-- law: The target holds text in UTF-8.
-- why: What one encoding has and the other has not is refused or replaced on the way.
-- remedy: Create the target with ENCODING 'UTF8' (PostgreSQL), CHARACTER SET utf8mb4 (MariaDB, MySQL).
-- on: target
SELECT pg_encoding_to_char(encoding) AS encoding FROM pg_database
WHERE datname = current_database() AND pg_encoding_to_char(encoding) <> 'UTF8'
