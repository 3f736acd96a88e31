-- law: The server refuses values that do not fit: its sql_mode is strict.
-- why: Otherwise too long texts are cut, and wrong numbers and dates become zeros, silently, while the data
--   is loaded.
-- remedy: SET GLOBAL sql_mode = CONCAT(@@global.sql_mode, ',STRICT_TRANS_TABLES'), and in my.cnf.
-- on: source and target
SELECT @@global.sql_mode AS sql_mode FROM DUAL
WHERE @@global.sql_mode NOT LIKE '%STRICT_TRANS_TABLES%' AND @@global.sql_mode NOT LIKE '%STRICT_ALL_TABLES%'
