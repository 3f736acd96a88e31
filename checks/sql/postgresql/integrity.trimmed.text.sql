-- law: No text begins or ends with white space.
-- asked: yes
-- columns: text
-- types: ^(character varying|varchar|text|citext)
-- says: {column} has white space at an end
{column} ~ '^\s|\s$'
