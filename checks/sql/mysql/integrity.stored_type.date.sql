-- law: Every stored value is of the type that its column declares.
-- columns: date moment
-- says: {column} holds what is no {type}
CAST({column} AS CHAR) LIKE '0000%' OR CAST({column} AS CHAR) LIKE '%-00%'
