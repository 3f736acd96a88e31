-- law: Every stored value is of the type that its column declares.
-- columns: boolean
-- says: {column} holds what is no {type}
typeof({column}) NOT IN ('null', 'integer') OR {column} NOT IN (0, 1)
