-- law: No text was damaged on its way: decoded twice, cut inside a character, or with characters that stand
--   for lost ones.
-- asked: yes
-- columns: text
-- says: {column} is damaged
position(chr(65533) IN {column}::text) > 0 OR {column}::text ~ '[\u00C2\u00C3][\u0080-\u00BF]'
