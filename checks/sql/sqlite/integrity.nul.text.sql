-- law: No text holds the character NUL.
-- why: PostgreSQL cannot keep it: the load stops at the first such row.
-- remedy: Take the character out; where it belongs to the value, the column is one of bytes.
-- severity: block
-- towards: postgresql
-- columns: text
-- says: {column} holds NUL
instr(CAST({column} AS BLOB), x'00') > 0
