"""consistency: time, what can be computed, rules of the business."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks import consistency
from pytest_visionforge import Evidence
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values import rules
from tests import samples
from tests.checks.conftest import Bench, Make, make_plan
from tests.soak import examples

# ---------------------------------------------------------------- time


ORDER = rules.Order(table="orders", columns=("ordered_at", "paid_at", "shipped_on"))


def test_order_passes_what_is_in_order(shop: Make) -> None:
    """Timestamps in order pass, a day being not before a moment of that day."""
    evidence = shop().passes(consistency.check_order, order=ORDER)
    assert (evidence.rows, evidence.says) == (4, "2 with NULL in some pairs passed over")


def test_order_compares_every_pair(shop: Make) -> None:
    """NULL in the middle does not let the first be later than the last."""
    made = shop(
        """
        INSERT INTO orders (id, ordered_at, paid_at, shipped_on) VALUES
            (5, '2024-03-02 10:00:00', NULL, '2024-03-01'),
            (6, '2024-03-02 10:00:00', '2024-03-02 09:59:59', '2024-03-03'),
            (7, NULL, '2024-03-02 09:59:59', '2024-03-01'),
            (8, '2024-03-02 10:00:00', NULL, '2024-03-02')
        """
    )
    finding = made.found(consistency.check_order, order=ORDER)
    assert (finding.count, finding.of) == (3, 8)
    assert [(row.key["id"], row.says) for row in finding.sample] == [
        ("5", "shipped_on before ordered_at"),
        ("6", "paid_at before ordered_at"),
        ("7", "shipped_on before paid_at"),
    ]


def test_order_of_numbers(shop: Make) -> None:
    """Numbers are compared as numbers."""
    rule = rules.Order(table="orders", columns=("tax", "net", "total"))
    made = shop()
    assert made.passes(consistency.check_order, order=rule)
    samples.run(made.plan.source.url, "INSERT INTO orders (id, tax, net, total) VALUES (5, 9, 10, 9)")
    assert made.found(consistency.check_order, order=rule).sample[0].says == "total before net"


def test_order_finds_text_that_is_no_timestamp(sqlite_bench: Make) -> None:
    """What cannot be read as a timestamp is not passed over as NULL would be."""
    made = sqlite_bench(
        "CREATE TABLE t (a timestamp, b timestamp); INSERT INTO t VALUES ('2024-01-01', 'soon')"
    )
    finding = made.found(consistency.check_order, order=rules.Order(table="t", columns=("a", "b")))
    assert finding.says == "1 of 1 row: b is no timestamp"


AFTER = rules.After(table="orders", column="ordered_at", parent="customers", parent_column="created_at")
TO_CUSTOMER = rules.Reference(table="orders", column="customer_id", parent="customers", parent_column="id")


def test_after(shop: Make) -> None:
    """A row that is older than its parent is found; NULL and missing parents are passed over."""
    made = shop()
    made.rules(AFTER, TO_CUSTOMER)
    assert (
        made.passes(consistency.check_after, after=AFTER).says
        == "1 without a parent or with NULL passed over"
    )
    samples.run(
        made.plan.source.url,
        """INSERT INTO orders (id, customer_id, ordered_at) VALUES
        (5, 2, '2024-01-02 07:59:59'), (6, 3, '2020-01-01 00:00:00'), (7, 99, '2020-01-01 00:00:00')""",
    )
    finding = made.found(consistency.check_after, after=AFTER)
    assert finding.says == (
        "1 of 7 rows: ordered_at before customers.created_at (3 without a parent or with NULL passed over)"
    )
    assert finding.sample[0].key == {"id": "5"}


def test_after_needs_a_relation(shop: Make) -> None:
    """Without a declared relation, or with two, the check cannot tell."""
    made = shop()
    assert "neither the schema nor the plan" in str(made.cannot_tell(consistency.check_after, after=AFTER))
    made.rules(AFTER, TO_CUSTOMER, replace(TO_CUSTOMER, column="line_count"))
    said = made.cannot_tell(consistency.check_after, after=AFTER)
    assert "several ways: by customer_id, line_count" in str(said)


def test_not_future(shop: Make) -> None:
    """A timestamp in the future is found; the clocks may differ by five minutes."""
    made = shop()
    rule = rules.NotFuture(table="customers", column="created_at")
    assert made.passes(consistency.check_not_future, not_future=rule).rows == 3
    now = made.database.now()
    near, far = (f"{now + timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}" for minutes in (2, 9))
    script = f"INSERT INTO customers (id, created_at) VALUES (4, '{near}'), (5, '{far}')"
    samples.run(made.plan.source.url, script)
    finding = made.found(consistency.check_not_future, not_future=rule)
    assert finding.says == "1 of 5 rows: created_at in the future (1 with NULL passed over)"


# ---------------------------------------------------------------- what can be computed

TOTAL = rules.Calculated(table="orders", column="total", expression="net + tax")


def test_calculated(shop: Make) -> None:
    """A cent too much is found, so is NULL on one side; NULL on both is passed over."""
    made = shop()
    assert made.passes(consistency.check_calculated, calculated=TOTAL).says == "1 with NULL passed over"
    samples.run(
        made.plan.source.url,
        """INSERT INTO orders (id, net, tax, total) VALUES
        (5, 0.10, 0.20, 0.31), (6, 1, 1, NULL), (7, NULL, 1, 1), (8, 123456.70, 0.01, 123456.71)""",
    )
    finding = made.found(consistency.check_calculated, calculated=replace(TOTAL, sample=("total",)))
    assert (finding.count, finding.of) == (3, 8)
    assert [str(row) for row in finding.sample] == [
        "id=5   total=0.31, total is not net + tax",
        "id=6   total=NULL, total is NULL, net + tax is not",
        "id=7   total=1.00, net + tax is NULL, total is not".replace("1.00", _stored(made, "1")),
    ]


def _stored(bench: Bench, number: str) -> str:
    """How a decimal comes back: SQLite holds no trailing zeros."""
    return number if bench.dbms == "sqlite" else f"{number}.00"


def test_calculated_rounds_half_a_cent(shop: Make) -> None:
    """Half a unit of the last decimal is a matter of rounding; the plan may allow more or less."""
    made = shop("INSERT INTO orders (id, net, tax, total) VALUES (5, 0.25, 0, 0.13)")
    rule = replace(TOTAL, expression="net * 0.5 + tax", where="id = 5")
    assert made.passes(consistency.check_calculated, calculated=rule)
    assert made.found(consistency.check_calculated, calculated=replace(rule, tolerance=0.001)).count == 1
    wide = replace(TOTAL, expression="net * 0.48 + tax", where="id = 5")
    assert made.found(consistency.check_calculated, calculated=wide).count == 1
    assert made.passes(consistency.check_calculated, calculated=replace(wide, tolerance=0.5))


def test_calculated_text(shop: Make) -> None:
    """Text is compared exactly, whatever the collation says and whatever number it may look like."""
    made = shop(
        "INSERT INTO customers (id, country, nick) VALUES (4, 'no', 'NO'), (5, '1', '1'), (6, '1', '01')"
    )
    rule = rules.Calculated(table="customers", column="nick", expression="country", where="id > 3")
    finding = made.found(consistency.check_calculated, calculated=rule)
    assert [row.key["id"] for row in finding.sample] == ["4", "6"]


def test_calculated_moment(shop: Make) -> None:
    """Moments are compared as moments."""
    made = shop("UPDATE orders SET last_line = '2024-02-01 10:05:01' WHERE id = 1")
    rule = rules.Calculated(table="orders", column="last_line", expression="last_line", where="id = 1")
    assert made.passes(consistency.check_calculated, calculated=rule)
    rule = replace(rule, expression="ordered_at")
    assert made.found(consistency.check_calculated, calculated=rule).count == 1


LINES = rules.Reference(table="order_lines", column="order_id", parent="orders", parent_column="id")
NET = rules.Aggregate(
    table="orders", column="net", function="sum", child="order_lines", expression="price * quantity",
    where="id <> 4",
)  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        NET,
        rules.Aggregate(table="orders", column="line_count", function="count", child="order_lines"),
        replace(NET, column="last_line", function="max", expression="added_at", where=""),
        replace(NET, condition="cancelled = 0 and order_lines.order_id is not null"),
    ],
    ids=["sum", "count", "max", "condition"],
)  # fmt: skip
def test_aggregate(shop: Make, rule: rules.Aggregate) -> None:
    """What the children add up to passes: of none the sum and the count are 0; a lost child is found."""
    made = shop()
    made.rules(rule, LINES)
    assert made.passes(consistency.check_aggregate, aggregate=rule)
    samples.run(made.plan.source.url, "DELETE FROM order_lines WHERE order_id = 1 AND line = 2")
    assert [row.key["id"] for row in made.found(consistency.check_aggregate, aggregate=rule).sample] == ["1"]


def test_aggregate_finds_a_cent_and_null(shop: Make) -> None:
    """One cent is found, and so is NULL where the sum of no rows is 0."""
    made = shop("UPDATE order_lines SET price = 10.01 WHERE order_id = 1 AND line = 2")
    rule = replace(NET, where="")
    made.rules(rule, LINES)
    finding = made.found(consistency.check_aggregate, aggregate=rule)
    assert [(row.key["id"], row.says) for row in finding.sample] == [
        ("1", "net is not sum(order_lines.price * quantity)"),
        ("4", "net is NULL, sum(order_lines.price * quantity) is not"),
    ]


def test_aggregate_over_the_same_table(bench: Make) -> None:
    """A table may be its own child, by a declared key of several columns."""
    made = bench(
        """
        CREATE TABLE t (a integer NOT NULL, b integer NOT NULL, up_a integer, up_b integer, n integer,
            PRIMARY KEY (a, b), FOREIGN KEY (up_a, up_b) REFERENCES t (a, b));
        INSERT INTO t VALUES (1, 1, NULL, NULL, 2);
        INSERT INTO t VALUES (1, 2, 1, 1, 0), (2, 1, 1, 1, 7)
        """
    )
    rule = rules.Aggregate(table="t", column="n", function="count", child="t")
    finding = made.found(consistency.check_aggregate, aggregate=rule)
    assert [dict(row.key) for row in finding.sample] == [{"a": "2", "b": "1"}]


def test_chinook_money(url: str, tmp_path: Path, data: Path) -> None:
    """The 412 invoice totals of Chinook raise no false alarm, and one cent changed in one is found."""
    samples.chinook(url, data)
    with Database("source", url) as database:
        made = Bench(database, make_plan(url, tmp_path))
        rule = _totals(database)
        assert made.passes(consistency.check_aggregate, aggregate=rule).rows == 412
        invoice = database.table(rule.table)
        total, key = database.quote(rule.column), database.quote(invoice.key[0])
        script = f"UPDATE {database.name_of(invoice)} SET {total} = {total} + 0.01 WHERE {key} = 404"
        samples.run(url, script)
        finding = made.found(consistency.check_aggregate, aggregate=rule)
    assert [list(row.key.values()) for row in finding.sample] == [["404"]]


def _totals(database: Database) -> rules.Aggregate:
    """An invoice's total is the sum of its lines, in Chinook's spelling on each DBMS."""
    tables = {_plain(id): table for id, table in database.schema.tables.items()}
    columns = {_plain(column.name): column.name for table in tables.values() for column in table.columns}
    return rules.Aggregate(
        table=tables["invoice"].id,
        column=columns["total"],
        function="sum",
        child=tables["invoiceline"].id,
        expression=" * ".join(database.quote(columns[name]) for name in ("unitprice", "quantity")),
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


# ---------------------------------------------------------------- conditions and rules


def test_check(shop: Make) -> None:
    """A row for which the condition is false is found; where it gives NULL it is passed over."""
    made = shop()
    rule = rules.Holds(table="orders", expression="status <> 'paid' or paid_at is not null or status = ':x'")
    assert made.passes(consistency.check_check, holds=rule)
    rule = rules.Holds(table="orders", expression="total >= 1")
    finding = made.found(consistency.check_check, holds=rule)
    assert finding.says == "2 of 4 rows: not total >= 1 (1 with NULL passed over)"


def test_business_rule(shop: Make) -> None:
    """Every row that the query returns counts as a violation; its own colons are no parameters."""
    sql = (
        "-- at 10:30\n/* :least */ select id, status from orders"
        " where total >= :least and status <> '12:30' and status <> ':least';"
    )
    rule = rules.BusinessRule("big", {"": sql}, parameters={"least": 0.2})
    made = shop()
    made.plan = replace(made.plan, record=replace(made.plan.record, sample=1))
    finding = made.run(consistency.check_rules, business_rule=rule)
    assert (finding.says, finding.count) == ("the query returned 2 rows", 2)
    assert [dict(row.key) for row in finding.sample] == [{"id": "1", "status": "paid"}]
    assert "total >= 0.2 and status <> '12:30'" in finding.reproduce
    none = replace(rule, parameters={"least": 1000})
    assert isinstance(made.run(consistency.check_rules, business_rule=none), Evidence)


def test_business_rule_that_fails(shop: Make) -> None:
    """SQL that fails, that is for another DBMS, or that is no query is not a pass."""
    made = shop()
    broken = rules.BusinessRule("broken", {"": "select id from nowhere"}, path=Path("rules/broken.sql"))
    said = made.cannot_tell(consistency.check_rules, business_rule=broken)
    assert "nowhere" in str(said)
    assert "broken.sql" in said.remedy
    other = rules.BusinessRule("other", {"oracle": "select 1 from dual"})
    assert f"no SQL for {made.dbms}" in str(made.cannot_tell(consistency.check_rules, business_rule=other))
    writes = rules.BusinessRule("writes", {"": "delete from orders"})
    made.cannot_tell(consistency.check_rules, business_rule=writes)
    assert made.database.value("select count(*) from orders") == 4


def test_a_cast_is_no_parameter(postgresql_bench: Make) -> None:
    """PostgreSQL's `::` stands beside a parameter of the same name."""
    rule = rules.BusinessRule("cast", {"": "select 1 where '7'::int > :int"}, parameters={"int": 6})
    assert postgresql_bench().run(consistency.check_rules, business_rule=rule).count == 1


# ---------------------------------------------------------------- against a model

MOMENTS = st.none() | st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 3)).map(
    lambda at: at.isoformat(" ", "seconds")
)
QUICK = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(st.lists(st.tuples(MOMENTS, MOMENTS, MOMENTS), max_size=12))
def test_order_is_that_of_every_pair(sqlite_bench: Make, rows: list[tuple[str | None, ...]]) -> None:
    """A row offends exactly if one of its pairs is out of order."""
    made = sqlite_bench(
        """
        DROP TABLE IF EXISTS t;
        CREATE TABLE t (id integer PRIMARY KEY, a timestamp, b timestamp, c timestamp)
        """
    )
    _insert(made, "INSERT INTO t (a, b, c) VALUES (?, ?, ?)", rows)
    said = made.run(consistency.check_order, order=rules.Order(table="t", columns=("a", "b", "c")))
    offending = [any(x > y for x, y in combinations(filter(None, row), 2)) for row in rows]
    assert getattr(said, "count", 0) == sum(offending)


MONEY = st.decimals(0, 100_000, places=2)


@QUICK
@given(st.lists(st.lists(st.tuples(MONEY, st.integers(0, 9)), max_size=9), min_size=1, max_size=9), st.data())
def test_no_false_alarm_and_no_lost_cent(
    sqlite_bench: Make, orders: list[list[tuple[Decimal, int]]], data: st.DataObject
) -> None:
    """Sums of money in binary floating point raise no false alarm, and a cent in one of them is found."""
    made = sqlite_bench(
        """
        DROP TABLE IF EXISTS child; DROP TABLE IF EXISTS parent;
        CREATE TABLE parent (id integer PRIMARY KEY, total numeric(12, 2));
        CREATE TABLE child (parent_id integer REFERENCES parent (id), price numeric(10, 2), quantity integer)
        """
    )
    totals = [sum((price * quantity for price, quantity in lines), Decimal(0)) for lines in orders]
    _insert(made, "INSERT INTO parent VALUES (?, ?)", [(id, float(total)) for id, total in enumerate(totals)])
    lines = [(id, float(price), quantity) for id, each in enumerate(orders) for price, quantity in each]
    _insert(made, "INSERT INTO child VALUES (?, ?, ?)", lines)
    rule = rules.Aggregate(
        table="parent", column="total", function="sum", child="child", expression="price * quantity"
    )
    made.passes(consistency.check_aggregate, aggregate=rule)
    wrong = data.draw(st.integers(0, len(orders) - 1))
    _insert(
        made, "UPDATE parent SET total = ? WHERE id = ?", [(float(totals[wrong] + Decimal("0.01")), wrong)]
    )
    finding = made.found(consistency.check_aggregate, aggregate=rule)
    assert [row.key["id"] for row in finding.sample] == [str(wrong)]


def _insert(made: Bench, sql: str, rows: Sequence[Sequence[object]]) -> None:
    with closing(sqlite3.connect(str(made.database.url.database))) as connection, connection:
        connection.executemany(sql, rows)
