"""What fails in the rows seen of two tables is not tried on the database, and nothing else is left out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_visionforge.database import Session
from pytest_visionforge.draft import draft
from pytest_visionforge.draft.family import Family, family
from pytest_visionforge.plan.values.sections import Address

ORDERS, LINES = 250, 3  # more than are seen at a first look
SHOP = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, total DECIMAL(10,2), lines_count INTEGER, placed_at DATETIME);
CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), price DECIMAL(10,2),
 quantity INTEGER, weight DECIMAL(10,2), added_at DATETIME);
"""
TOTALS = {("total", "sum(order_lines.price * quantity)"), ("lines_count", "count(order_lines)")}


def _shop(path: Path, *breaks: str) -> Address:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SHOP)
        for n in range(1, ORDERS + 1):
            lines = [(n + each, 1 + (n + each) % 4, 7 * each + n % 5) for each in range(LINES - n % 3)]
            total = sum(price * quantity for price, quantity, _ in lines)
            order = (n, total, len(lines), f"2024-01-{1 + n % 28:02d} 10:00:00")
            connection.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", order)
            connection.executemany(
                "INSERT INTO order_lines (order_id, price, quantity, weight, added_at) VALUES (?, ?, ?, ?, ?)",
                [(n, *line, f"2024-02-{1 + n % 28:02d} 10:00:00") for line in lines],
            )
        for sql in breaks:
            connection.execute(sql)
    return Address(f"sqlite:///{path}", "shop")


def _related(address: Address) -> dict[str, set[tuple[str, str]]]:
    found = dict[str, set[tuple[str, str]]]()
    for each in [guess for held in draft(address).held.values() for guess in held]:
        found.setdefault(each.word, set()).add((each.column, str(each.value)))
    return found


def test_totals_of_many_children_are_found(tmp_path: Path) -> None:
    """Where a first look does not see all children, some parents with all of theirs are looked at."""
    found = _related(_shop(tmp_path / "shop.db"))
    assert found["aggregate"] == TOTALS
    assert ("added_at", "orders.placed_at") in found["after"]
    assert ("", "order_lines.order_id") in found["has"]


@pytest.mark.parametrize("order", [1, ORDERS])
def test_one_wrong_total_is_enough(tmp_path: Path, order: int) -> None:
    """A total that is wrong in one row is not suggested, whether that row is among those looked at or not."""
    address = _shop(tmp_path / "shop.db", f"UPDATE orders SET total = total + 1 WHERE id = {order}")
    assert _related(address)["aggregate"] == {("lines_count", "count(order_lines)")}


def test_hardly_a_statement_is_for_what_is_not_suggested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many tables, statements are as many as the tables and twice the suggestions, and a few."""
    path = tmp_path / "many.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for n in range(30):
            connection.execute(
                f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t{max(n - 1, 0)} (id),"
                " quantity INTEGER, price DECIMAL(10,2), total DECIMAL(10,2), made_at DATETIME)"
            )
            rows = [(1 + k % 20, k % 7, k * 3, (k % 7) * k * 3, f"2024-01-{k:02d}") for k in range(1, 29)]
            connection.executemany(
                f"INSERT INTO t{n} (t_id, quantity, price, total, made_at) VALUES (?, ?, ?, ?, ?)", rows
            )
    asked, ask = list[str](), Session.all

    def counted(self: Session, sql: str, **parameters: Any) -> Any:
        asked.append(sql)
        return ask(self, sql, **parameters)

    monkeypatch.setattr(Session, "all", counted)
    found = draft(Address(f"sqlite:///{path}", "many"))
    assert found.suggestions >= 150
    assert len(asked) <= 30 + 2 * found.suggestions + 20


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 99), st.integers(0, 99)), max_size=20))
def test_what_holds_is_always_tried(lines: list[tuple[int, int, int]]) -> None:
    """Totals, counts and times that are right in every row are never passed over."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    children = [{"fk": key, "a": a, "b": b, "at": moment} for key, a, b in lines]
    parents = {
        key: {
            "product": sum(a * b for each, a, b in lines if each == key),
            "number": sum(each == key for each, _, _ in lines),
            "at": moment,
        }
        for key in range(1, 6)
    }
    found = family(parents, iter(children), "fk", parents)
    assert found.may_total("product", ("a", "b"))
    assert found.may_total("number", ())
    assert found.may_follow("at", "at")
    assert found.may_have() == ({key for key, _, _ in lines} == set(parents))


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ("2024-01-01 10:00:00", "2024-01-02 10:00:00", False),
        ("2024-01-01T10:00:00", "2024-01-02 10:00:00", True),
        ("2024-01-01 10:00:00+02:00", "2024-01-02 10:00:00+00:00", True),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2), True),
        (datetime(2024, 1, 1), datetime(2024, 1, 2), False),
        (None, "2024-01-02 10:00:00", True),
    ],
)
def test_moments_are_compared_only_where_they_are_written_alike(one: Any, other: Any, may: bool) -> None:
    """Two ways of writing, a zone and NULL are for the database to compare."""
    found = Family({1: {"at": other}}, {1: [{"at": one}]})
    assert found.may_follow("at", "at") is may


def test_keys_that_are_no_numbers_speak_against_nothing() -> None:
    """How a database compares texts is not known here."""
    found = family({}, iter([{"fk": "a", "x": 1}]), "fk", ())
    assert found.may_have()
    assert found.may_total("x", ("x",))
