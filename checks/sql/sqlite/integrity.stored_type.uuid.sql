-- law: Every stored value is of the type that its column declares.
-- types: ^(uuid|guid|uniqueidentifier)$
-- says: {column} holds what is no {type}
typeof({column}) = 'text'
  AND NOT full_match('[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}', {column})
