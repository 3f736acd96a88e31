-- law: A column that numbers its rows has room for many more.
-- limits: share = 0.8
-- if: SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'
-- otherwise: no table numbers its rows with AUTOINCREMENT
SELECT name AS "table", seq || ' of 9223372036854775807' AS says FROM sqlite_sequence
WHERE seq > :share * 9223372036854775807
