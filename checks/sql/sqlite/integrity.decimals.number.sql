-- law: No number has more decimals than its column declares.
-- why: SQLite keeps them all in binary; the target rounds them, and sums are others then.
-- remedy: Round them where they arise, or declare more decimals in the target.
-- towards: postgresql mysql
-- columns: number
-- says: {column} has more decimals than {type} takes
typeof({column}) = 'real' AND abs({column} - round({column}, {scale})) > 1e-9 * (1 + abs({column}))
