-- A column of integers may hold fractions and text: SQLite keeps what it cannot convert.
typeof({column}) NOT IN ('null', 'integer')
