-- law: No text begins or ends with white space.
-- why: 'Val2 ' is not 'Val2' here, and is under another collation; people see no difference.
-- remedy: UPDATE ... SET column = trim(column), after a look at what would then be the same.
-- asked: yes
-- columns: text
-- says: {column} has white space at an end
typeof({column}) = 'text' AND {column} <> trim({column}, ' ' || char(9, 10, 11, 12, 13, 160))
