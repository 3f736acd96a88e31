-- law: Every extension in use is installed on the machine.
-- why: Its tables can be listed, and any use of its functions fails; so does a restore.
-- remedy: Install the extension's package where the server runs.
-- severity: block
-- on: source and target
SELECT extname AS extension, 'version ' || extversion || ', whose files are missing' AS says
FROM pg_extension e WHERE NOT EXISTS (SELECT FROM pg_available_extensions a WHERE a.name = e.extname)
