-- law: No text was damaged on its way: decoded twice, cut inside a character, or with characters that stand
--   for lost ones.
-- asked: yes
-- columns: text
-- says: {column} is damaged
HEX(CONVERT({column} USING utf8mb4)) REGEXP '^(..)*(EFBFBD|00|C38[23]C2[89AB])'
