-- law: No text was damaged on its way: decoded twice, cut inside a character, or with characters that stand
--   for lost ones.
-- why: Ã¤ in place of ä, or U+FFFD, is what an earlier migration left; a NUL is refused by PostgreSQL.
-- remedy: Restore the text from where it came, or convert it once more the other way.
-- asked: yes
-- columns: text
-- says: {column} is damaged
typeof({column}) = 'text' AND (instr({column}, char(65533)) > 0 OR instr(CAST({column} AS BLOB), x'00') > 0
  OR {column} GLOB '*[' || char(194, 195) || '][' || char(128) || '-' || char(191) || ']*')
