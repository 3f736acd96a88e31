"""Two databases that are both at hand, without a baseline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_visionforge.compare import TableComparison, between, joins, locate
from pytest_visionforge.compare.pace import Journey, Pace
from pytest_visionforge.database import Database, Session, Snapshot
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from pytest_visionforge.plan.values.rules import TablePlan
from pytest_visionforge.plan.values.sections import Limits
from tests.compare.conftest import Migration, NewDatabase

ROWS = 400
TABLES = (
    "CREATE TABLE a (id integer PRIMARY KEY, n integer, t varchar(40))",
    "CREATE TABLE b (t varchar(40) PRIMARY KEY, n integer)",
    "CREATE TABLE c (n integer)",
    "INSERT INTO a VALUES " + ", ".join(f"({n * n - 50}, {n}, 'k{n}')" for n in range(ROWS)),
    "INSERT INTO b SELECT t, n FROM a",
    "INSERT INTO c SELECT n % 9 FROM a",
)


@pytest.fixture(autouse=True)
def digests_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small segments, and no joins: these have tests of their own."""
    monkeypatch.setattr("pytest_visionforge.compare.segments.ROWS", 64)
    monkeypatch.setattr(locate, "FEW", 4)
    monkeypatch.setattr(joins, "join", lambda *_, **__: None)


@pytest.fixture
def shop(migration: Migration) -> Migration:
    """Three tables, the same on both sides."""
    migration.both(*TABLES)
    return migration


def compared(
    migration: Migration, *changes: TableChange, tables: tuple[TablePlan, ...] = ()
) -> dict[str, TableComparison]:
    """What is found of each table."""
    source, target = migration.database(migration.before_url), migration.database(migration.after_url)
    plan = migration.plan(*changes, tables=tables)
    return {found.table: found for found in between(source, target, plan)}


def test_the_same_databases_are_equal(shop: Migration) -> None:
    """Each table is equal, and it is told how that was found."""
    found = compared(shop)
    assert set(found) == {"a", "b", "c"}
    for each in found.values():
        assert each.equal
        assert each.rows_before == each.rows_after == ROWS
        assert each.digest_before == each.digest_after != ""
    assert found["a"].method.startswith("SHA-256 of the ")
    assert found["a"].method.endswith(" of rows, in ranges of id, by 4 sessions on one snapshot")
    assert found["c"].method.endswith("in buckets by row")


def test_each_difference_is_named(shop: Migration) -> None:
    """Lost, altered and added rows are counted and named by their keys."""
    shop.after(
        "UPDATE a SET n = -1 WHERE n = 111",
        "DELETE FROM a WHERE n = 222",
        "INSERT INTO a VALUES (1000000, 0, NULL)",
        "UPDATE b SET t = 'K5' WHERE t = 'k5'",
        "DELETE FROM c WHERE n = 8",
    )
    found = compared(shop)
    assert (found["a"].lost, found["a"].altered, found["a"].added) == (1, 1, 1)
    assert {(dict(each.key)["id"], each.says) for each in found["a"].offenders} == {
        (str(111**2 - 50), "altered"),
        (str(222**2 - 50), "lost"),
        ("1000000", "added"),
    }
    assert (found["b"].lost, found["b"].added) == (1, 1)
    assert found["c"].lost == ROWS // 9
    assert not any(each.equal for each in found.values())


def test_only_a_few_rows_are_read(shop: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that differs is cut until few rows are left, and only these are read."""
    read: list[object] = []
    rows = locate._rows

    def counted(*args: object, **more: object) -> object:
        for row in rows(*args, **more):  # type: ignore[arg-type]
            read.append(row)
            yield row

    monkeypatch.setattr(locate, "_rows", counted)
    shop.after("UPDATE a SET t = 'changed' WHERE n = 200")
    assert compared(shop)["a"].altered == 1
    assert 2 <= len(read) <= 8


def test_many_rows_added_in_one_place(shop: Migration) -> None:
    """Rows that all come into one segment are counted exactly, however many they are."""
    values = ", ".join(f"({n + 10**6}, {n}, 'new')" for n in range(1000))
    shop.after(f"INSERT INTO a VALUES {values}")
    found = compared(shop)["a"]
    assert (found.equal, found.added, found.rows_after, len(found.offenders)) == (
        False,
        1000,
        ROWS + 1000,
        20,
    )
    assert compared(shop, TableChange("a", rows="appended"))["a"].equal
    shop.after("UPDATE a SET n = n + 1 WHERE id = 50")
    found = compared(shop, TableChange("a", rows="appended"))["a"]
    assert (found.equal, found.altered, found.added) == (False, 1, 1000)


def test_a_table_that_was_emptied(shop: Migration) -> None:
    """An empty table has lost every row; one that was empty has won them."""
    shop.after("DELETE FROM a", "DELETE FROM c")
    found = compared(shop)
    assert (found["a"].lost, found["c"].lost) == (ROWS, ROWS)
    swapped = Migration(shop.after_url, shop.before_url, shop.folder)
    found = compared(swapped)
    swapped.close()
    assert (found["a"].added, found["c"].added) == (ROWS, ROWS)


def test_everything_differs(shop: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything differs, reading stops at once, with a sample and both counts."""
    monkeypatch.setattr("pytest_visionforge.compare.rows.ENOUGH", 30)
    shop.after("UPDATE a SET t = 'same'", "DELETE FROM a WHERE n > 390")
    found = compared(shop)["a"]
    assert (found.equal, found.complete, len(found.offenders)) == (False, False, 20)
    assert 30 <= found.altered < 100
    assert (found.rows_before, found.rows_after) == (ROWS, 391)


def test_a_key_that_is_none_any_more(shop: Migration) -> None:
    """Where the migration lost the key, rows that are there twice are found all the same."""
    shop.after("CREATE TABLE d AS SELECT * FROM a", "INSERT INTO d SELECT * FROM a WHERE n < 10")
    shop.after("DROP TABLE a", "ALTER TABLE d RENAME TO a")
    found = compared(shop)["a"]
    assert (found.lost, found.altered, found.added) == (0, 0, 10)
    assert "buckets" in found.method


def test_what_the_plan_declares(shop: Migration) -> None:
    """Renames, expressions, conditions and exclusions are taken into account."""
    shop.after(
        "ALTER TABLE a RENAME TO orders",
        "ALTER TABLE orders RENAME COLUMN t TO title",
        "UPDATE orders SET n = n * 2",
        "DELETE FROM orders WHERE title = 'k7'",
        "DELETE FROM b",
        "DELETE FROM c",
    )
    orders = TableChange(
        "orders",
        renamed_from="a",
        columns=ColumnChanges(renamed={"title": "t"}, values={"n": "n * 2"}),
        rows="t <> 'k7'",
    )
    tables = (TablePlan("b", exclude="moved apart"),)
    found = compared(shop, orders, TableChange("c", rows="any"), tables=tables)
    assert all(each.equal for each in found.values())
    assert (found["orders"].rows_before, found["orders"].rows_after) == (ROWS - 1, ROWS - 1)
    assert "moved apart" in found["b"].note
    assert "any" in found["c"].note


def test_a_table_on_one_side(shop: Migration) -> None:
    """A table that one side does not have is not equal; one that neither has is an error."""
    shop.after("DROP TABLE c")
    found = compared(shop)["c"]
    assert (found.equal, found.lost, found.rows_after) == (False, ROWS, 0)
    source, target = shop.database(shop.before_url), shop.database(shop.after_url)
    with pytest.raises(DatabaseError, match="nowhere"):
        list(between(source, target, shop.plan(), tables=["nowhere"]))


ADDRESS = TableChange(
    "address",
    split_from="a",
    added=True,
    columns=ColumnChanges(renamed={"owner": "id"}, values={"street": "t"}),
    rows="n < 100",
)


def split(shop: Migration) -> TableChange:
    """One table becomes two."""
    shop.after(
        "CREATE TABLE address (number integer, owner integer PRIMARY KEY, street varchar(40))",
        "INSERT INTO address SELECT n + 1, id, t FROM a WHERE n < 100",
        "ALTER TABLE a DROP COLUMN t",
    )
    return TableChange("a", columns=ColumnChanges(dropped=("t",)))


def test_a_table_that_is_split(shop: Migration) -> None:
    """Each of the two tables is compared with its part of the one, and damage in either is found."""
    a = split(shop)
    found = compared(shop, a, ADDRESS)
    assert found["a"].equal
    assert (found["address"].equal, found["address"].rows_before) == (True, 100)
    shop.after("UPDATE address SET street = 'nowhere' WHERE number = 8", "DELETE FROM a WHERE n = 1")
    found = compared(shop, a, ADDRESS)
    assert found["a"].lost == 1
    assert found["address"].altered == 1
    assert dict(found["address"].offenders[0].before) == {"street": "k7"}


def test_a_split_against_the_baseline(shop: Migration) -> None:
    """The baseline holds what a split table takes; one that is declared later is read from before."""
    a = split(shop)
    assert shop.compare("address", a, ADDRESS).equal
    assert shop.asked == 0
    baseline = shop.baseline(shop.plan(a))
    assert shop.compare_with(baseline, "address", shop.plan(a, ADDRESS)).equal
    shop.after("DELETE FROM address WHERE number = 8")
    assert shop.compare("address", a, ADDRESS).lost == 1


def test_rows_that_are_split(shop: Migration) -> None:
    """A split table that names no columns takes whole rows."""
    shop.after(
        "CREATE TABLE old (id integer PRIMARY KEY, n integer, t varchar(40))",
        "INSERT INTO old SELECT * FROM a WHERE n < 50",
        "DELETE FROM a WHERE n < 50",
    )
    changes = (
        TableChange("a", rows="n >= 50"),
        TableChange("old", split_from="a", added=True, rows="n < 50"),
    )
    found = compared(shop, *changes)
    assert all(each.equal for each in found.values())
    shop.after("DELETE FROM old WHERE n = 3")
    assert compared(shop, *changes)["old"].lost == 1


def test_a_view_that_the_plan_names(shop: Migration) -> None:
    """A view with a key in the plan is compared as a table is, with a baseline and without."""
    shop.both("CREATE VIEW v AS SELECT id, n * 2 AS twice, t FROM a WHERE n < 100")
    tables = (TablePlan("v", key=("id",)),)
    assert compared(shop, tables=tables)["v"].equal
    assert "v" not in compared(shop)
    assert shop.compare("v", tables=tables).equal
    shop.after("UPDATE a SET t = 'x' WHERE n = 50")
    assert compared(shop, tables=tables)["v"].altered == 1
    assert shop.compare("v", tables=tables).altered == 1


def test_across(across: Migration) -> None:
    """Between two DBMS as within one."""
    across.both(*TABLES)
    assert all(found.equal for found in compared(across).values())
    across.after("UPDATE a SET t = NULL WHERE n = 300", "DELETE FROM b WHERE n = 7")
    found = compared(across)
    assert (found["a"].altered, found["b"].lost) == (1, 1)


def test_a_load(shop: Migration) -> None:
    """With resting in between the same is found, and it is told how far it is."""
    shop.after("UPDATE a SET n = -1 WHERE n = 111")
    told: list[str] = []
    source, target = shop.database(shop.before_url), shop.database(shop.after_url)
    plan = replace(shop.plan(), limits=Limits(load=0.5))
    found = next(iter(between(source, target, plan, tables=["a"], progress=told.append)))
    assert found.altered == 1
    assert told[-1].startswith(f"a: 100 %, {ROWS:,} of {ROWS:,} rows, ")


class Resting(Snapshot):
    """A snapshot that notes how long it was told to rest."""

    rested: list[float]

    def rest(self, seconds: float) -> None:
        """Does not wait."""
        self.rested.append(seconds)


@pytest.mark.parametrize(("load", "rest"), [(1.0, []), (0.5, [2.0]), (0.1, [18.0])])
def test_a_session_rests_in_proportion(sqlite: str, load: float, rest: list[float]) -> None:
    """The load is the share of time that a session works: it rests the others after each segment."""
    with Database("source", sqlite) as database, database.session() as session:
        snapshot = Resting([session])
        snapshot.rested = []
        with snapshot:
            Pace(load).rest(snapshot, session, 2.0)
        assert snapshot.rested == pytest.approx(rest)


def test_it_waits_while_the_server_is_busy(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind comparison waits while the server works for many others, and goes on when it does not."""
    busy = [9, 20, 3]

    def active(session: Session, ours: int) -> int:
        return busy.pop(0)

    monkeypatch.setattr("pytest_visionforge.dialects.sqlite.session.active", active)
    told: list[str] = []
    with Database("source", sqlite) as database, database.session() as session:
        snapshot = Resting([session])
        snapshot.rested = []
        with snapshot:
            Pace(0.5, told.append).rest(snapshot, session, 1.0)
        assert snapshot.rested == [1.0, 1.0, 1.0]
    assert busy == []
    assert told == ["waiting: the server is busy with others"] * 2


def test_words_of_progress() -> None:
    """Progress says how far a table is, and how long it will take."""
    told: list[str] = []
    journey = Journey("orders", Pace(progress=told.append))
    journey.went(20_000)
    journey.expect(26_000_000)
    journey.went(3_100_000)
    assert told[0] == "orders: 20,000 rows"
    assert told[1].startswith("orders: 12 %, 3.1 of 26.0 M rows, ")
    assert told[1].endswith(" left")


INTERRUPTED = """
import sys
from pathlib import Path
from pytest_visionforge.compare import between
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.changes import Changes, TableChange
from tests.compare.conftest import plan_of
before, after, slow = sys.argv[1:]
plan = plan_of(Path(), before, after, TableChange("a", rows=slow))
with Database("source", before) as source, Database("target", after) as target:
    source.schema, target.schema
    print("now", flush=True)
    list(between(source, target, plan))
"""
SLOWLY = {"postgresql": "pg_sleep(0.1) IS NOT NULL", "mysql": "sleep(0.1) = 0"}


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb"])
def test_ctrl_c(new_database: NewDatabase, dbms: str, tmp_path: object) -> None:
    """Ctrl-C ends a comparison at once, and no query of it runs on at the server."""
    urls = new_database(dbms), new_database(dbms)
    shop = Migration(*urls, tmp_path)  # type: ignore[arg-type]
    shop.both(*TABLES)
    slow = SLOWLY[shop.database(urls[0]).dialect.name]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *urls, slow],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    process.stdout.readline()
    running = _running(shop.database(urls[0]), slow.partition("(")[0])
    while not running():
        assert process.poll() is None, process.communicate()
        threading.Event().wait(0.05)
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert not running()
    shop.close()


def _running(database: Database, word: str) -> Callable[[], int]:
    """How many statements with a word in them run at the server."""
    sql = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
        f" AND query LIKE '%{word}%' AND pid <> pg_backend_pid()",
        "mysql": f"SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%{word}%'"
        " AND id <> connection_id()",
    }[database.dialect.name]
    return lambda: int(database.value(sql))
