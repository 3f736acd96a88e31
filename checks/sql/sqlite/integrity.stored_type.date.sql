-- law: Every stored value is of the type that its column declares.
-- columns: date moment
-- says: {column} holds what is no {type}
typeof({column}) = 'blob' OR (typeof({column}) = 'text'
  AND (julianday({column}) IS NULL OR date(substr({column}, 1, 10), '+0 days') IS NOT substr({column}, 1, 10)))
