-- law: Every stored value is of the type that its column declares.
-- columns: number
-- says: {column} holds what is no {type}
typeof({column}) NOT IN ('null', 'integer', 'real')
