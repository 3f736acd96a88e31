-- A column of numbers may hold text and bytes: SQLite keeps what it cannot convert.
typeof({column}) NOT IN ('null', 'integer', 'real')
