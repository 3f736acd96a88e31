-- A column of truth values holds whatever was written: 2, 'yes', 'f'.
typeof({column}) NOT IN ('null', 'integer') OR {column} NOT IN (0, 1)
