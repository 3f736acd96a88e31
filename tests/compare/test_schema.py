"""What a migration does to the schema without saying so is found; what it declares is not."""

from __future__ import annotations

import pytest

from pytest_visionforge.compare import SchemaDifference, differences, not_compared
from pytest_visionforge.plan.values import Changes, ColumnChanges, Declared, TableChange
from tests.compare.conftest import Migration

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
