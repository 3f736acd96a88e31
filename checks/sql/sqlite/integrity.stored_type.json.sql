-- law: Every stored value is of the type that its column declares.
-- types: ^jsonb?$
-- says: {column} holds what is no {type}
typeof({column}) = 'text' AND NOT json_valid({column})
