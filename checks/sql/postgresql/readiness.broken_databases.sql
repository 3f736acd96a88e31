-- law: No database of the server was left half dropped.
-- why: A DROP DATABASE that was interrupted leaves one that nobody can connect to, and that no upgrade passes.
-- remedy: DROP DATABASE once more.
-- on: source and target
SELECT datname AS "database", format('DROP DATABASE %I', datname) AS remedy
FROM pg_database WHERE datconnlimit = -2
