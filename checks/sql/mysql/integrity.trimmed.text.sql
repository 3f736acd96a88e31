-- law: No text begins or ends with white space.
-- asked: yes
-- columns: text
-- says: {column} has white space at an end
{column} REGEXP '^[[:space:]]|[[:space:]]$'
