"""The queries over information_schema, for the connected database (`:here`); all of it at once.

The first column is the name of the table that a row belongs to. `:here` is a parameter and not
DATABASE(), because only for a constant does the server look into one database instead of all.
"""

TABLES = """
SELECT table_name AS name, table_type AS type, auto_increment AS next, create_options AS options,
    table_comment AS comment, engine, table_collation AS collation
FROM information_schema.tables WHERE table_schema = :here ORDER BY table_name
"""

COLUMNS = """
SELECT table_name, column_name AS name, column_type AS type, is_nullable = 'YES' AS nullable,
    column_default AS value, extra, generation_expression AS expression, collation_name AS collation,
    column_comment AS comment
FROM information_schema.columns WHERE table_schema = :here ORDER BY table_name, ordinal_position
"""

# `{expression}` is the column that only MySQL 8 has, `{visible}` what each calls a switched-off index.
INDEXES = """
SELECT table_name, index_name AS name, non_unique, column_name, sub_part, collation, index_type AS type,
    {expression} AS expression, {visible} AS visible, comment
FROM information_schema.statistics WHERE table_schema = :here ORDER BY table_name, index_name, seq_in_index
"""

FOREIGN_KEYS = """
SELECT k.table_name, k.constraint_name AS name, k.column_name, k.referenced_table_schema AS parent_schema,
    k.referenced_table_name AS parent, k.referenced_column_name AS parent_column, r.delete_rule, r.update_rule
FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
ON r.constraint_schema = :here AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name
WHERE k.table_schema = :here AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""

CHECKS_OF_MARIADB = """
SELECT table_name, constraint_name AS name, check_clause AS expression, 1 AS enforced
FROM information_schema.check_constraints WHERE constraint_schema = :here ORDER BY table_name, constraint_name
"""

CHECKS_OF_MYSQL = """
SELECT t.table_name, t.constraint_name AS name, c.check_clause AS expression, t.enforced = 'YES' AS enforced
FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name
WHERE t.table_schema = :here AND t.constraint_type = 'CHECK' ORDER BY t.table_name, t.constraint_name
"""

TRIGGERS = """
SELECT event_object_table, trigger_name AS name, action_timing AS timing, event_manipulation AS event,
    action_statement AS statement, definer
FROM information_schema.triggers WHERE trigger_schema = :here
ORDER BY event_object_table, action_timing, event_manipulation, action_order
"""

VIEWS = """
SELECT table_name AS name, view_definition AS definition, definer, check_option, security_type AS security
FROM information_schema.views WHERE table_schema = :here ORDER BY table_name
"""

# What the role holds on the server or on the whole database. Others' grants are seen only by those
# who see everything anyway, so whose they are need not be asked.
WIDE_PRIVILEGES = """
SELECT privilege_type FROM information_schema.user_privileges
UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE :here LIKE table_schema
"""

TABLE_PRIVILEGES = """
SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE table_schema = :here
"""

PARTITIONS = """
SELECT table_name, partition_name AS name, subpartition_name AS part, partition_method AS method,
    partition_expression AS expression, partition_description AS bounds, subpartition_method AS part_method,
    subpartition_expression AS part_expression
FROM information_schema.partitions WHERE table_schema = :here AND partition_name IS NOT NULL
ORDER BY table_name, partition_ordinal_position, subpartition_ordinal_position
"""

ROUTINES = """
SELECT routine_name AS name, routine_type AS type, dtd_identifier AS returns, routine_definition AS body,
    is_deterministic = 'YES' AS certain, sql_data_access AS access, security_type AS security,
    routine_comment AS comment, definer
FROM information_schema.routines WHERE routine_schema = :here AND routine_type IN ('FUNCTION', 'PROCEDURE')
"""

PARAMETERS = """
SELECT specific_name, routine_type AS type, parameter_mode AS mode, parameter_name AS name,
    dtd_identifier AS declared
FROM information_schema.parameters WHERE specific_schema = :here AND ordinal_position > 0
ORDER BY specific_name, routine_type, ordinal_position
"""

EVENTS = """
SELECT event_name AS name, event_definition AS body, execute_at AS once, interval_value AS every,
    interval_field AS unit, starts, ends, status, on_completion AS completion, event_comment AS comment, definer
FROM information_schema.events WHERE event_schema = :here
"""

# Of the server's own tables, since information_schema shows a role no rights but its own.
GRANTS = """
SELECT 'database' AS kind, '' AS object, '' AS column_name, grantee AS role, privilege_type AS privilege,
    is_grantable = 'YES' AS grantable FROM information_schema.schema_privileges WHERE :here LIKE table_schema
UNION ALL SELECT 'table', table_name, '', grantee, privilege_type, is_grantable = 'YES'
FROM information_schema.table_privileges WHERE table_schema = :here
UNION ALL SELECT 'table', table_name, column_name, grantee, privilege_type, is_grantable = 'YES'
FROM information_schema.column_privileges WHERE table_schema = :here
"""

ROUTINE_GRANTS = """
SELECT LOWER(routine_type) AS kind, routine_name AS object, CONCAT(QUOTE(user), '@', QUOTE(host)) AS role,
    CAST(proc_priv AS CHAR) AS privileges FROM mysql.procs_priv WHERE db = :here
"""

DATABASE = """
SELECT default_character_set_name AS encoding, default_collation_name AS collation
FROM information_schema.schemata WHERE schema_name = :here
"""
