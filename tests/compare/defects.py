"""What a migration can do to the schema unasked, as a table: what is planted, and what must be named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, Declared, TableChange

READER, OTHER = "vf_reader", "vf_other"  # roles that the tests make


@dataclass(frozen=True)
class Defect:
    """One defect, on one DBMS.

    `found` are kind and object of the differences, `declared` the changes with which there are none,
    `remedy` a part of the SQL that is shown. Running that SQL mends it, or else `undo` does.
    """

    name: str
    sql: Sequence[str]
    found: Sequence[tuple[str, str]]
    declared: Changes
    remedy: str
    undo: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name


def table(name: str = "orders", **changes: object) -> Changes:
    """What is declared of one table."""
    return Changes({name: TableChange(name, **changes)})  # type: ignore[arg-type]


POSTGRESQL_DDL = """
CREATE SCHEMA sales; CREATE EXTENSION pg_trgm;
CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
CREATE TYPE kind AS ENUM ('a', 'b', 'c'); CREATE DOMAIN code AS varchar(10) CHECK (value <> '');
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state state DEFAULT 'new' NOT NULL,
    code code, name text COLLATE "C", total numeric(12,2),
    twice numeric(12,2) GENERATED ALWAYS AS (total * 2) STORED) WITH (fillfactor = 80);
COMMENT ON TABLE orders IS 'what is ordered'; COMMENT ON COLUMN orders.total IS 'in euros, it''s exact';
ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders REPLICA IDENTITY FULL;
CREATE POLICY paid_only ON orders FOR SELECT TO vf_reader USING (state = 'paid');
CREATE TABLE events (id int, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE sales.events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE VIEW open_orders WITH (security_barrier = true) AS SELECT id, total FROM orders WHERE state = 'new';
CREATE MATERIALIZED VIEW sums AS SELECT sum(total) AS total FROM orders;
CREATE SEQUENCE numbers;
CREATE FUNCTION sales.half(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT amount / 2$$;
CREATE PROCEDURE close_month(number int) LANGUAGE plpgsql AS $$BEGIN NULL; END$$;
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
GRANT USAGE ON SCHEMA sales TO vf_reader; GRANT SELECT, UPDATE ON orders TO vf_reader;
GRANT UPDATE (name) ON orders TO vf_other; GRANT SELECT ON open_orders TO vf_reader WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE numbers TO vf_reader; REVOKE EXECUTE ON PROCEDURE close_month FROM public;
GRANT EXECUTE ON PROCEDURE close_month TO vf_reader; ALTER TABLE events OWNER TO vf_other;
"""

POSTGRESQL = (
    Defect(
        "dropped grant",
        ("REVOKE UPDATE ON orders FROM vf_reader",),
        [("grant", "orders to vf_reader")],
        Changes(grants=Declared(dropped=("update on orders to vf_reader",))),
        'GRANT UPDATE ON "public"."orders" TO "vf_reader";',
    ),
    Defect(
        "dropped grant on a column",
        ("REVOKE UPDATE (name) ON orders FROM vf_other",),
        [("grant", "orders to vf_other")],
        Changes(grants=Declared(dropped=("on orders.name to vf_other",))),
        'GRANT UPDATE ("name") ON "public"."orders" TO "vf_other";',
    ),
    Defect(
        "dropped grants on a view, a sequence, a schema and a procedure",
        (
            "REVOKE SELECT ON open_orders FROM vf_reader",
            "REVOKE USAGE ON SEQUENCE numbers FROM vf_reader",
            "REVOKE USAGE ON SCHEMA sales FROM vf_reader",
            "REVOKE EXECUTE ON PROCEDURE close_month FROM vf_reader",
        ),
        [
            ("grant", "close_month(integer) to vf_reader"),
            ("grant", "numbers to vf_reader"),
            ("grant", "open_orders to vf_reader"),
            ("grant", "sales to vf_reader"),
        ],
        Changes(grants=Declared(changed=("to vf_reader",))),
        'GRANT EXECUTE ON PROCEDURE "public"."close_month"(integer) TO "vf_reader";',
    ),
    Defect(
        "new grant",
        ("GRANT DELETE ON orders TO public",),
        [("grant", "orders to PUBLIC")],
        Changes(grants=Declared(added=("delete on orders to PUBLIC",))),
        'REVOKE DELETE ON "public"."orders" FROM PUBLIC;',
    ),
    Defect(
        "function open to everyone again",
        ("GRANT EXECUTE ON PROCEDURE close_month TO public",),
        [("grant", "close_month(integer) to PUBLIC")],
        Changes(grants=Declared(added=("execute on close_month to PUBLIC",))),
        'REVOKE EXECUTE ON PROCEDURE "public"."close_month"(integer) FROM PUBLIC;',
    ),
    Defect(
        "changed owners",
        ("ALTER TABLE events OWNER TO postgres", "ALTER FUNCTION sales.half OWNER TO vf_other"),
        [("owner", "events"), ("owner", "sales.half(numeric)")],
        Changes(owners=("events", "function sales.half(numeric)")),
        'ALTER TABLE "public"."events" OWNER TO "vf_other";',
    ),
    Defect(
        "changed owners of a schema, a view and a type",
        (
            "ALTER SCHEMA sales OWNER TO vf_other",
            "ALTER VIEW open_orders OWNER TO vf_other",
            "ALTER TYPE state OWNER TO vf_other",
        ),
        [("owner", "open_orders"), ("owner", "sales"), ("owner", "state")],
        Changes(owners=("sales", "open_orders", "type state")),
        'ALTER SCHEMA "sales" OWNER TO "postgres";',
    ),
    Defect(
        "changed comments",
        ("COMMENT ON TABLE orders IS 'no more'", "COMMENT ON COLUMN orders.total IS NULL"),
        [("comment", "orders"), ("comment", "orders.total")],
        table(options=("comment",), columns=ColumnChanges(comments=("total",))),
        'COMMENT ON COLUMN "public"."orders"."total" IS \'in euros, it\'\'s exact\';',
    ),
    Defect(
        "changed collation",
        ('ALTER TABLE orders ALTER COLUMN name TYPE text COLLATE "POSIX"',),
        [("collation", "orders.name")],
        table(columns=ColumnChanges(collations=("name",))),
        'ALTER COLUMN "name" TYPE text COLLATE "C";',
    ),
    Defect(
        "dropped routines",
        (
            "DROP FUNCTION sales.half(numeric)",
            "DROP PROCEDURE close_month(int)",
            "DROP AGGREGATE product(numeric)",
        ),
        [
            ("aggregate", "product(numeric)"),
            ("function", "sales.half(numeric)"),
            ("procedure", "close_month(integer)"),
        ],
        Changes(routines=Declared(dropped=("sales.half(numeric)", "close_month", "product"))),
        "CREATE OR REPLACE FUNCTION sales.half(amount numeric)",
        undo=(
            "REVOKE EXECUTE ON PROCEDURE close_month FROM public",
            "GRANT EXECUTE ON PROCEDURE close_month TO vf_reader",
        ),
    ),
    Defect(
        "changed routine",
        (
            "CREATE OR REPLACE FUNCTION sales.half(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE"
            " AS 'SELECT amount / 3'",
        ),
        [("function", "sales.half(numeric)")],
        Changes(routines=Declared(changed=("half",))),
        "SELECT amount / 2",
    ),
    Defect(
        "new routine",
        ("CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",),
        [("function", "more()")],
        Changes(routines=Declared(added=("more",))),
        'DROP FUNCTION "public"."more"();',
    ),
    Defect(
        "detached partition",
        ("ALTER TABLE events DETACH PARTITION events_2024",),
        [("partition", "events.events_2024"), ("table", "events_2024")],
        Changes(
            {
                "events": TableChange("events", partitions=Declared(dropped=("events_2024",))),
                "events_2024": TableChange("events_2024", added=True),
            }
        ),
        'ALTER TABLE "public"."events" ATTACH PARTITION "public"."events_2024" FOR VALUES FROM',
    ),
    Defect(
        "dropped partition",
        ("DROP TABLE sales.events_2025",),
        [("partition", "events.sales.events_2025")],
        table("events", partitions=Declared(dropped=("sales.events_2025",))),
        'CREATE TABLE "sales"."events_2025" PARTITION OF "public"."events" FOR VALUES FROM',
    ),
    Defect(
        "dropped policy",
        ("DROP POLICY paid_only ON orders",),
        [("policy", "orders.paid_only")],
        table(policies=Declared(dropped=("paid_only",))),
        'CREATE POLICY "paid_only" ON "public"."orders" AS PERMISSIVE FOR SELECT TO vf_reader USING (state',
    ),
    Defect(
        "changed policy",
        ("ALTER POLICY paid_only ON orders USING (true)",),
        [("policy", "orders.paid_only")],
        table(policies=Declared(changed=("paid_only",))),
        'DROP POLICY "paid_only" ON "public"."orders";',
    ),
    Defect(
        "options of a table",
        (
            "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE orders REPLICA IDENTITY DEFAULT",
            "ALTER TABLE orders SET (fillfactor = 90)",
        ),
        [("fillfactor", "orders"), ("replica identity", "orders"), ("row security", "orders")],
        table(options=("row security", "replica identity", "fillfactor")),
        'ALTER TABLE "public"."orders" ENABLE ROW LEVEL SECURITY',
    ),
    Defect(
        "unlogged table",
        ("ALTER TABLE orders SET UNLOGGED",),
        [("unlogged", "orders")],
        table(options=("unlogged",)),
        'ALTER TABLE "public"."orders" SET LOGGED;',
    ),
    Defect(
        "identity of another kind",
        ("ALTER TABLE orders ALTER COLUMN id SET GENERATED BY DEFAULT",),
        [("identity", "orders.id")],
        table(columns=ColumnChanges(defaults=("id",))),
        'ALTER COLUMN "id" SET GENERATED ALWAYS;',
    ),
    Defect(
        "lost default and NOT NULL",
        ("ALTER TABLE orders ALTER COLUMN state DROP DEFAULT, ALTER COLUMN state DROP NOT NULL",),
        [("default", "orders.state"), ("nullability", "orders.state")],
        table(columns=ColumnChanges(defaults=("state",), nullable=("state",))),
        'ALTER COLUMN "state" SET NOT NULL;',
    ),
    Defect(
        "no generated column any more",
        ("ALTER TABLE orders ALTER COLUMN twice DROP EXPRESSION",),
        [("generated", "orders.twice")],
        table(columns=ColumnChanges(defaults=("twice",))),
        'make the column again: "twice" numeric(12,2) GENERATED ALWAYS AS ((total * 2::numeric)) STORED',
        undo=(
            "ALTER TABLE orders DROP COLUMN twice",
            "ALTER TABLE orders ADD COLUMN twice numeric(12,2) GENERATED ALWAYS AS (total * 2) STORED",
        ),
    ),
    Defect(
        "new label of an enum",
        ("ALTER TYPE kind ADD VALUE 'd'",),
        [("type", "kind")],
        Changes(types=Declared(changed=("kind",))),
        "its definition was: ENUM ('a', 'b', 'c')",
        undo=("DROP TYPE kind", "CREATE TYPE kind AS ENUM ('a', 'b', 'c')"),
    ),
    Defect(
        "labels of an enum that are gone",
        ("DROP TYPE kind", "CREATE TYPE kind AS ENUM ('c')"),
        [("type", "kind")],
        Changes(types=Declared(changed=("kind",))),
        "ALTER TYPE \"public\".\"kind\" ADD VALUE 'b' AFTER 'a';",
    ),
    Defect(
        "changed domain",
        ("ALTER DOMAIN code SET DEFAULT 'x'",),
        [("domain", "code")],
        Changes(types=Declared(changed=("code",))),
        "its definition was: character varying(10) CONSTRAINT code_check CHECK",
        undo=("ALTER DOMAIN code DROP DEFAULT",),
    ),
    Defect(
        "dropped extension",
        ("DROP EXTENSION pg_trgm",),
        [("extension", "pg_trgm")],
        Changes(extensions=Declared(dropped=("pg_trgm",))),
        'CREATE EXTENSION "pg_trgm" SCHEMA public VERSION',
    ),
    Defect(
        "view without its barrier",
        ("ALTER VIEW open_orders RESET (security_barrier)",),
        [("security_barrier", "open_orders")],
        Changes(views=Declared(changed=("open_orders",))),
        'DROP VIEW "public"."open_orders";',
        undo=("GRANT SELECT ON open_orders TO vf_reader WITH GRANT OPTION",),
    ),
    Defect(
        "view with other columns",
        (
            "DROP VIEW open_orders",
            "CREATE VIEW open_orders WITH (security_barrier = true) AS SELECT id AS number, total FROM orders"
            " WHERE state = 'new'",
            "GRANT SELECT ON open_orders TO vf_reader WITH GRANT OPTION",
        ),
        [("view", "open_orders"), ("view", "open_orders")],
        Changes(views=Declared(changed=("open_orders",))),
        'CREATE VIEW "public"."open_orders" WITH (security_barrier = true) AS',
        undo=("GRANT SELECT ON open_orders TO vf_reader WITH GRANT OPTION",),
    ),
    Defect(
        "materialized view that is a plain one",
        ("DROP MATERIALIZED VIEW sums", "CREATE VIEW sums AS SELECT sum(total) AS total FROM orders"),
        [("view", "sums")],
        Changes(views=Declared(changed=("sums",))),
        'CREATE MATERIALIZED VIEW "public"."sums" AS',
    ),
)

MARIADB_DDL = """
CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, name varchar(20) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x',
    total decimal(12,2) COMMENT 'in euros, it''s exact', secret int INVISIBLE,
    twice decimal(12,2) AS (total * 2) STORED) COMMENT 'what is ordered';
CREATE TABLE kinds (id int PRIMARY KEY, at int NOT NULL DEFAULT 0);
CREATE TABLE events (id int, at int) PARTITION BY RANGE (at)
    (PARTITION early VALUES LESS THAN (10), PARTITION late VALUES LESS THAN (20),
    PARTITION last VALUES LESS THAN MAXVALUE);
CREATE TABLE places (id int, area int) PARTITION BY LIST (area)
    (PARTITION north VALUES IN (1, 2), PARTITION south VALUES IN (3));
CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0 WITH CHECK OPTION;
CREATE FUNCTION half(amount decimal(12,2)) RETURNS decimal(12,2) DETERMINISTIC RETURN amount / 2;
CREATE PROCEDURE close_month(IN number int, OUT done int) SQL SECURITY INVOKER SET done = number;
CREATE EVENT cleaning ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM events WHERE at < 0;
CREATE TRIGGER stamp BEFORE INSERT ON kinds FOR EACH ROW SET new.at = 1;
GRANT SELECT, UPDATE ON orders TO vf_reader@'%'; GRANT UPDATE (name) ON orders TO vf_other@'%';
GRANT SELECT ON open_orders TO vf_reader@'%' WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION half TO vf_reader@'%'; GRANT INSERT ON * TO vf_other@'%'
"""

MARIADB = (
    Defect(
        "dropped grant",
        ("REVOKE UPDATE ON orders FROM vf_reader@'%'",),
        [("grant", "orders to 'vf_reader'@'%'")],
        Changes(grants=Declared(dropped=("update on orders to vf_reader@%",))),
        "GRANT UPDATE ON `orders` TO 'vf_reader'@'%';",
    ),
    Defect(
        "dropped grants on a column, a view, a function and the database",
        (
            "REVOKE UPDATE (name) ON orders FROM vf_other@'%'",
            "REVOKE SELECT, GRANT OPTION ON open_orders FROM vf_reader@'%'",
            "REVOKE EXECUTE ON FUNCTION half FROM vf_reader@'%'",
            "REVOKE INSERT ON * FROM vf_other@'%'",
        ),
        [
            ("grant", "half to 'vf_reader'@'%'"),
            ("grant", "open_orders to 'vf_reader'@'%'"),
            ("grant", "orders to 'vf_other'@'%'"),
            ("grant", "the database to 'vf_other'@'%'"),
        ],
        Changes(
            grants=Declared(dropped=("on orders.name", "on open_orders", "execute on half", "on database"))
        ),
        "GRANT EXECUTE ON FUNCTION `half` TO 'vf_reader'@'%';",
    ),
    Defect(
        "new grant",
        ("GRANT DELETE ON orders TO vf_other@'%'",),
        [("grant", "orders to 'vf_other'@'%'")],
        Changes(grants=Declared(added=("delete on orders to vf_other",))),
        "REVOKE DELETE ON `orders` FROM 'vf_other'@'%';",
    ),
    Defect(
        "changed definer",
        (
            "ALTER DEFINER = vf_other@'%' VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0"
            " WITH CHECK OPTION",
        ),
        [("owner", "open_orders")],
        Changes(owners=("open_orders",)),
        "create the view open_orders again with DEFINER = `root`@`",
        undo=(
            "DROP VIEW open_orders",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0 WITH CHECK OPTION",
        ),
    ),
    Defect(
        "changed comments",
        ("ALTER TABLE orders COMMENT 'no more'", "ALTER TABLE orders MODIFY total decimal(12,2)"),
        [("comment", "orders"), ("comment", "orders.total")],
        table(options=("comment",), columns=ColumnChanges(comments=("total",))),
        "ALTER TABLE `orders` COMMENT = 'what is ordered';",
    ),
    Defect(
        "changed collation, default and NOT NULL",
        ("ALTER TABLE orders MODIFY name varchar(20) COLLATE utf8mb4_general_ci",),
        [("collation", "orders.name"), ("default", "orders.name"), ("nullability", "orders.name")],
        table(columns=ColumnChanges(collations=("name",), defaults=("name",), nullable=("name",))),
        "MODIFY COLUMN `name` varchar(20) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x';",
    ),
    Defect(
        "visible column",
        ("ALTER TABLE orders MODIFY secret int",),
        [("generated", "orders.secret")],
        table(columns=ColumnChanges(defaults=("secret",))),
        "MODIFY COLUMN `secret` int(11) INVISIBLE;",
    ),
    Defect(
        "options of a table",
        ("ALTER TABLE kinds ENGINE = Aria", "ALTER TABLE kinds COLLATE utf8mb4_bin"),
        [("collation", "kinds"), ("engine", "kinds")],
        table("kinds", options=("engine", "collation")),
        "ALTER TABLE `kinds` ENGINE = InnoDB;",
    ),
    Defect(
        "dropped routines",
        ("DROP FUNCTION half", "DROP PROCEDURE close_month"),
        [("function", "half"), ("procedure", "close_month")],
        Changes(routines=Declared(dropped=("half", "procedure close_month"))),
        "CREATE PROCEDURE `close_month`(IN `number` int(11), OUT `done` int(11)) SQL SECURITY INVOKER",
        undo=("GRANT EXECUTE ON FUNCTION half TO vf_reader@'%'",),
    ),
    Defect(
        "changed routine",
        (
            "DROP PROCEDURE close_month",
            "CREATE PROCEDURE close_month(IN number int, OUT done int) SQL SECURITY INVOKER SET done = number + 1",
        ),
        [("procedure", "close_month")],
        Changes(routines=Declared(changed=("close_month",))),
        "DROP PROCEDURE `close_month`;",
    ),
    Defect(
        "dropped event",
        ("DROP EVENT cleaning",),
        [("event", "cleaning")],
        Changes(events=Declared(dropped=("cleaning",))),
        "CREATE EVENT `cleaning` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE",
    ),
    Defect(
        "event switched off",
        ("ALTER EVENT cleaning DISABLE",),
        [("event", "cleaning")],
        Changes(events=Declared(changed=("cleaning",))),
        "DROP EVENT `cleaning`;",
    ),
    Defect(
        "partitions that are gone from lists and ranges",
        ("ALTER TABLE places DROP PARTITION south", "ALTER TABLE events DROP PARTITION late"),
        [("partition", "events.late"), ("partition", "places.south")],
        Changes(
            {
                "events": TableChange("events", partitions=Declared(dropped=("late",))),
                "places": TableChange("places", partitions=Declared(dropped=("south",))),
            }
        ),
        "ALTER TABLE `events` REORGANIZE PARTITION `last` INTO (PARTITION `late` VALUES LESS THAN (20), PARTITION",
    ),
    Defect(
        "a table that is not partitioned any more",
        ("ALTER TABLE places REMOVE PARTITIONING",),
        [
            ("kind", "places"),
            ("partition", "places.north"),
            ("partition", "places.south"),
            ("partitioned by", "places"),
        ],
        table("places", options=("kind", "partitioned by"), partitions=Declared(dropped=("north", "south"))),
        "",
        undo=(
            "ALTER TABLE places PARTITION BY LIST (area)"
            " (PARTITION north VALUES IN (1, 2), PARTITION south VALUES IN (3))",
        ),
    ),
    Defect(
        "view that writes unchecked",
        ("ALTER VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",),
        [("check option", "open_orders")],
        Changes(views=Declared(changed=("open_orders",))),
        "CREATE SQL SECURITY DEFINER VIEW `open_orders` AS",
    ),
    Defect(
        "broken view",
        ("ALTER TABLE orders RENAME COLUMN total TO amount",),
        [
            ("column", "orders.amount"),
            ("column", "orders.total"),
            ("generated", "orders.twice"),
            ("view", "open_orders"),
        ],
        Changes(
            {"orders": TableChange("orders", columns=ColumnChanges(renamed={"amount": "total"}))},
            views=Declared(changed=("open_orders",)),
        ),
        "",
        undo=("ALTER TABLE orders DROP COLUMN amount",),
    ),
)

SQLITE_DDL = """
CREATE TABLE orders (id integer PRIMARY KEY, name text COLLATE NOCASE, total numeric(12,2)) STRICT;
CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0
""".replace("numeric(12,2)", "real")

SQLITE = (
    Defect(
        "changed collation",
        (
            "DROP VIEW open_orders",
            "DROP TABLE orders",
            "CREATE TABLE orders (id integer PRIMARY KEY, name text, total real) STRICT",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",
        ),
        [("collation", "orders.name")],
        table(columns=ColumnChanges(collations=("name",))),
        'rebuild "orders" with the column: "name" TEXT COLLATE NOCASE',
        undo=(
            "DROP VIEW open_orders",
            "DROP TABLE orders",
            "CREATE TABLE orders (id integer PRIMARY KEY, name text COLLATE NOCASE, total real) STRICT",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",
        ),
    ),
    Defect(
        "table that is not strict any more",
        (
            "DROP VIEW open_orders",
            "DROP TABLE orders",
            "CREATE TABLE orders (id integer PRIMARY KEY, name text COLLATE NOCASE, total real)",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",
        ),
        [("strict", "orders")],
        table(options=("strict",)),
        'rebuild "orders" with STRICT',
        undo=(
            "DROP VIEW open_orders",
            "DROP TABLE orders",
            "CREATE TABLE orders (id integer PRIMARY KEY, name text COLLATE NOCASE, total real) STRICT",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",
        ),
    ),
    Defect(
        "view with other columns",
        ("DROP VIEW open_orders", "CREATE VIEW open_orders AS SELECT id FROM orders WHERE total > 0"),
        [("view", "open_orders"), ("view", "open_orders")],
        Changes(views=Declared(changed=("open_orders",))),
        'DROP VIEW "open_orders";',
    ),
    Defect(
        "broken view",
        (
            "ALTER TABLE orders RENAME TO elsewhere",
            "DROP VIEW open_orders",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",
        ),
        [("table", "elsewhere"), ("table", "orders"), ("view", "open_orders")],
        Changes(
            {"elsewhere": TableChange("elsewhere", renamed_from="orders")},
            views=Declared(changed=("open_orders",)),
        ),
        "",
        undo=(
            "DROP VIEW open_orders",
            "ALTER TABLE elsewhere RENAME TO orders",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE total > 0",
        ),
    ),
)
