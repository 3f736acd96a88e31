"""What a migration does to the schema without saying so is found; what it declares is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_visionforge import dialects
from pytest_visionforge.compare import SchemaDifference, differences, not_compared
from pytest_visionforge.database import Column, Database, Schema, Table
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, Declared, RoleChanges, TableChange
from tests import samples
from tests.compare.conftest import Migration, NewDatabase, run
from tests.servers import Server

SHOP = (
    "CREATE TABLE customer (id integer PRIMARY KEY, email varchar(80) NOT NULL, fax varchar(20),"
    " name varchar(40))",
    "CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL,"
    " total numeric(12,2) DEFAULT 0, state varchar(10) DEFAULT 'new',"
    " CONSTRAINT fk_customer FOREIGN KEY (customer_id) REFERENCES customer (id),"
    " CONSTRAINT positive CHECK (total >= 0))",
    "CREATE UNIQUE INDEX by_email ON customer (email)",
    "CREATE INDEX by_state ON orders (state, total)",
    "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new'",
)


@pytest.fixture
def shop(migration: Migration) -> Migration:
    """A small shop, the same on both sides."""
    migration.both(*SHOP)
    return migration


def found(migration: Migration, changes: Changes | None = None) -> tuple[SchemaDifference, ...]:
    """The differences between the two sides."""
    before, after = migration.database(migration.before_url), migration.database(migration.after_url)
    return differences(before.schema, after.schema, changes or Changes(), before.dialect, after.dialect)


def kinds(migration: Migration, changes: Changes | None = None) -> list[tuple[str, str]]:
    """Kind and object of the differences."""
    return [(difference.kind, difference.object) for difference in found(migration, changes)]


def changes(*tables: TableChange, views: Declared | None = None) -> Changes:
    """The changes that a plan declares."""
    return Changes({table.name: table for table in tables}, views=views or Declared())


def test_the_same_schema(shop: Migration) -> None:
    """Two databases made by the same statements do not differ, and all of it is compared."""
    assert found(shop) == ()
    database = shop.database(shop.before_url)
    assert not not_compared(database.schema, database.schema, Changes(), database.dialect, database.dialect)


@pytest.mark.parametrize(
    ("statement", "kind", "object"),
    [
        ("CREATE TABLE extra (id integer)", "table", "extra"),
        ("ALTER TABLE orders ADD COLUMN priority integer", "column", "orders.priority"),
        ("ALTER TABLE customer DROP COLUMN fax", "column", "customer.fax"),
        ("DROP INDEX by_state $ON_ORDERS", "index", "orders.by_state"),
        ("DROP INDEX by_email $ON_CUSTOMER", "unique key", "customer.by_email"),
        ("CREATE INDEX more ON orders (customer_id, state)", "index", "orders.more"),
        ("DROP VIEW open_orders", "view", "open_orders"),
        ("CREATE VIEW more AS SELECT 1 AS one", "view", "more"),
    ],
)
def test_what_is_not_declared_is_found(shop: Migration, statement: str, kind: str, object: str) -> None:
    """An object that is gone or new without a word is a difference."""
    is_mysql = shop.before_url.startswith("mysql")
    for word, here in (("$ON_ORDERS", "ON orders"), ("$ON_CUSTOMER", "ON customer")):
        statement = statement.replace(word, here if is_mysql else "")
    shop.after(statement)
    assert kinds(shop) == [(kind, object)]


def test_a_remedy_puts_it_back(shop: Migration) -> None:
    """The remedy of a missing index, view and column is SQL after which nothing differs."""
    is_mysql = shop.before_url.startswith("mysql")
    shop.after(
        f"DROP INDEX by_state {'ON orders' if is_mysql else ''}",
        f"DROP INDEX by_email {'ON customer' if is_mysql else ''}",
        "DROP VIEW open_orders",
        "ALTER TABLE customer DROP COLUMN fax",
    )
    remedies = [difference.remedy for difference in found(shop)]
    assert len(remedies) == 4
    shop.after(*(remedy.rstrip(";") for remedy in remedies))
    assert found(shop) == ()


def test_a_column_that_became_another(shop: Migration) -> None:
    """A column's type, default and NULLs are compared, each as its own difference."""
    shop.after(
        "DROP VIEW open_orders",
        "DROP TABLE orders",
        "CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer, total numeric(12,1) DEFAULT 1,"
        " state varchar(10) DEFAULT 'new', CONSTRAINT fk_customer FOREIGN KEY (customer_id)"
        " REFERENCES customer (id) ON DELETE CASCADE)",
        "CREATE INDEX by_state ON orders (total, state)",
        "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new'",
    )
    assert set(kinds(shop)) == {
        ("nullability", "orders.customer_id"),
        ("type", "orders.total"),
        ("default", "orders.total"),
        ("foreign key", "orders.fk_customer"),
        ("index", "orders.by_state"),
        ("check", "orders.positive"),
    }
    declared = TableChange(
        "orders",
        columns=ColumnChanges(types=("total",), nullable=("customer_id",), defaults=("total",)),
        keys=Declared(changed=("fk_customer",)),
        indexes=Declared(changed=("by_state",)),
        checks=Declared(dropped=("positive",)),
    )
    assert kinds(shop, changes(declared)) == []


def test_what_is_declared_and_happened(shop: Migration) -> None:
    """A rename of a table and of columns carries through keys, references and indexes."""
    shop.after(
        "DROP VIEW open_orders",
        "ALTER TABLE customer RENAME TO client",
        "ALTER TABLE client RENAME COLUMN email TO mail",
        "ALTER TABLE client RENAME COLUMN id TO number",
        "ALTER TABLE orders RENAME COLUMN customer_id TO client_id",
        "ALTER TABLE orders RENAME COLUMN total TO amount",
        "ALTER TABLE client DROP COLUMN fax",
        "ALTER TABLE client ADD COLUMN vip integer",
    )
    declared = changes(
        TableChange(
            "client",
            renamed_from="customer",
            columns=ColumnChanges(
                renamed={"mail": "email", "number": "id"}, dropped=("fax",), added=("vip",)
            ),
        ),
        TableChange("orders", columns=ColumnChanges(renamed={"client_id": "customer_id", "amount": "total"})),
        views=Declared(dropped=("open_orders",)),
    )
    assert found(shop, declared) == ()


def test_what_is_declared_and_did_not_happen(shop: Migration) -> None:
    """A change that the plan promises and the migration did not make is a difference."""
    declared = changes(
        TableChange("client", renamed_from="customer"),
        TableChange("new_one", added=True),
        TableChange(
            "orders",
            columns=ColumnChanges(dropped=("state",), added=("priority",), types=("total",)),
            indexes=Declared(added=("by_priority",), dropped=("by_state",)),
            checks=Declared(dropped=("positive",)),
        ),
        views=Declared(dropped=("open_orders",), added=("another",)),
    )
    says = {difference.object: difference.says for difference in found(shop, declared)}
    assert says["client"] == "is not there (before: customer)"
    assert says["new_one"] == "is declared as added and is not there"
    assert says["orders.state"] == "is declared as dropped and is still there"
    assert says["orders.priority"] == "is declared as added and is not there"
    assert says["orders.total"].startswith("is declared to change")
    assert says["orders.by_priority"] == "is declared as added and is not there"
    assert says["orders.positive"] == "is declared as dropped and is still there"
    assert says["open_orders"] == "is declared as dropped and is still there"
    assert says["another"] == "is declared as added and is not there"


def test_a_lost_table_is_found(shop: Migration) -> None:
    """A table that is gone is a difference, and one that is declared as dropped is none."""
    shop.after("DROP VIEW open_orders", "DROP TABLE orders")
    declared = changes(views=Declared(dropped=("open_orders",)))
    assert kinds(shop, declared) == [("table", "orders")]
    declared = changes(TableChange("orders", dropped=True), views=Declared(dropped=("open_orders",)))
    assert kinds(shop, declared) == []


def test_names_of_indexes_do_not_count(shop: Migration) -> None:
    """An index with another name and the same structure is the same."""
    is_mysql = shop.before_url.startswith("mysql")
    shop.after(
        f"DROP INDEX by_state {'ON orders' if is_mysql else ''}",
        "CREATE INDEX another_name ON orders (state, total)",
    )
    assert found(shop) == ()


def test_across_dbms(across: Migration) -> None:
    """The same shop in another DBMS does not differ, and what could not be compared is counted by name."""
    across.both(*SHOP)
    assert [str(difference) for difference in found(across)] == []
    before, after = across.database(across.before_url), across.database(across.after_url)
    sentences = not_compared(before.schema, after.schema, Changes(), before.dialect, after.dialect)
    assert any("orders.positive" in sentence for sentence in sentences)
    assert any("open_orders" in sentence for sentence in sentences)


def test_across_dbms_what_is_lost_is_found(across: Migration) -> None:
    """Between two DBMS a lost index, a lost reference, another default and a narrower type are found."""
    across.both(*SHOP)
    across.after(
        "DROP VIEW open_orders",
        "DROP TABLE orders",
        "CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer, total numeric(12,1) DEFAULT 0,"
        " state varchar(5) DEFAULT 'old')",
        "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new'",
    )
    assert set(kinds(across)) == {
        ("nullability", "orders.customer_id"),
        ("type", "orders.total"),
        ("type", "orders.state"),
        ("default", "orders.state"),
        ("foreign key", "orders.fk_customer"),
        ("index", "orders.by_state"),
    }


RENAMES = (
    "ALTER TABLE customer RENAME TO client",
    "ALTER TABLE orders RENAME COLUMN total TO amount",
    "ALTER TABLE orders RENAME COLUMN state TO status",
)


def renamed(views: Declared | None = None) -> Changes:
    """What `RENAMES` do, declared."""
    return changes(
        TableChange("client", renamed_from="customer"),
        TableChange("orders", columns=ColumnChanges(renamed={"amount": "total", "status": "state"})),
        views=views,
    )


def test_a_view_that_follows_a_rename(shop: Migration) -> None:
    """A view that shows the same under the same names is the same, whether the server rewrote it or we did."""
    shop.after(*RENAMES, "DROP VIEW open_orders")
    shop.after("CREATE VIEW open_orders AS SELECT id, amount AS total FROM orders WHERE status = 'new'")
    database = shop.database(shop.after_url)
    assert found(shop, renamed()) == ()
    before = shop.database(shop.before_url)
    assert not not_compared(before.schema, database.schema, renamed(), before.dialect, database.dialect)


def test_a_view_that_nobody_can_tell(shop: Migration) -> None:
    """A view over what is renamed that reads otherwise is not compared, and counted as that."""
    shop.after(*RENAMES, "DROP VIEW open_orders")
    shop.after("CREATE VIEW open_orders AS SELECT id, amount AS total FROM orders WHERE status <> 'new'")
    before, after = shop.database(shop.before_url), shop.database(shop.after_url)
    assert found(shop, renamed()) == ()
    (sentence,) = not_compared(before.schema, after.schema, renamed(), before.dialect, after.dialect)
    assert "open_orders" in sentence


def test_a_view_that_a_rename_broke(shop: Migration) -> None:
    """A view is found whose columns are called otherwise or that is broken, where a rename was left to itself."""
    shop.after(*RENAMES)
    dbms = shop.database(shop.after_url).dialect.name
    differing = [str(each) for each in found(shop, renamed())]
    expected = {
        "postgresql": [],  # rewrites it, and its columns keep their names
        "mysql": ["view open_orders: can no longer be read: what it reads from is not there"],
        "sqlite": ["view open_orders: had the columns id, total, has amount, id"],
    }
    assert differing == expected[dbms]
    assert found(shop, renamed(Declared(changed=("open_orders",)))) == ()


def test_what_does_no_harm(shop: Migration) -> None:
    """The names of indexes, the order of columns, statistics and a tidied file are no differences."""
    dbms = shop.database(shop.after_url).dialect.name
    shop.after(
        "DROP VIEW open_orders",
        "ALTER TABLE customer DROP COLUMN fax",
        "ALTER TABLE customer ADD COLUMN fax varchar(20)",
        "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new'",
        *{
            "postgresql": ("ALTER INDEX by_state RENAME TO other", "ANALYZE"),
            "mysql": ("ALTER TABLE orders RENAME INDEX by_state TO other", "ANALYZE TABLE orders"),
            "sqlite": ("DROP INDEX by_state", "CREATE INDEX other ON orders (state, total)", "ANALYZE"),
        }[dbms],
    )
    if dbms == "postgresql":
        shop.after("ALTER TABLE orders ALTER COLUMN total SET STATISTICS 500")
    assert found(shop) == ()


def test_what_is_declared_to_change_and_is_as_before(shop: Migration) -> None:
    """An index, a key or a view that is declared as changed and is the same is a difference."""
    declared = changes(
        TableChange(
            "orders",
            indexes=Declared(changed=("by_state",)),
            keys=Declared(changed=("fk_customer",)),
            options=("comment",),
        ),
        views=Declared(changed=("open_orders",)),
    )
    assert sorted(kinds(shop, declared)) == [
        ("comment", "orders"),
        ("index", "orders.by_state"),
        ("key", "orders.fk_customer"),
        ("view", "open_orders"),
    ]


def test_renamed_roles(new_database: NewDatabase, postgresql_server: Server) -> None:
    """What a renamed role owned and was granted belongs to the new one, in policies too; nothing else does."""
    roles = ("vf_old", "vf_new")
    for role in roles:
        postgresql_server.run(f"CREATE ROLE {role}")
    urls = [new_database("postgresql") for _ in roles]
    for url, role in zip(urls, roles, strict=True):
        samples.run(
            url,
            f"CREATE TABLE t (a int); ALTER TABLE t OWNER TO {role}; CREATE VIEW v AS SELECT 1 AS one;"
            f"GRANT SELECT ON v TO {role}; CREATE POLICY mine ON t TO {role} USING (true)",
        )
    with Database("source", urls[0]) as before, Database("target", urls[1]) as after:
        sides = before.schema, after.schema
        dialects = before.dialect, after.dialect
    declared = Changes(roles=RoleChanges(renamed={"vf_new": "vf_old"}))
    assert differences(*sides, declared, *dialects) == ()
    told = {each.kind for each in differences(*sides, Changes(), *dialects)}
    assert told == {"owner", "grant", "policy"}
    untold = {each.kind for each in differences(*sides, Changes(), *dialects, with_rights=False)}
    assert untold == {"policy"}
    for url in urls:
        samples.execute(url, "DROP TABLE t", "DROP VIEW v")
    for role in roles:
        postgresql_server.run(f"DROP ROLE {role}")


def test_across_dbms_what_is_not_compared_is_named(across: Migration) -> None:
    """Rights, routines and partitions do not compare between two DBMS; comments do, where both have them."""
    dbms = {url: dialects.of(dialects.parse_url(url)).name for url in (across.before_url, across.after_url)}
    commented = {
        "postgresql": ("CREATE TABLE t (a int)", "COMMENT ON COLUMN t.a IS 'one'"),
        "mysql": ("CREATE TABLE t (a int COMMENT 'one')",),
        "sqlite": ("CREATE TABLE t (a int)",),
    }
    for url in dbms:
        run(url, *commented[dbms[url]])
    assert found(across) == ()
    extra = {
        "postgresql": (
            "COMMENT ON COLUMN t.a IS 'two'",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ),
        "mysql": ("ALTER TABLE t MODIFY a int COMMENT 'two'", "CREATE FUNCTION f() RETURNS int RETURN 1"),
        "sqlite": (),
    }
    run(across.before_url, *extra[dbms[across.before_url]])
    before, after = across.database(across.before_url), across.database(across.after_url)
    sentences = not_compared(before.schema, after.schema, Changes(), before.dialect, after.dialect)
    if dbms[across.before_url] != "sqlite":
        assert any("routines" in sentence and "f" in sentence for sentence in sentences)
    if "sqlite" in dbms.values():
        is_named = any("comment not compared (t.a)" in sentence for sentence in sentences)
        assert is_named == (dbms[across.before_url] != "sqlite")
        assert found(across) == ()
    else:
        assert kinds(across) == [("comment", "t.a")]


@pytest.mark.parametrize(
    ("before", "type_before", "after", "type_after", "less"),
    [
        ("postgresql", "integer", "mysql", "smallint(6)", "range"),
        ("postgresql", "integer", "mysql", "bigint(20)", ""),
        ("postgresql", "integer", "mysql", "int(10) unsigned", "range"),
        ("postgresql", "smallint", "mysql", "decimal(5,0)", ""),
        ("postgresql", "bigint", "mysql", "decimal(12,0)", "range"),
        ("mysql", "int(10) unsigned", "postgresql", "integer", "range"),
        ("mysql", "int(10) unsigned", "postgresql", "bigint", ""),
        ("mysql", "bigint(20) unsigned", "postgresql", "bigint", "range"),
        ("mysql", "bigint(20) unsigned", "postgresql", "numeric(20,0)", ""),
        ("mysql", "tinyint(1)", "postgresql", "boolean", ""),
        ("postgresql", "boolean", "mysql", "tinyint(1)", ""),
        ("mysql", "tinyint(4)", "postgresql", "boolean", "range"),
        ("mysql", "bit(1)", "postgresql", "boolean", ""),
        ("mysql", "bit(8)", "postgresql", "boolean", "range"),
        ("mysql", "year(4)", "postgresql", "smallint", ""),
        ("postgresql", "numeric(12,2)", "mysql", "decimal(12,1)", "fraction"),
        ("postgresql", "numeric(12,2)", "mysql", "decimal(14,4)", ""),
        ("postgresql", "numeric(12,2)", "mysql", "decimal(12,4)", "range"),
        ("postgresql", "numeric", "mysql", "decimal(10,0)", "range, fraction"),
        ("postgresql", "numeric(12,2)", "mysql", "double", "precision"),
        ("postgresql", "integer", "mysql", "double", ""),
        ("postgresql", "bigint", "mysql", "double", "precision"),
        ("postgresql", "double precision", "mysql", "float", "precision"),
        ("postgresql", "real", "mysql", "float", ""),
        ("mysql", "double", "postgresql", "numeric(10,2)", "range, fraction"),
        ("mysql", "double", "postgresql", "numeric", ""),
        ("postgresql", "character varying(20)", "mysql", "varchar(10)", "length"),
        ("postgresql", "text", "mysql", "varchar(255)", "length"),
        ("postgresql", "text", "mysql", "longtext", ""),
        ("postgresql", "character(5)", "mysql", "varchar(5)", ""),
        ("mysql", "enum('new','paid')", "postgresql", "character varying(4)", ""),
        ("mysql", "enum('new','paid')", "postgresql", "character varying(3)", "length"),
        ("postgresql", "text", "mysql", "tinytext", "length"),
        ("postgresql", "bytea", "mysql", "varbinary(16)", "length"),
        ("mysql", "binary(16)", "postgresql", "bytea", ""),
        ("postgresql", "timestamp without time zone", "mysql", "datetime", "fraction"),
        ("postgresql", "timestamp without time zone", "mysql", "datetime(6)", ""),
        ("postgresql", "timestamp(0) without time zone", "mysql", "datetime", ""),
        ("postgresql", "timestamp with time zone", "mysql", "datetime(6)", "zone"),
        ("postgresql", "timestamp with time zone", "mysql", "timestamp(6)", ""),
        ("mysql", "datetime(6)", "postgresql", "timestamp with time zone", ""),
        ("mysql", "datetime(6)", "postgresql", "timestamp(3) without time zone", "fraction"),
        ("postgresql", "time without time zone", "mysql", "time", "fraction"),
        ("sqlite", "INTEGER", "postgresql", "integer", ""),
        ("sqlite", "VARCHAR(20)", "postgresql", "character varying(10)", "length"),
        ("sqlite", "TEXT", "postgresql", "character varying(10)", ""),
        ("sqlite", "DECIMAL(12,2)", "mysql", "decimal(12,1)", "fraction"),
        ("sqlite", "REAL", "postgresql", "real", "precision"),
        ("postgresql", "bigint", "sqlite", "INTEGER", ""),
        ("postgresql", "character varying(20)", "sqlite", "VARCHAR(10)", "length"),
        ("postgresql", "timestamp with time zone", "sqlite", "TEXT", None),
        ("postgresql", "date", "mysql", "datetime(6)", None),
        ("postgresql", "uuid", "mysql", "char(36)", ""),
        ("postgresql", "jsonb", "mysql", "longtext", ""),
    ],
)
def test_types_across_dbms(
    before: str, type_before: str, after: str, type_after: str, less: str | None
) -> None:
    """A type that holds less is found, with the respect; None stands for types of two kinds."""
    (told,) = _types(before, type_before, after, type_after) or (None,)
    if less == "":
        assert told is None
    else:
        assert told is not None
        assert told.kind == "type"
        assert told.says.partition("which holds less: ")[2] == (less or "")


def test_character_sets_across_dbms() -> None:
    """A column of three bytes a character cannot hold what one of four does."""
    narrow = Column("c", "varchar(20)", collation="utf8mb3_general_ci")
    wide = replace(narrow, collation="utf8mb4_bin")
    text = Column("c", "character varying(20)")
    assert _types("postgresql", text, "mysql", wide) == []
    assert _types("mysql", narrow, "postgresql", text) == []
    (told,) = _types("postgresql", text, "mysql", narrow)
    assert told.says == (
        "was character varying(20), is varchar(20) collate utf8mb3_general_ci, which holds less: character set"
    )


def _types(before: str, old: str | Column, after: str, new: str | Column) -> list[SchemaDifference]:
    """The differences of a table with one column."""
    columns = [Column("c", each) if isinstance(each, str) else each for each in (old, new)]
    first, second = (Schema({"t": Table("t", columns=(column,))}) for column in columns)
    return list(differences(first, second, Changes(), dialects.named(before), dialects.named(after)))


def test_a_sequence_of_its_own(new_database: NewDatabase) -> None:
    """A sequence that feeds no column is found where it is gone, new or goes by another step, with SQL."""
    urls = [new_database("postgresql") for _ in range(2)]
    for url in urls:
        samples.run(url, "CREATE SEQUENCE gone INCREMENT 3 START 7; CREATE SEQUENCE step INCREMENT 5")
    samples.run(urls[1], "DROP SEQUENCE gone; ALTER SEQUENCE step INCREMENT 1; CREATE SEQUENCE more")
    for declared, expected in (
        (Changes(), ["gone", "step", "more"]),
        (Changes(sequences=Declared(added=("more",), dropped=("gone",), changed=("step",))), []),
        (Changes(sequences=Declared(dropped=("step",), changed=("gone", "more"))), ["step"]),
    ):
        with Database("source", urls[0]) as before, Database("target", urls[1]) as after:
            sides = before.schema, after.schema
            told = differences(*sides, declared, before.dialect, after.dialect)
        assert [each.object for each in told if each.kind == "sequence"] == expected
    told = differences(*sides, Changes(), before.dialect, after.dialect)
    samples.execute(urls[1], *(each.remedy for each in told if each.kind == "sequence"))
    with Database("target", urls[1]) as after:
        assert differences(sides[0], after.schema, Changes(), before.dialect, after.dialect) == ()
        assert after.schema.sequences["gone"].next == 7
