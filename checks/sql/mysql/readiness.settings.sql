-- law: Settings that change what a statement means are the same on source and target.
-- on: pair
SELECT 'sql_mode' AS name, @@global.sql_mode AS setting
UNION ALL SELECT 'time_zone', @@global.time_zone
UNION ALL SELECT 'lower_case_table_names', @@global.lower_case_table_names
UNION ALL SELECT 'explicit_defaults_for_timestamp', @@global.explicit_defaults_for_timestamp
UNION ALL SELECT 'group_concat_max_len', @@global.group_concat_max_len
UNION ALL SELECT 'collation', @@collation_database
