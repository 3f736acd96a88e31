-- law: Every table is STRICT.
-- why: SQLite keeps any value in any column of an ordinary table; integrity.stored_type tells where it has.
-- remedy: Create the table again with STRICT (SQLite 3.37).
-- asked: yes
SELECT name AS "table" FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
