"""Every planted defect is found and named; what is declared and what is harmless is not."""

from __future__ import annotations

import pytest

from pytest_visionforge.compare import rows as rows_module
from pytest_visionforge.errors import RecordError
from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from pytest_visionforge.plan.values.rules import TablePlan
from tests.compare.conftest import Migration

ORDERS = (
    "CREATE TABLE orders (id integer PRIMARY KEY, customer varchar(80), total numeric(12,4),"
    " paid_at $TIMESTAMP, weight $DOUBLE, note varchar(200), scan $BLOB)",
    "INSERT INTO orders (id, customer, total, paid_at, weight, note) VALUES"
    " (1, 'Ada Lovelace', 10.5000, '2024-03-31 01:30:00', 0.1, NULL),"
    " (2, 'Grace Hopper', 19.9950, '2024-03-31 02:30:00.123456', 2.5, 'x'),"
    " (3, 'Zoë ''|~ Öz', -3, NULL, 1e300, ''),"
    " (-4, '5:12|', 0, '1969-12-31 23:59:59', -0.0, '漢字 😀')",
)
LOG = (
    "CREATE TABLE log (at integer, what varchar(50))",
    "INSERT INTO log VALUES (1, 'start'), (1, 'start'), (2, NULL), (3, '')",
)


@pytest.fixture
def shop(migration: Migration) -> Migration:
    """A small shop, the same on both sides."""
    migration.both(*ORDERS, *LOG)
    return migration


def test_the_same_rows_are_equal(shop: Migration) -> None:
    """Data that nobody changed is equal, without asking for the database as it was."""
    for table in ("orders", "log"):
        found = shop.compare(table)
        assert found.equal
        assert found.rows_before == found.rows_after == 4
        assert found.digest_before == found.digest_after
        assert not found.offenders
    assert shop.asked == 0


@pytest.mark.parametrize(
    ("statement", "key", "before", "after"),
    [
        ("UPDATE orders SET total = 20 WHERE id = 2", "2", {"total": "19.995"}, {"total": "20"}),
        ("UPDATE orders SET total = 19.9951 WHERE id = 2", "2", {"total": "19.995"}, {"total": "19.9951"}),
        ("UPDATE orders SET note = '' WHERE id = 1", "1", {"note": None}, {"note": ""}),
        ("UPDATE orders SET note = NULL WHERE id = 3", "3", {"note": ""}, {"note": None}),
        ("UPDATE orders SET note = 'x ' WHERE id = 2", "2", {"note": "x"}, {"note": "x "}),
        ("UPDATE orders SET note = 'X' WHERE id = 2", "2", {"note": "x"}, {"note": "X"}),
        (
            "UPDATE orders SET paid_at = '2024-03-31 02:30:00' WHERE id = 1",
            "1",
            {"paid_at": "2024-03-31 01:30:00"},
            {"paid_at": "2024-03-31 02:30:00"},
        ),
        (
            "UPDATE orders SET paid_at = '2024-03-31 02:30:00' WHERE id = 2",
            "2",
            {"paid_at": "2024-03-31 02:30:00.123456"},
            {"paid_at": "2024-03-31 02:30:00"},
        ),
        ("UPDATE orders SET weight = 0.10000000000000002 WHERE id = 1", "1", {"weight": "0.1"}, None),
        ("UPDATE orders SET customer = 'Zoe ''|~ Öz' WHERE id = 3", "3", {"customer": "Zoë '|~ Öz"}, None),
    ],
)
def test_an_altered_value_is_found(
    shop: Migration,
    statement: str,
    key: str,
    before: dict[str, str | None],
    after: dict[str, str | None] | None,
) -> None:
    """One value that changed is found, with its row, its column, and what it was and is."""
    shop.after(statement)
    found = shop.compare("orders")
    assert not found.equal
    assert (found.lost, found.added, found.altered) == (0, 0, 1)
    assert dict(found.offenders[0].key) == {"id": key}
    assert dict(found.offenders[0].before) == before
    assert found.offenders[0].after.keys() == before.keys()
    assert after is None or dict(found.offenders[0].after) == after


def test_a_lost_row_is_found(shop: Migration) -> None:
    """A row that is not there any more is named by its key."""
    shop.after("DELETE FROM orders WHERE id = -4")
    found = shop.compare("orders")
    assert (found.equal, found.lost, found.rows_before, found.rows_after) == (False, 1, 4, 3)
    assert dict(found.offenders[0].key) == {"id": "-4"}
    assert found.says == "4 rows before, 3 after: 1 lost"


def test_an_added_row_is_found(shop: Migration) -> None:
    """A row that was not there before is a difference, unless rows may be appended."""
    shop.after("INSERT INTO orders (id, customer) VALUES (99, 'new')")
    assert shop.compare("orders").added == 1
    assert not shop.compare("orders").equal
    found = shop.compare("orders", TableChange("orders", rows="appended"))
    assert (found.equal, found.added, found.offenders) == (True, 1, ())


def test_appending_hides_no_loss(shop: Migration) -> None:
    """Where rows may be appended, a lost and an altered one are still found."""
    shop.after(
        "INSERT INTO orders (id, customer) VALUES (98, 'new'), (99, 'new')",
        "DELETE FROM orders WHERE id = 1",
        "UPDATE orders SET note = 'y' WHERE id = 2",
    )
    found = shop.compare("orders", TableChange("orders", rows="appended"))
    assert (found.equal, found.lost, found.altered, found.added) == (False, 1, 1, 2)
    assert {offender.key["id"] for offender in found.offenders} == {"1", "2"}


def test_two_values_swapped_between_rows_are_found(shop: Migration) -> None:
    """A swap leaves every count and sum as it was, and both rows are named."""
    shop.after(
        "UPDATE orders SET total = 0 WHERE id = 1",
        "UPDATE orders SET total = 10.5 WHERE id = -4",
    )
    found = shop.compare("orders")
    assert found.altered == 2
    assert {offender.key["id"] for offender in found.offenders} == {"1", "-4"}


def test_a_column_swapped_with_its_neighbour_is_found(shop: Migration) -> None:
    """Two columns whose values changed places are found in every row that shows it."""
    shop.after("UPDATE orders SET customer = 'x', note = 'Grace Hopper' WHERE id = 2")
    assert set(shop.compare("orders").offenders[0].before) == {"customer", "note"}


@pytest.mark.parametrize(
    ("statement", "lost", "added"),
    [
        ("INSERT INTO log VALUES (1, 'start')", 0, 1),
        ("INSERT INTO log VALUES (2, NULL), (2, NULL)", 0, 2),
        ("DELETE FROM log WHERE at = 1", 2, 0),
        ("UPDATE log SET what = NULL WHERE at = 3", 1, 1),
    ],
)
def test_a_table_without_a_key_is_a_multiset(shop: Migration, statement: str, lost: int, added: int) -> None:
    """Without a key equal rows are counted: one more and one less are differences."""
    shop.after(statement)
    found = shop.compare("log")
    assert (found.equal, found.lost, found.added, found.altered) == (False, lost, added, 0)


def test_a_duplicate_that_was_removed_is_found(shop: Migration) -> None:
    """Removing a duplicate from a table without a key loses a row."""
    shop.after("DELETE FROM log WHERE at = 1", "INSERT INTO log VALUES (1, 'start')")
    found = shop.compare("log")
    assert (found.lost, found.added) == (1, 0)
    assert dict(found.offenders[0].key) == {"at": "1", "what": "start"}


def test_the_plan_can_give_a_key(shop: Migration) -> None:
    """With a key from the plan a changed row of a table without one is altered, not lost and added."""
    shop.after("UPDATE log SET what = 'end' WHERE at = 3")
    found = shop.compare("log", tables=(TablePlan("log", key=("at",)),))
    assert (found.lost, found.added, found.altered) == (0, 0, 1)
    assert dict(found.offenders[0].key) == {"at": "3"}


def test_harmless_changes_are_none(shop: Migration) -> None:
    """Order of rows and of columns does not count."""
    shop.after(
        "CREATE TABLE moved (note varchar(200), scan $BLOB, id integer PRIMARY KEY, total numeric(12,4),"
        " weight $DOUBLE, customer varchar(80), paid_at $TIMESTAMP)",
        "INSERT INTO moved (id, customer, total, paid_at, weight, note, scan)"
        " SELECT id, customer, total, paid_at, weight, note, scan FROM orders ORDER BY id DESC",
        "DROP TABLE orders",
        "ALTER TABLE moved RENAME TO orders",
    )
    assert shop.compare("orders").equal


def test_a_renamed_table_and_column(shop: Migration) -> None:
    """What is renamed as declared is compared under its new name, and defects in it are found."""
    shop.after("ALTER TABLE orders RENAME TO sales", "ALTER TABLE sales RENAME COLUMN customer TO buyer")
    change = TableChange("sales", renamed_from="orders", columns=ColumnChanges(renamed={"buyer": "customer"}))
    assert shop.compare("sales", change).equal
    shop.after("UPDATE sales SET buyer = 'Nobody' WHERE id = 1")
    found = shop.compare("sales", change)
    assert dict(found.offenders[0].before) == {"buyer": "Ada Lovelace"}


def test_a_renamed_key(shop: Migration) -> None:
    """A key that is renamed is still the key."""
    shop.after("ALTER TABLE orders RENAME COLUMN id TO number", "DELETE FROM orders WHERE number = 3")
    found = shop.compare("orders", TableChange("orders", columns=ColumnChanges(renamed={"number": "id"})))
    assert dict(found.offenders[0].key) == {"number": "3"}


FIRST = {
    "sqlite": "substr(customer, 1, instr(customer, ' ') - 1)",
    "postgresql": "split_part(customer, ' ', 1)",
    "mysql": "substring_index(customer, ' ', 1)",
}


def test_a_split_name(shop: Migration) -> None:
    """A column that is split is compared with the expressions that the plan gives for its parts."""
    first = FIRST[shop.database(shop.before_url).dialect.name]
    split = [
        "DELETE FROM orders WHERE id IN (3, -4)",
        "ALTER TABLE orders ADD COLUMN first_name varchar(80)",
        f"UPDATE orders SET first_name = {first}",
        "ALTER TABLE orders DROP COLUMN customer",
    ]
    shop.after(*split)
    columns = ColumnChanges(dropped=("customer",), values={"first_name": first})
    change = TableChange("orders", columns=columns, rows="id > 0 and id <> 3")
    assert shop.compare("orders", change).equal
    shop.after("UPDATE orders SET first_name = 'Gräce' WHERE id = 2")
    found = shop.compare("orders", change)
    assert dict(found.offenders[0].before) == {"first_name": "Grace"}
    assert dict(found.offenders[0].after) == {"first_name": "Gräce"}


def test_a_new_number_by_expression(shop: Migration) -> None:
    """An added column of numbers is compared with the expression over the row before, as numbers."""
    shop.after(
        "ALTER TABLE orders ADD COLUMN double_total numeric(12,4)",
        "UPDATE orders SET double_total = total * 2",
    )
    change = TableChange("orders", columns=ColumnChanges(values={"double_total": "total * 2"}))
    assert shop.compare("orders", change).equal
    shop.after("UPDATE orders SET double_total = 39.9901 WHERE id = 2")
    assert dict(shop.compare("orders", change).offenders[0].after) == {"double_total": "39.9901"}


def test_a_transformed_column(shop: Migration) -> None:
    """A column whose values change as declared is compared with the expression, not with its old values."""
    change = TableChange("orders", columns=ColumnChanges(values={"note": "coalesce(note, 'none:')"}))
    assert shop.compare("orders", change).altered == 1
    shop.after("UPDATE orders SET note = 'none:' WHERE note IS NULL")
    assert shop.compare("orders", change).equal


def test_added_and_dropped_columns(shop: Migration) -> None:
    """Columns that are declared as added or dropped are not compared; the others are."""
    shop.after(
        "ALTER TABLE orders ADD COLUMN priority integer DEFAULT 0", "ALTER TABLE orders DROP COLUMN note"
    )
    change = TableChange("orders", columns=ColumnChanges(added=("priority",), dropped=("note",)))
    assert shop.compare("orders", change).equal
    shop.after("UPDATE orders SET total = 1 WHERE id = 1")
    assert shop.compare("orders", change).altered == 1


def test_a_column_lost_without_a_word(shop: Migration) -> None:
    """A column that is gone and not declared so is a difference in every row."""
    shop.after("ALTER TABLE orders DROP COLUMN note")
    found = shop.compare("orders")
    assert not found.equal
    assert "note" in found.note


def test_a_condition_on_rows(shop: Migration) -> None:
    """With a condition exactly the rows that met it are there afterwards."""
    change = TableChange("orders", rows="total >= 0")
    assert shop.compare("orders", change).added == 1
    shop.after("DELETE FROM orders WHERE id = 3")
    found = shop.compare("orders", change)
    assert (found.equal, found.rows_before) == (True, 3)
    shop.after("DELETE FROM orders WHERE id = 1")
    assert shop.compare("orders", change).lost == 1


def test_any_rows_are_counted(shop: Migration) -> None:
    """Where any change is declared, and where a table is excluded, rows are only counted."""
    shop.after("DELETE FROM orders")
    found = shop.compare("orders", TableChange("orders", rows="any"))
    assert (found.equal, found.rows_before, found.rows_after) == (True, 4, 0)
    assert found.method == "rows counted only"
    found = shop.compare("orders", tables=(TablePlan("orders", exclude="moved by replication"),))
    assert "moved by replication" in found.note


def test_a_plan_edited_since_the_baseline(shop: Migration) -> None:
    """What the plan declares after the baseline is heeded: its digests are taken anew from before."""
    baseline = shop.baseline(shop.plan())
    shop.after("UPDATE orders SET note = 'n' WHERE note IS NULL")
    edited = shop.plan(TableChange("orders", columns=ColumnChanges(values={"note": "coalesce(note, 'n')"})))
    assert shop.compare_with(baseline, "orders", edited).equal
    assert shop.asked > 0


def test_a_table_that_the_baseline_does_not_know(shop: Migration) -> None:
    """A table of which the baseline knows nothing is not compared in silence."""
    shop.after("CREATE TABLE extra (id integer)")
    with pytest.raises(RecordError, match="extra"):
        shop.compare("extra")


def test_everything_differs(shop: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in which everything differs is not read to its end; the finding says at least how many."""
    monkeypatch.setattr(rows_module, "ENOUGH", 2)
    shop.after("UPDATE orders SET customer = 'same'")
    found = shop.compare("orders", sample=1)
    assert (found.equal, found.complete, found.altered, len(found.offenders)) == (False, False, 2, 1)
    assert "at least 2 altered" in found.says


def test_the_source_changed_since_the_baseline(shop: Migration) -> None:
    """Where what is read as before is not what the baseline saw, that is said and is no pass."""
    plan = shop.plan()
    baseline = shop.baseline(plan)
    shop.both("UPDATE orders SET note = 'later' WHERE id = 1")
    found = shop.compare_with(baseline, "orders", plan)
    assert not found.equal
    assert "not the baseline" in found.note


def test_many_segments(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several segments, with gaps in the key, only the differing rows are named."""
    numbers = ", ".join(f"({n * n - 50}, {n}, 'k{n}')" for n in range(400))
    migration.both(
        "CREATE TABLE a (id integer PRIMARY KEY, n integer, t varchar(20))",
        "CREATE TABLE b (n integer, t varchar(20) PRIMARY KEY)",
        "CREATE TABLE c (x integer, y integer, n integer, PRIMARY KEY (x, y))",
        f"INSERT INTO a VALUES {numbers}",
        "INSERT INTO b SELECT n, t FROM a",
        "INSERT INTO c SELECT n % 7 - 3, n, n FROM a",
    )
    monkeypatch.setattr("pytest_visionforge.compare.segments.ROWS", 30)
    for table in ("a", "b", "c"):
        migration.after(f"UPDATE {table} SET n = -1 WHERE n = 111", f"DELETE FROM {table} WHERE n = 222")
        found = migration.compare(table)
        assert (found.lost, found.altered, found.added) == (1, 1, 0)
        assert {offender.says for offender in found.offenders} == {"lost", "altered"}
