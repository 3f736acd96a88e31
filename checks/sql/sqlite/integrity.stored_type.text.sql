-- law: Every stored value is of the type that its column declares.
-- columns: text
-- says: {column} holds what is no {type}
typeof({column}) = 'blob'
