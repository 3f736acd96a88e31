-- A lax sql_mode lets dates of zeros in (0000-00-00, 2024-02-00), which every other DBMS refuses.
CAST({column} AS CHAR) LIKE '0000%' OR CAST({column} AS CHAR) LIKE '%-00%'
