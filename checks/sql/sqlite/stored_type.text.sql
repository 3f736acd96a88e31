-- Bytes in a column of text are never equal to the same characters, and no other DBMS takes them.
typeof({column}) = 'blob'
