-- law: No text holds the character NUL.
-- towards: postgresql
-- columns: text
-- says: {column} holds NUL
{column} LIKE CONCAT('%', CHAR(0), '%')
