from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_visionforge.outcome import Severity
from pytest_visionforge.plan.values.rules import Expectation, NotNull
from tests.plan import samples


def suite(*expectations: Any) -> str:
    """Write a suite as great_expectations does."""
    return json.dumps({"name": "orders", "expectations": expectations, "meta": {"version": "1.24"}})


def test_a_suite_beside_the_plan_is_read() -> None:
    """Each expectation of `expectations/<table>.json` is a rule of that table, after those of the plan."""
    content = suite(
        {"type": "expect_a", "kwargs": {"column": "total", "min_value": 0}, "id": "3f1c", "meta": {}},
        {"expectation_type": "expect_b", "severity": "warning"},
    )
    text = f'{samples.SHORTEST}[tables.orders]\nnot_null = ["a"]'
    assert samples.plan(text, files={"expectations/orders.json": content}).tables["orders"].rules == (
        NotNull(table="orders", column="a"),
        Expectation(table="orders", type="expect_a", arguments={"column": "total", "min_value": 0}),
        Expectation(table="orders", type="expect_b", severity=Severity.WARN),
    )


def test_a_suite_makes_its_table_known() -> None:
    """A table that only a suite speaks of has its rules too."""
    plan = samples.plan(samples.SHORTEST, files={"expectations/sales.orders.json": suite({"type": "e"})})
    assert [rule.name for rule in plan.tables["sales.orders"].rules] == ["sales.orders.expectations.e"]


def test_two_expectations_of_one_name_are_called_by_their_ids() -> None:
    """Names are unique: where type and column are the same, the suite's own ids tell them apart."""
    same = {"type": "e", "kwargs": {"column": "a"}}
    content = suite({**same, "id": "one"}, {**same, "id": "two"}, {"type": "f", "id": "three"})
    plan = samples.plan(samples.SHORTEST, files={"expectations/orders.json": content})
    assert [rule.part for rule in plan.tables["orders"].rules] == ["one", "two", "f"]
    (error,) = samples.errors(samples.SHORTEST, files={"expectations/orders.json": suite(same, same)})
    assert '2 rules are called "orders.expectations.e.a"' in error


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no suite in JSON: "),
        ("[" * 100_000, "is no suite in JSON: "),
        ("[]", "expected a table, found a list"),
        ("{}", "holds no expectations, so it asserts nothing"),
        ('{"expectations": []}', "holds no expectations, so it asserts nothing"),
        ('{"expectations": "x"}', "expected a list, found text"),
        ('{"expectations": [{}]}', 'expectations #1: has no type; write "type": "expect_'),
        ('{"expectations": [{"type": "e", "kwargs": 1}]}', "expectations #1: expected a table"),
        ('{"expectations": [{"type": "e", "severity": "bad"}]}', "expectations #1: unknown word 'bad'"),
    ],
)
def test_a_wrong_suite_is_told_by_its_file(content: str, says: str) -> None:
    """An error in a suite names the file and the expectation."""
    (error,) = samples.errors(samples.SHORTEST, files={"expectations/orders.json": content})
    assert error.startswith("expectations/orders.json: ")
    assert says in error


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["type", "kwargs"]), inner),
)


@given(st.lists(JSON))
def test_no_suite_does_more_than_be_wrong(expectations: list[Any]) -> None:
    """Any JSON at all is either read or told."""
    content = suite(*expectations)
    told = samples.errors(samples.SHORTEST, files={"expectations/orders.json": content})
    assert told or samples.plan(samples.SHORTEST, files={"expectations/orders.json": content}).tables
