"""VisionForge's data are the same for the same seed, coherent, and made in little memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Float, Numeric, Select, Table, inspect, select, text, type_coerce
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.demo.generate import families, generate
from pytest_visionforge.demo.tables import metadata
from pytest_visionforge.errors import CannotConnect, DatabaseError
from tests.demo.samples import SCALE, rows
from tests.soak import examples

MOMENTS = {
    "accounts": ("created_at",),
    "runs": ("created_at", "started_at", "finished_at"),
    "payments": ("paid_at",),
    "audit_events": ("at",),
}


def collected(scale: float, seed: int = 7) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in memory."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in metadata.tables}
    for family in families(scale, seed):
        for table, made in family.items():
            tables[table] += made
    return tables


def test_the_story_holds_at_scale_one(tmp_path: Path) -> None:
    """Scale 1 has nine tables, about 41,000 rows, and invoice 1234 alone has more than two decimals."""
    path = tmp_path / "one.db"
    counts = generate(f"sqlite:///{path}")
    assert len(counts) == 9
    assert 40_000 < sum(counts.values()) < 43_000
    assert counts["invoices"] == 8412
    with sqlite3.connect(path) as connection:
        odd = connection.execute("select id, amount from invoices where amount <> round(amount, 2)")
        assert odd.fetchall() == [(1234, 19.9975)]
    connection.close()


def test_a_seed_gives_the_same_rows_and_another_seed_others() -> None:
    """The rows depend on the seed and on nothing else."""
    assert collected(0.01, seed=1) == collected(0.01, seed=1)
    assert collected(0.01, seed=1) != collected(0.01, seed=2)


def test_every_dbms_gets_the_rows_that_were_made(engine: Engine) -> None:
    """What is read back is what was made: text of all scripts, NULL and '', money, bytes, moments, JSON."""
    made = collected(SCALE)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            found = [dict(row) for row in connection.execute(_readable(table)).mappings()]
            assert _multiset(table, found) == _multiset(table, made[table.name]), table.name


def _is_money(column: Column[Any]) -> bool:
    return type(column.type) is Numeric


def _readable(table: Table) -> Select[Any]:
    """The whole table; SQLite's driver knows no decimals, so money is read as it is stored."""
    columns = [
        type_coerce(column, Float()).label(column.name) if _is_money(column) else column
        for column in table.columns
    ]
    return select(*columns)


def _multiset(table: Table, found: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """The rows as texts, money with four decimals."""
    return Counter(
        tuple(
            f"{row[column.name]:.4f}" if _is_money(column) else repr(row[column.name])
            for column in table.columns
        )
        for row in found
    )


@settings(max_examples=examples(15), deadline=None)
@given(scale=st.floats(0.0001, 0.03), seed=st.integers(0, 2**32))
def test_data_are_coherent_at_any_scale_and_seed(scale: float, seed: int) -> None:
    """Totals add up exactly, times are in order, keys are unique, parents exist, for any scale and seed."""
    tables = collected(scale, seed)
    _adds_up(tables)
    _is_in_order(tables)
    for table in metadata.sorted_tables:
        key = [column.name for column in table.primary_key]
        keys = [tuple(row[name] for name in key) for row in tables[table.name]]
        assert not key or len(set(keys)) == len(keys), table.name
        for foreign in table.foreign_keys:
            parents = {row[foreign.column.name] for row in tables[foreign.column.table.name]}
            assert {row[foreign.parent.name] for row in tables[table.name]} <= parents | {None}
    assert len({account["email"] for account in tables["accounts"]}) == len(tables["accounts"])


def _adds_up(tables: dict[str, list[dict[str, Any]]]) -> None:
    odd = 0
    for invoice in tables["invoices"]:
        lines = [row for row in tables["invoice_lines"] if row["invoice_id"] == invoice["id"]]
        paid = [
            p["amount"]
            for p in tables["payments"]
            if p["invoice_id"] == invoice["id"] and p["status"] == "settled"
        ]
        assert invoice["amount"] == sum(row["line_total"] for row in lines)
        assert (invoice["paid"], invoice["line_count"]) == (sum(paid), len(lines))
        assert invoice["status"] != "paid" or invoice["paid"] == invoice["amount"]
        odd += invoice["amount"] != round(invoice["amount"], 2)
    assert odd == 1


def _is_in_order(tables: dict[str, list[dict[str, Any]]]) -> None:
    for table, names in MOMENTS.items():
        for row in tables[table]:
            moments = [row[name] for name in names if row[name] is not None]
            assert moments == sorted(moments)
    for invoice in tables["invoices"]:
        assert invoice["issued_at"] <= invoice["due_at"]
        assert invoice["paid_at"] is None or invoice["issued_at"] <= invoice["paid_at"]


def test_the_hard_cases_are_in_it() -> None:
    """A small database has each thing that makes comparing hard."""
    tables = collected(SCALE)
    assert {None, ""} <= {account["phone"] for account in tables["accounts"]}
    assert any(not account["name"].isascii() for account in tables["accounts"])
    assert any(" " not in account["name"] for account in tables["accounts"])
    assert any(account["name"].count(" ") > 1 for account in tables["accounts"])
    assert any(run["retry_of"] for run in tables["runs"])
    assert any(model["parent_id"] for model in tables["models"])
    events = Counter(tuple(event.items()) for event in tables["audit_events"])
    assert max(events.values()) == 2


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    """Four times the rows take no more memory."""

    def peak(scale: float) -> int:
        tracemalloc.start()
        try:
            generate(f"sqlite:///{tmp_path / f'{scale}.db'}", scale=scale)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(0.001)  # what is loaded once
    assert peak(0.8) < 1.3 * peak(0.2)


def test_families_are_made_one_at_a_time() -> None:
    """The first accounts of a huge database are there at once."""
    assert len(list(islice(families(1e6, 7), 3))) == 3


def test_a_database_that_has_such_a_table_is_refused_and_left_alone(sqlite: str) -> None:
    """Generating never writes into tables that are there: one error names them."""
    path = sqlite.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    connection.execute("create table invoices (id int)")
    connection.close()
    before = Path(path).read_bytes()
    with pytest.raises(DatabaseError, match="already has invoices"):
        generate(sqlite, scale=0.001)
    assert Path(path).read_bytes() == before


def test_the_log_is_final(engine: Engine) -> None:
    """The trigger refuses to change an event, on each DBMS."""
    with pytest.raises(DBAPIError, match="audit events are final"), engine.begin() as connection:
        connection.execute(text("update audit_events set actor = 'nobody'"))


def test_the_view_sums_up_the_accounts(engine: Engine) -> None:
    """The view has one row for each account."""
    assert "account_balances" in inspect(engine).get_view_names()
    assert rows(engine, "select count(*) from account_balances") == rows(
        engine, "select count(*) from accounts"
    )


def test_the_revision_is_stamped(engine: Engine) -> None:
    """A generated database stands at revision 0001."""
    assert rows(engine, "select version_num from alembic_version") == [("0001",)]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("visionforge.db", "not a URL"),
        ("oracle://user:secret@127.0.0.1/x", "not a URL|driver"),
        ("postgresql://user:secret@127.0.0.1:1/x", "cannot open postgresql"),
        ("mysql://user:secret@127.0.0.1:1/x", "cannot open mysql"),
        ("sqlite:////no/such/directory/x.db", "cannot open sqlite"),
    ],
)
def test_an_address_that_is_of_no_use_gets_one_message_without_its_password(address: str, says: str) -> None:
    """What cannot be opened is one error that people can read, and no password is in it."""
    with pytest.raises(CannotConnect, match=says) as caught:
        generate(address, scale=0.001)
    assert "secret" not in str(caught.value)
