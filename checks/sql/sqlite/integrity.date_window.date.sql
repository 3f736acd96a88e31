-- law: Every date lies in the years 1000 to 9998.
-- why: What is outside stands for something else (unknown, open, for ever), or for a slip of the keyboard, and
--   does not fit into every DBMS.
-- remedy: Set NULL where nothing is known, or keep the sentinel and tell the target's users.
-- asked: yes
-- columns: date moment
-- says: {column} is outside of the years 1000 to 9998
typeof({column}) = 'text' AND CAST(substr({column}, 1, 4) AS INTEGER) NOT BETWEEN 1000 AND 9998
