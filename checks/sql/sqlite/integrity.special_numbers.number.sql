-- law: No number is infinite or "not a number".
-- towards: mysql
-- columns: number
-- says: {column} is infinite
abs({column}) = 9e999
