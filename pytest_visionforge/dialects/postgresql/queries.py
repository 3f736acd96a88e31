"""The queries over PostgreSQL's catalogue; each covers all of the application's objects at once.

The first column is the oid of the relation that a row belongs to.
"""

# Not the system's, not a session's temporary ones, not members of extensions, not partitions.
_OURS = """
SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
AND c.relpersistence <> 't' AND NOT c.relispartition
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = CAST('pg_class' AS regclass) AND e.objid = c.oid
    AND e.deptype = 'e')
"""


def _ours(kinds: str) -> str:
    quoted = ", ".join(f"'{kind}'" for kind in kinds)
    return f"({_OURS} AND c.relkind IN ({quoted}))"


_TABLE_KINDS = "rpf"


def _names(numbers: str, relation: str) -> str:
    """The names of columns from an array of their numbers."""
    return (
        "ARRAY(SELECT CAST(a.attname AS text)"
        f" FROM unnest({numbers}) WITH ORDINALITY u(number, place)"
        f" JOIN pg_attribute a ON a.attrelid = {relation} AND a.attnum = u.number ORDER BY u.place)"
    )


RELATIONS = f"""
SELECT c.oid, c.nspname, c.relname, c.relkind, obj_description(c.oid, 'pg_class') AS comment,
    has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
    row_security_active(c.oid) AS row_security, pg_get_userbyid(c.relowner) AS owner,
    c.relpersistence = 'u' AS unlogged, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
    CASE WHEN c.relkind IN ('r', 'p') THEN c.relreplident END AS replica_identity,
    pg_get_partkeydef(c.oid) AS partitioned_by, ARRAY(
        SELECT CAST(CAST(h.inhparent AS regclass) AS text) FROM pg_inherits h WHERE h.inhrelid = c.oid
        ORDER BY h.inhseqno) AS parents, ARRAY(
        SELECT CAST(a.attname AS text) FROM pg_index x JOIN pg_attribute a ON a.attrelid = c.oid
        AND a.attnum = ANY(CAST(x.indkey AS int2[])) WHERE x.indrelid = c.oid AND x.indisreplident
        ORDER BY array_position(CAST(x.indkey AS int2[]), a.attnum)) AS identity_columns
FROM {_ours(_TABLE_KINDS + "vm")} c ORDER BY c.nspname, c.relname
"""

COLUMNS = f"""
SELECT c.oid, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, a.attidentity,
    a.attgenerated, pg_get_expr(d.adbin, d.adrelid, true) AS expression,
    CASE WHEN a.attcollation <> t.typcollation THEN o.collname END AS collation,
    col_description(c.oid, a.attnum) AS comment
FROM {_ours(_TABLE_KINDS)} c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation o ON o.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
ORDER BY c.oid, a.attnum
"""

# A reference to a partitioned table stands once more for each partition: conparentid leads to the first.
CONSTRAINTS = f"""
SELECT c.oid, k.conname, k.contype, k.convalidated, {_names("k.conkey", "k.conrelid")} AS columns,
    p.relname AS parent, pn.nspname AS parent_schema, {_names("k.confkey", "k.confrelid")} AS parent_columns,
    k.confdeltype, k.confupdtype, CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid, true)
    WHEN k.contype = 'x' THEN pg_get_constraintdef(k.oid, true) END AS expression
FROM {_ours(_TABLE_KINDS)} c JOIN pg_constraint k ON k.conrelid = c.oid
LEFT JOIN pg_class p ON p.oid = k.confrelid LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
ORDER BY c.oid, k.conname
"""

INDEXES = f"""
SELECT c.oid, i.relname, x.indisunique, x.indisvalid AND x.indisready AND x.indislive AS valid, m.amname,
    pg_get_expr(x.indpred, x.indrelid, true) AS condition, x.indnkeyatts, terms.columns, terms.options
FROM {_ours(_TABLE_KINDS)} c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_am m ON m.oid = i.relam
CROSS JOIN LATERAL (
    SELECT array_agg(CASE WHEN k.number > 0 THEN CAST(a.attname AS text)
        WHEN left(e.text, 1) = '(' THEN e.text ELSE '(' || e.text || ')' END ORDER BY k.place) AS columns,
    array_agg(CASE WHEN k.place <= x.indnkeyatts THEN concat_ws(' ',
        CASE WHEN o.oid <> coalesce(nullif(a.attcollation, 0), o.oid)
            THEN 'COLLATE ' || quote_ident(o.collname) END,
        CASE WHEN NOT p.opcdefault THEN p.opcname END,
        CASE x.indoption[k.place - 1] WHEN 1 THEN 'DESC NULLS LAST' WHEN 2 THEN 'NULLS FIRST'
            WHEN 3 THEN 'DESC' END
    ) END ORDER BY k.place) AS options
    FROM unnest(CAST(x.indkey AS int2[])) WITH ORDINALITY k(number, place)
    CROSS JOIN LATERAL pg_get_indexdef(x.indexrelid, CAST(k.place AS int), true) e(text)
    LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number AND k.number > 0
    LEFT JOIN pg_collation o ON o.oid = x.indcollation[k.place - 1]
    LEFT JOIN pg_opclass p ON p.oid = x.indclass[k.place - 1]
) terms
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid
    AND k.contype IN ('p', 'u', 'x'))
ORDER BY c.oid, i.relname
"""

TRIGGERS = f"""
SELECT c.oid, t.tgname, pg_get_triggerdef(t.oid, true) AS definition, t.tgenabled IN ('O', 'A') AS enabled
FROM {_ours(_TABLE_KINDS + "v")} c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
ORDER BY c.oid, t.tgname
"""

VIEWS = f"""
SELECT c.oid, pg_get_viewdef(c.oid, true) AS definition, ARRAY(SELECT CAST(a.attname AS text)
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum) AS columns
FROM {_ours("vm")} c
"""

PARTITIONS = f"""
SELECT c.oid, n.nspname, p.relname, pg_get_expr(p.relpartbound, p.oid, true) AS bounds,
    pg_get_partkeydef(p.oid) AS partitioned_by, t.level, un.nspname AS parent_schema, u.relname AS parent
FROM {_ours("p")} c CROSS JOIN LATERAL pg_partition_tree(c.oid) t
JOIN pg_class p ON p.oid = t.relid JOIN pg_namespace n ON n.oid = p.relnamespace
JOIN pg_class u ON u.oid = t.parentrelid JOIN pg_namespace un ON un.oid = u.relnamespace
ORDER BY c.oid, t.level, n.nspname, p.relname
"""

POLICIES = f"""
SELECT c.oid, p.polname, p.polcmd, p.polpermissive, ARRAY(
        SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END
        FROM unnest(p.polroles) r ORDER BY 1) AS roles,
    pg_get_expr(p.polqual, p.polrelid, true) AS condition,
    pg_get_expr(p.polwithcheck, p.polrelid, true) AS condition_of_new
FROM {_ours(_TABLE_KINDS)} c JOIN pg_policy p ON p.polrelid = c.oid ORDER BY c.oid, p.polname
"""


def _ours_of(catalog: str, column: str) -> str:
    """Objects of schemas that are not the system's, made neither by an extension nor by another object."""
    return f"""
(SELECT o.*, n.nspname FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{column}
WHERE n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = CAST('{catalog}' AS regclass) AND e.objid = o.oid
    AND e.deptype IN ('e', 'i')))
"""


_ROUTINES = _ours_of("pg_proc", "pronamespace")

ROUTINES = f"""
SELECT p.oid, p.nspname, p.proname, p.prokind, oidvectortypes(p.proargtypes) AS arguments,
    pg_get_userbyid(p.proowner) AS owner,
    CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE 'CREATE OR REPLACE AGGREGATE '
        || quote_ident(p.nspname) || '.' || quote_ident(p.proname)
        || '(' || coalesce(nullif(oidvectortypes(p.proargtypes), ''), '*') || ') (' || concat_ws(', ',
        'SFUNC = ' || g.aggtransfn, 'STYPE = ' || format_type(g.aggtranstype, NULL),
        'FINALFUNC = ' || nullif(CAST(g.aggfinalfn AS text), '-'),
        'COMBINEFUNC = ' || nullif(CAST(g.aggcombinefn AS text), '-'),
        'INITCOND = ' || quote_literal(g.agginitval),
        'SORTOP = ' || (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')'
            FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = g.aggsortop)) || ')'
    END AS text
FROM {_ROUTINES} p LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
"""

TYPES = f"""
SELECT t.oid, t.nspname, t.typname, t.typtype, pg_get_userbyid(t.typowner) AS owner, CASE t.typtype
    WHEN 'e' THEN 'ENUM (' || (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
        FROM pg_enum l WHERE l.enumtypid = t.oid) || ')'
    WHEN 'r' THEN (SELECT 'RANGE (SUBTYPE = ' || format_type(r.rngsubtype, NULL) || ')'
        FROM pg_range r WHERE r.rngtypid = t.oid)
    WHEN 'c' THEN '(' || (SELECT string_agg(quote_ident(a.attname) || ' '
        || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) || ')'
    WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
        (SELECT 'COLLATE ' || quote_ident(o.collname) FROM pg_collation o JOIN pg_type b
            ON b.oid = t.typbasetype WHERE o.oid = t.typcollation AND b.typcollation <> o.oid),
        'DEFAULT ' || pg_get_expr(t.typdefaultbin, 0), CASE WHEN t.typnotnull THEN 'NOT NULL' END,
        (SELECT string_agg('CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid, true),
            ' ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
    END AS text
FROM {_ours_of("pg_type", "typnamespace")} t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('e', 'r', 'd') OR (t.typtype = 'c' AND c.relkind = 'c')
"""

EXTENSIONS = """
SELECT e.oid, e.extname, 'SCHEMA ' || quote_ident(n.nspname) || ' VERSION ' || quote_literal(e.extversion) AS text
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'
"""

_SCHEMAS = """
(SELECT n.* FROM pg_namespace n WHERE n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = CAST('pg_namespace' AS regclass) AND e.objid = n.oid
    AND e.deptype = 'e'))
"""

SCHEMA_OWNERS = f"SELECT n.oid, n.nspname, pg_get_userbyid(n.nspowner) AS owner FROM {_SCHEMAS} n"

# Without what an owner may do; of a function nobody granted anything on, what PostgreSQL grants by itself.
GRANTS = f"""
SELECT g.oid, g.kind, g.nspname, g.name, g.arguments, g.column_name, a.privilege_type, a.is_grantable,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS role
FROM (
    SELECT c.oid, CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view'
        ELSE 'table' END AS kind, c.nspname, c.relname AS name, '' AS arguments, '' AS column_name,
        c.relacl AS rights, c.relowner AS owner FROM {_ours(_TABLE_KINDS + "vmS")} c
    UNION ALL SELECT c.oid, CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END, c.nspname,
        c.relname, '', a.attname, a.attacl, c.relowner
        FROM {_ours(_TABLE_KINDS + "vm")} c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
    UNION ALL SELECT p.oid, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.nspname,
        p.proname, '(' || oidvectortypes(p.proargtypes) || ')', '',
        coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner FROM {_ROUTINES} p
    UNION ALL SELECT n.oid, 'schema', NULL, n.nspname, '', '', n.nspacl, n.nspowner FROM {_SCHEMAS} n
) g CROSS JOIN LATERAL aclexplode(g.rights) a WHERE a.grantee <> g.owner
ORDER BY g.kind, g.nspname, g.name, g.arguments, g.column_name, role, a.privilege_type
"""

DATABASE = """
SELECT pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collation, d.datctype AS characters
FROM pg_database d WHERE d.datname = current_database()
"""

# What owns a sequence comes first; else the first column whose default draws from it.
SEQUENCES = f"""
SELECT c.oid, c.nspname, c.relname, s.seqincrement, has_schema_privilege(c.relnamespace, 'USAGE')
    AND has_sequence_privilege(c.oid, 'SELECT') AS readable, f.nspname AS owner_schema, f.relname AS owner_table,
    f.attname AS owner_column, pg_get_userbyid(c.relowner) AS owner
FROM {_ours("S")} c JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN LATERAL (
    SELECT tn.nspname, t.relname, a.attname FROM (
        SELECT 1 AS rank, d.refobjid AS relation, d.refobjsubid AS number FROM pg_depend d
        WHERE d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid AND d.deptype IN ('a', 'i')
        AND d.refclassid = CAST('pg_class' AS regclass) AND d.refobjsubid > 0
        UNION ALL
        SELECT 2, e.adrelid, e.adnum FROM pg_depend d JOIN pg_attrdef e ON e.oid = d.objid
        WHERE d.classid = CAST('pg_attrdef' AS regclass) AND d.refclassid = CAST('pg_class' AS regclass)
        AND d.refobjid = c.oid
    ) feeds JOIN pg_class t ON t.oid = feeds.relation JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = feeds.number
    ORDER BY feeds.rank, t.oid, a.attnum LIMIT 1
) f ON true
ORDER BY c.nspname, c.relname
"""

# What amcheck looks at: partitions too, under the name of the table that they belong to.
_STORED = """
(SELECT c.oid, t.relname, n.nspname FROM pg_class c
JOIN pg_class t ON t.oid = coalesce(pg_partition_root(c.oid), c.oid)
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_')
"""

BTREES = f"""
SELECT i.oid, c.nspname, c.relname, CAST(CAST(i.oid AS regclass) AS text) AS index_name, x.indisunique
FROM {_STORED} c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_am m ON m.oid = i.relam
WHERE m.amname = 'btree' AND x.indisready AND x.indisvalid ORDER BY c.nspname, c.relname, i.relname
"""

HEAPS = f"""
SELECT c.oid, c.nspname, c.relname FROM {_STORED} c JOIN pg_class r ON r.oid = c.oid
JOIN pg_am m ON m.oid = r.relam WHERE m.amname = 'heap' ORDER BY c.nspname, c.relname, c.oid
"""

# Where amcheck is, and which of its functions this role may call.
AMCHECK = """
SELECT n.nspname, has_function_privilege(p.oid, 'EXECUTE') AS allowed, p.proname, p.pronargs
FROM pg_extension e JOIN pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'
JOIN pg_proc p ON p.oid = d.objid AND d.classid = CAST('pg_proc' AS regclass)
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'amcheck' AND p.proname IN ('bt_index_check', 'verify_heapam')
"""

DIRECTORIES = """
SELECT setting FROM pg_settings WHERE name = 'data_directory'
UNION SELECT pg_tablespace_location(t.oid) FROM pg_tablespace t WHERE t.oid IN (
    SELECT reltablespace FROM pg_class
    UNION SELECT dattablespace FROM pg_database WHERE datname = current_database())
"""
