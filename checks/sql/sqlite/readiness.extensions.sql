-- law: Every extension in use is installed on the machine.
-- on: source and target
SELECT name AS "table", 'its module is not in this SQLite' AS says FROM sqlite_schema
WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%' AND NOT EXISTS (
  SELECT 1 FROM pragma_module_list m
  WHERE lower(ltrim(substr(sql, instr(lower(sql), ' using ') + 7))) LIKE lower(m.name) || '%')
