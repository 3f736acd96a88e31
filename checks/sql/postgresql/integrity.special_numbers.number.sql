-- law: No number is infinite or "not a number".
-- why: MariaDB and MySQL have neither, SQLite has no NaN: the load stops there, or NULL arrives.
-- remedy: Set NULL, or a number that stands for it.
-- severity: block
-- towards: mysql sqlite
-- columns: number
-- types: ^(numeric|real|double)
-- says: {column} is infinite or NaN
{column}::text IN ('NaN', 'Infinity', '-Infinity')
