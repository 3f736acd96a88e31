-- law: Settings that change what a statement means are the same on source and target.
-- why: The same query of the application gives something else afterwards, and no row has changed.
-- remedy: Align the setting (ALTER DATABASE ... SET, my.cnf), or know why it differs.
-- on: pair
SELECT name, setting FROM pg_settings WHERE name IN ('standard_conforming_strings', 'backslash_quote',
  'lc_monetary', 'lc_numeric', 'lc_time', 'default_transaction_isolation', 'server_encoding', 'search_path',
  'transform_null_equals', 'array_nulls', 'xmlbinary', 'xmloption')
UNION ALL SELECT 'collation', datcollate FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'character type', datctype FROM pg_database WHERE datname = current_database()
