"""What is suggested holds today, and what does not hold is not suggested."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_visionforge.draft import Draft, draft
from pytest_visionforge.plan.values.sections import Address
from tests import samples

SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(20), created_at DATETIME)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, state VARCHAR(20),"
    " net DECIMAL(10,2), tax DECIMAL(10,2), total DECIMAL(10,2), ordered_at DATETIME, paid_at DATETIME,"
    " updated_at DATETIME, expires_at DATETIME)",
    "CREATE TABLE order_lines (number INTEGER, order_id INTEGER NOT NULL, price DECIMAL(10,2),"
    " quantity INTEGER, FOREIGN KEY (order_id) REFERENCES orders (id))",
)


def rows() -> Iterator[str]:
    """Twenty customers, thirty orders, a line or two for each."""
    for n in range(1, 21):
        yield f"INSERT INTO customers VALUES ({n}, 'c{n}', '2023-12-{n:02d} 10:00:00')"
    line = 0
    for n in range(1, 31):
        state = ("paid", "new", "sent")[n % 3]
        times = ", ".join(f"'2024-0{month}-{1 + n % 28:02d} 10:00:00'" for month in (1, 2, 3))
        net, tax = 10 + 3 * n, n
        yield (
            f"INSERT INTO orders VALUES ({n}, {1 + n % 20}, '{state}', {net}, {tax}, {net + tax}, {times},"
            f" '2100-01-01 00:00:00')"
        )
        for price, quantity in ((10, 1), (n, 3)):
            line += 1
            yield f"INSERT INTO order_lines VALUES ({line}, {n}, {price}, {quantity})"


@dataclass(frozen=True)
class Law:
    """A suggestion as it stands in the plan, and SQL after which it does not hold."""

    table: str
    word: str
    says: str
    breaks: str

    def __str__(self) -> str:
        return f"{self.table}.{self.word}.{self.says}"


LAWS = (
    Law(
        "orders", "references", "customer_id=customers.id", "UPDATE orders SET customer_id = 99 WHERE id = 30"
    ),
    Law(
        "orders", "accepted", "state=['new', 'paid', 'sent']", "UPDATE orders SET state = 'New' WHERE id = 30"
    ),
    Law("orders", "calculated", "total=net + tax", "UPDATE orders SET total = total + 0.01 WHERE id = 30"),
    Law(
        "orders",
        "aggregate",
        "net=sum(order_lines.price * quantity)",
        "UPDATE order_lines SET quantity = 4 WHERE number = 58",
    ),
    Law(
        "orders",
        "order",
        "ordered_at <= paid_at <= updated_at <= expires_at",
        "UPDATE orders SET paid_at = '2023-01-01 00:00:00' WHERE id = 30",
    ),
    Law("orders", "not_future", "paid_at", "UPDATE orders SET paid_at = '2099-01-01 00:00:00' WHERE id = 30"),
    Law("orders", "range", "net=0..", "UPDATE orders SET net = -1 WHERE id = 30"),
    Law("orders", "has", "order_lines.order_id", "DELETE FROM order_lines WHERE order_id = 30"),
    Law(
        "orders",
        "after",
        "ordered_at=customers.created_at",
        "UPDATE customers SET created_at = '2024-06-01 00:00:00' WHERE id = 11",
    ),
    Law("order_lines", "key", "number", "UPDATE order_lines SET number = 1 WHERE number = 2"),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a shop on each DBMS in turn."""
    server = None
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("draft") / "shop.db"
        url = f"sqlite:///{path}"
        sqlite3.connect(path).close()
    else:
        server = request.getfixturevalue(f"{request.param}_server")
        url = server.create("CHARACTER SET utf8mb4" if request.param == "mariadb" else "")
    ddl = SHOP if request.param != "postgresql" else [sql.replace("DATETIME", "TIMESTAMP") for sql in SHOP]
    samples.execute(url, *ddl, *rows())
    yield url
    if server:
        server.drop(url)


def suggested(found: Draft) -> set[tuple[str, str, str]]:
    """Table, word and rule of each suggestion."""
    rules = {
        (each.table, each.word, f"{each.column}={each.value}" if each.column else str(each.value))
        for held in found.held.values()
        for each in held
    }
    return rules | {(table, "key", column) for table, column in found.keys.items()}


def test_what_holds_is_suggested_and_what_does_not_is_not(shop: str) -> None:
    """Each law is found in clean data; with each planted defect it is gone, and the data are as they were."""
    clean = suggested(draft(Address(shop, "shop")))
    assert {(law.table, law.word, law.says) for law in LAWS} <= clean
    assert ("orders", "changed_at", "updated_at") in clean
    samples.execute(shop, *(law.breaks for law in LAWS))
    broken = suggested(draft(Address(shop, "shop")))
    assert {(law.table, law.word, law.says) for law in LAWS} & broken == set()


def test_a_moment_that_may_lie_ahead_is_not_asked_to_be_past(shop: str) -> None:
    """The name of a column says that it is about the future."""
    assert ("orders", "not_future", "expires_at") not in suggested(draft(Address(shop, "shop")))


def test_no_time_no_suggestion(shop: str) -> None:
    """When the time is over the tables are there, nothing is suggested, and the draft says so."""
    found = draft(Address(shop, "shop"), seconds=-1)
    assert found.late
    assert len(found.sights) == 3
    assert {word for _, word, _ in suggested(found)} <= {"changed_at"}


def test_an_empty_table_proves_nothing(tmp_path: Path) -> None:
    """Every law holds in no row: none is suggested."""
    path = tmp_path / "empty.db"
    with closing(sqlite3.connect(path)) as connection:
        for sql in SHOP:
            connection.execute(sql)
    found = draft(Address(f"sqlite:///{path}", "empty"))
    assert suggested(found) == set()
    assert [sight.rows for sight in found.sights.values()] == [0, 0, 0]
