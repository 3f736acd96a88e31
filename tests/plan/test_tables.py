from __future__ import annotations

from datetime import date

import pytest

from pytest_visionforge.outcome import Severity
from pytest_visionforge.plan.values.rules import (
    Accepted,
    After,
    Aggregate,
    Calculated,
    ChangedAt,
    Expectation,
    Has,
    Holds,
    NotFuture,
    NotNull,
    Order,
    Pattern,
    Range,
    Reference,
    Rows,
    TableRule,
    Unique,
)
from tests.plan import samples


def table(text: str) -> str:
    """Write a plan with one table."""
    return f"{samples.SHORTEST}\n[tables.orders]\n{text}"


def rules(text: str) -> tuple[TableRule, ...]:
    """Read the rules of one table."""
    return samples.plan(table(text)).tables["orders"].rules


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('not_null = ["a"]', NotNull(table="orders", column="a")),
        ('unique = ["lower(a)"]', Unique(table="orders", columns=("lower(a)",))),
        ('unique = ["a, b"]', Unique(table="orders", columns=("a", "b"))),
        ('unique = [["a", "b"]]', Unique(table="orders", columns=("a", "b"))),
        ("pattern = { a = '[a-z]+ ' }", Pattern(table="orders", column="a", regex="[a-z]+ ")),
        (
            'accepted = { a = ["x", 1, 2.5, true, 2024-12-31] }',
            Accepted(table="orders", column="a", values=("x", 1, 2.5, True, date(2024, 12, 31))),
        ),
        ('range = { a = "0..10" }', Range(table="orders", column="a", low="0", high="10")),
        ('range = { a = "2024-01-01.." }', Range(table="orders", column="a", low="2024-01-01")),
        ('not_future = ["a"]', NotFuture(table="orders", column="a")),
        ('rows = "1.."', Rows(table="orders", low=1)),
        (
            'references = { a = "customers.id" }',
            Reference(table="orders", column="a", parent="customers", parent_column="id"),
        ),
        ('has = ["lines.order_id"]', Has(table="orders", child="lines", child_column="order_id")),
        ('order = ["a <= b <= c"]', Order(table="orders", columns=("a", "b", "c"))),
        (
            'after = { a = "customers.created_at" }',
            After(table="orders", column="a", parent="customers", parent_column="created_at"),
        ),
        ('calculated = { a = "b + c" }', Calculated(table="orders", column="a", expression="b + c")),
        (
            'aggregate = { a = "sum(lines.total where ok = 1)" }',
            Aggregate(
                table="orders",
                column="a",
                function="sum",
                child="lines",
                expression="total",
                condition="ok = 1",
            ),
        ),
        ('changed_at = "a"', ChangedAt(table="orders", column="a")),
        ('check = ["a > 0"]', Holds(table="orders", expression="a > 0")),
        ('expectations = ["expect_x"]', Expectation(table="orders", type="expect_x")),
    ],
)
def test_a_rule_written_short(text: str, rule: TableRule) -> None:
    """Each word's short value gives its rule."""
    assert rules(text) == (rule,)


ALL = 'severity = "warn", where = "c > 0", sample = ["id"], when = "after", why = "because"'
COMMON = {
    "table": "orders",
    "severity": Severity.WARN,
    "where": "c > 0",
    "sample": ("id",),
    "when": "after",
    "why": "because",
}


@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        ('not_null = [{ column = "a", ALL }]', NotNull, {"column": "a"}),
        ('unique = [{ columns = ["a", "b"], ALL }]', Unique, {"columns": ("a", "b")}),
        ("pattern = { a = { regex = 'x', ALL } }", Pattern, {"column": "a", "regex": "x"}),
        ("accepted = { a = { values = [1], ALL } }", Accepted, {"column": "a", "values": (1,)}),
        ('range = { a = { range = "..9", ALL } }', Range, {"column": "a", "high": "9"}),
        ('not_future = [{ column = "a", ALL }]', NotFuture, {"column": "a"}),
        ('rows = { rows = "1..2", ALL }', Rows, {"low": 1, "high": 2}),
        (
            'references = { a = { parent = "p.id", ALL } }',
            Reference,
            {"column": "a", "parent": "p", "parent_column": "id"},
        ),
        ('has = [{ child = "c.a", ALL }]', Has, {"child": "c", "child_column": "a"}),
        ('order = [{ columns = ["a", "b"], ALL }]', Order, {"columns": ("a", "b")}),
        ('order = [{ columns = "a <= b", ALL }]', Order, {"columns": ("a", "b")}),
        (
            'after = { a = { parent = "p.at", ALL } }',
            After,
            {"column": "a", "parent": "p", "parent_column": "at"},
        ),
        (
            'calculated = { a = { expression = "b", tolerance = 0, ALL } }',
            Calculated,
            {"column": "a", "expression": "b", "tolerance": 0.0},
        ),
        (
            'aggregate = { a = { expression = "avg(l.b)", tolerance = 0.5, ALL } }',
            Aggregate,
            {"column": "a", "function": "avg", "child": "l", "expression": "b", "tolerance": 0.5},
        ),
        ('changed_at = { column = "a", ALL }', ChangedAt, {"column": "a"}),
        ('check = [{ expression = "a", id = "x", ALL }]', Holds, {"expression": "a", "id": "x"}),
        (
            'expectations = [{ type = "t", arguments = { column = "a" }, id = "x", ALL }]',
            Expectation,
            {"type": "t", "arguments": {"column": "a"}, "id": "x"},
        ),
    ],
)
def test_a_rule_written_long(text: str, kind: type[TableRule], fields: dict[str, object]) -> None:
    """Each rule can be written long, with everything that every rule may say."""
    assert rules(text.replace("ALL", ALL)) == (kind(**COMMON, **fields),)  # type: ignore[arg-type]


def test_rules_are_in_the_order_of_the_plan() -> None:
    """Items come in the order in which the plan names them."""
    found = rules('check = ["a > 0", "b > 0"]\nnot_null = ["c", "a"]\nrange = { z = "1..", y = "1.." }')
    assert [rule.name for rule in found] == [
        "orders.check.a > 0",
        "orders.check.b > 0",
        "orders.not_null.c",
        "orders.not_null.a",
        "orders.range.z",
        "orders.range.y",
    ]


def test_the_sample_of_a_table_is_that_of_its_rules() -> None:
    """Columns named for the table may be shown with each rule, unless the rule names its own."""
    text = 'not_null = ["a", { column = "b", sample = ["x"] }]\nsample = ["id"]\nkey = ["k1", "k2"]'
    plan = samples.plan(table(text)).tables["orders"]
    assert [rule.sample for rule in plan.rules] == [("id",), ("x",)]
    assert (plan.sample, plan.key) == (("id",), ("k1", "k2"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acepted = { a = [1] }", 'acepted: unknown key; did you mean "accepted"?'),
        ("foo = 1", "foo: unknown key; known here: accepted, after, aggregate"),
        ('not_null = "a"', "not_null: expected a list, found text: write it in [ ]"),
        ("not_null = []", "not_null: is empty, so it asserts nothing: leave it out or fill it"),
        ("accepted = {}", "accepted: is empty, so it asserts nothing"),
        ("accepted = { a = [] }", "accepted.a: is empty, so it asserts nothing"),
        ("accepted = { a = { values = [] } }", "accepted.a.values: is empty, so it asserts nothing"),
        ("accepted = { a = [[1]] }", "accepted.a #1: expected text, a number, a date, true or false"),
        ("accepted = { a = [nan] }", "accepted.a #1: expected text, a number"),
        ('not_null = ["a", 5]', "not_null #2: expected text, found a number"),
        ('not_null = [" "]', "not_null #1: is blank"),
        ("not_null = [{}]", "not_null #1.column: is missing"),
        ('rows = { rows = "1..", wher = "a" }', 'rows.wher: unknown key; did you mean "where"?'),
        ('accepted = ["a"]', "accepted: expected a table, found a list"),
        ("rows = 5", 'rows: expected text such as "1..", found a number'),
        ('rows = "x"', "rows: 'x' is not a range; write 0..100"),
        ("range = { a = [1, 2] }", 'range.a: expected text such as "0..100", found a list'),
        ('range = { "a b" = "x" }', "range.\"a b\": 'x' is not a range"),
        ('order = ["a"]', "order #1: 'a' is not an order"),
        ('order = ["a <= a"]', "order #1: names a column twice"),
        ('order = [["a"]]', "order #1: expected at least 2 columns"),
        ("unique = [[]]", "unique #1: expected at least 1 column"),
        ("pattern = { a = '[' }", "pattern.a: '[' is not a regular expression"),
        ('calculated = { a = { expression = "b", tolerance = -1 } }', "tolerance: expected a number of 0"),
        ('calculated = { a = { expression = "b", tolerance = inf } }', "tolerance: expected a number of 0"),
        (
            'not_null = [{ column = "a", severity = "wran" }]',
            "not_null #1.severity: unknown word 'wran'; did you mean \"warn\"?",
        ),
        (
            'not_null = [{ column = "a", when = "later" }]',
            "not_null #1.when: unknown word 'later'; did you mean \"after\"?",
        ),
        ("exclude = true", 'exclude: an exclusion needs its reason; write exclude = "'),
        ('exclude = ""', "exclude: an exclusion needs its reason"),
        ("exclude = false", "exclude: expected text, found true or false"),
        ("key = []", "key: is empty"),
        ("expectations = [{ type = 'x', arguments = [] }]", "arguments: expected a table, found a list"),
    ],
)
def test_a_wrong_rule_is_told_with_its_key(text: str, says: str) -> None:
    """Each error is one line that names the key and says how to mend it."""
    (error,) = samples.errors(table(text))
    assert error.startswith("tables.orders.")
    assert says in error


def test_a_table_that_is_none_is_told() -> None:
    """`tables` holds tables."""
    assert samples.errors(f"tables = 1\n{samples.SHORTEST}") == ["tables: expected a table, found a number"]
    assert samples.errors(f"tables.orders = 1\n{samples.SHORTEST}") == [
        "tables.orders: expected a table, found a number"
    ]
