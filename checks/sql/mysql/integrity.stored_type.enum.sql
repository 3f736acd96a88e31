-- law: Every stored value is of the type that its column declares.
-- types: ^enum
-- says: {column} holds what is no {type}
{column} + 0 = 0
