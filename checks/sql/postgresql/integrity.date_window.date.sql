-- law: Every date lies in the years 1000 to 9998.
-- asked: yes
-- columns: date moment
-- says: {column} is outside of the years 1000 to 9998
NOT isfinite({column}) OR extract(year FROM {column}) NOT BETWEEN 1000 AND 9998
