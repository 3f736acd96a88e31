"""The queries over information_schema, for the connected database (`:here`); all of it at once.

The first column is the name of the table that a row belongs to. `:here` is a parameter and not
DATABASE(), because only for a constant does the server look into one database instead of all.
"""

TABLES = """
SELECT table_name AS name, table_type AS type, auto_increment AS next, create_options AS options,
    table_comment AS comment
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
    action_statement AS statement
FROM information_schema.triggers WHERE trigger_schema = :here
ORDER BY event_object_table, action_timing, event_manipulation, action_order
"""

VIEWS = """
SELECT table_name AS name, view_definition AS definition
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
