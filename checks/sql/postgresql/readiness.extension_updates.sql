-- law: Every extension is of the version that the machine has.
-- why: After an upgrade of the server's packages the old functions go on against the new library.
-- remedy: ALTER EXTENSION ... UPDATE.
-- asked: yes
-- on: source and target
SELECT e.extname AS extension, e.extversion || ' installed, ' || a.default_version || ' at hand' AS says,
  format('ALTER EXTENSION %I UPDATE', e.extname) AS remedy
FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname
WHERE a.default_version <> e.extversion
