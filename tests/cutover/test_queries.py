"""Queries are compared with what they were: a lost index is named, and what is slower is NO-GO."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.cutover.queries import Answered, answer, is_slower, lost
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Access, anonymous
from pytest_visionforge.plan.values.changes import Changes, TableChange
from pytest_visionforge.plan.values.sections import NamedQuery
from tests.cutover.project import execute
from tests.scenarios.site import Site

ROWS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n",
    "postgresql": "SELECT i FROM generate_series(1, {rows}) AS n(i)",
    "mysql": "SELECT seq AS i FROM seq_1_to_{rows}",
}
BY_CUSTOMER = "select id from orders where customer = 'c77:x'"


def _fill(url: str, rows: int) -> None:
    dbms = make_url(url).get_backend_name()
    text = "VARCHAR(40)" if dbms == "mysql" else "TEXT"
    concat = "concat('c', i % 20000, ':x')" if dbms == "mysql" else "'c' || (i % 20000) || ':x'"
    numbers = ROWS[dbms].format(rows=rows)
    execute(
        url,
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer {text} NOT NULL)",
        f"INSERT INTO orders SELECT i, {concat} FROM ({numbers}) AS numbers",
        "CREATE INDEX by_customer ON orders (customer)",
        "ANALYZE TABLE orders" if dbms == "mysql" else "ANALYZE",
    )


def _drop_index(url: str) -> None:
    on = " ON orders" if make_url(url).get_backend_name() == "mysql" else ""
    execute(url, f"DROP INDEX by_customer{on}")


def test_the_way_of_a_query_is_seen(url: str) -> None:
    """On each DBMS: the index that is used, the key, and that a table is read as a whole once it is gone."""
    _fill(url, 20_000)
    query = NamedQuery("q", BY_CUSTOMER, samples=2)
    with Database("target", url) as database:
        before = answer(query, database)
        key = answer(NamedQuery("k", "select customer from orders where id = 5"), database)
    _drop_index(url)
    with Database("target", url) as database:
        after = answer(query, database)
    assert before.rows == after.rows == 1
    assert before.accesses == (Access("orders", "by_customer"),)
    assert not key.accesses or key.accesses[0].index
    assert after.accesses == (Access("orders"),)
    assert lost(before, after, Changes()) == ("orders is read as a whole, where by_customer was used before",)


def test_renamed_tables_are_followed() -> None:
    """A table that the plan renames is known by its new name; one that was read as a whole lost nothing."""
    changes = Changes(tables={"bills": TableChange("bills", renamed_from="orders")})
    before = Answered("q", 1, (0.1,), (Access("orders", "ix"), Access("log")))
    after = Answered("q", 1, (0.1,), (Access("bills"), Access("log")))
    assert lost(before, after, changes) == ("bills is read as a whole, where ix was used before",)


@pytest.mark.parametrize(
    ("before", "after", "slower"),
    [(0.1, 0.16, True), (0.1, 0.14, False), (0.001, 0.004, False), (0.001, 0.01, True)],
)
def test_slower_is_what_can_be_measured(before: float, after: float, slower: bool) -> None:
    """More than the allowed factor, and more than 5 ms."""
    assert is_slower(Answered("q", 1, (before,), ()), Answered("q", 1, (after, 9), ()), 1.5) is slower


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("select * from t where name = 'O''Hara' and n = 42", "select * from t where name = ? and n = ?"),
        ("insert into t values ('a\\'b', 1.5) -- geheim", "insert into t values (?, ?)"),
        (None, ""),
        ("x" * 200, "x" * 97 + "..."),
    ],
)
def test_statements_are_shown_without_values(statement: str | None, shown: str) -> None:
    """Of what others run, no value is told."""
    assert anonymous(statement) == shown


PLAN = f"""
plan = "shop"
[database]
url = "$SHOP_DB"
[limits]
cpu = "100%"
memory = "100%"
[changes.tables.orders]
indexes = {{ dropped = ["by_customer"] }}
[[queries]]
name = "by customer"
sql = "{BY_CUSTOMER}"
rows = "1.."
slowdown = 3
[[queries]]
name = "by key"
sql = "select customer from orders where id = 5"
rows = "2.."
[[queries]]
name = "of tomorrow"
sql = "select amount from orders"
"""


def test_a_lost_index_is_no_go_by_its_name(tmp_path: Path, sqlite: str) -> None:
    """A query made slow by a dropped index is NO-GO, and the index is named; others are not blamed."""
    _fill(sqlite, 200_000)
    here = Site(tmp_path, {"SHOP_DB": sqlite})
    here.plan(PLAN)
    here.pytest("-m", "premigration and (baseline or performance)")
    before = {each["name"]: each["outcome"] for each in here.record("premigration")["results"]}
    assert before["query_before.of tomorrow"] == "warned"
    assert before["query_before.by customer"] == "passed"
    _drop_index(sqlite)
    here.pytest("-m", "postmigration and (performance or smoke)")
    results = here.record("postmigration")["results"]
    found = {(each["rule"], each["name"].partition(".")[2]): each for each in results}
    slow = found["performance.slowdown", "by customer"]
    assert slow["outcome"] == "violated"
    assert "by_customer was used before" in slow["finding"]["says"]
    assert found["performance.query_plan", "by customer"]["outcome"] == "warned"
    assert found["performance.slowdown", "by key"]["outcome"] == "passed"
    assert found["smoke.query", "by key"]["finding"]["says"] == "1 rows, where 2.. are declared"
    assert found["smoke.query", "of tomorrow"]["outcome"] == "violated"
