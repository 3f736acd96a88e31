"""The statistics of columns: taken with the baseline, and told where a table is not as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_visionforge.compare.statistics import AT_ONCE, LARGE, Statistics, statistics, told
from pytest_visionforge.database import Database
from tests.compare.conftest import Migration, run

VALUES = (
    "CREATE TABLE t (id integer NOT NULL PRIMARY KEY, price numeric(12,2), big bigint, day date,"
    " at $TIMESTAMP, note varchar(20), weight $DOUBLE, yes $BOOLEAN, raw $BLOB)",
    "INSERT INTO t VALUES (1, 1.50, 9223372036854775807, '2024-02-29', '2024-02-29 12:00:00', 'Zürich', 0.5,"
    " true, NULL), (2, -3.25, 9223372036854775807, '1999-12-31', NULL, '', -2, false, NULL),"
    " (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
)


def _number(text: str | None) -> float:
    return float(text or "nan")


def test_what_a_column_holds(migration: Migration) -> None:
    """NULLs, the least, the greatest and the sum of numbers; first and last moments; lengths in bytes."""
    migration.both(*VALUES)
    database = migration.database(migration.before_url)
    table = database.schema.tables["t"]
    with database.snapshot() as snapshot:
        found = statistics(snapshot, table, LARGE + 1)
    assert {name: each.nulls for name, each in found.items() if name != "id"} == {
        **dict.fromkeys(("price", "big", "day", "note", "weight", "yes"), 1),
        "at": 2,
        "raw": 3,
    }
    price, yes = found["price"], found["yes"]
    assert [_number(each) for each in (price.least, price.greatest, price.total)] == [-3.25, 1.5, -1.75]
    assert [_number(each) for each in (yes.least, yes.greatest, yes.total)] == [0, 1, 1]
    assert _number(found["big"].total) == pytest.approx(2 * 9223372036854775807)
    assert (found["day"].least, found["day"].greatest) == ("1999-12-31", "2024-02-29")
    assert str(found["at"].least).startswith("2024-02-29 12:00:00")
    note = found["note"]
    assert (note.of, note.least, note.greatest, float(note.total or 0)) == ("bytes", "0", "7", 7.0)
    assert found["raw"] == Statistics("bytes", 3)


def test_an_empty_table_and_a_wide_one(migration: Migration) -> None:
    """There is nothing to say of no rows; columns beyond what one statement asks for are there, too."""
    names = [f"c{number}" for number in range(2 * AT_ONCE + 3)]
    migration.both(f"CREATE TABLE wide ({', '.join(f'{name} integer' for name in names)})")
    database = migration.database(migration.before_url)
    table = database.schema.tables["wide"]
    with database.snapshot() as snapshot:
        found = statistics(snapshot, table, 0)
    assert list(found) == names
    assert set(found.values()) == {Statistics("values", 0)}


def test_they_are_told_where_rows_differ(migration: Migration) -> None:
    """A cent, a NULL and a letter: the record says so of the columns, and nothing of the others."""
    migration.both(*VALUES)
    plan = migration.plan()
    baseline = migration.baseline(plan)
    assert baseline.tables["t"].columns["note"].nulls == 1
    same = migration.compare_with(baseline, "t", plan)
    assert (same.equal, same.note) == (True, "")
    migration.after(
        "UPDATE t SET price = price + 0.01, note = 'x' WHERE id = 2", "DELETE FROM t WHERE id = 3"
    )
    note = migration.compare_with(baseline, "t", plan).note
    assert "note: NULLs 1 → 0, shortest 0 → 1, bytes in all 7" in note
    assert "price: NULLs 1 → 0, least -3.25 → -3.24, sum -1.75 → -1.74" in note
    assert "weight: NULLs 1 → 0" in note
    assert "sum -1.5" not in note


def test_many_columns_are_not_all_told() -> None:
    """The first few are told, and how many there are more."""
    before = {f"c{number}": Statistics("values", 0) for number in range(20)}
    after = {name: Statistics("values", 1) for name in before}
    words = told(before, after, {name: name for name in before})
    assert words.startswith("c0: NULLs 0 → 1; c1: ")
    assert words.endswith("and 12 columns more")
    assert told(before, before, {name: name for name in before}) == ""


def test_values_of_another_type_are_passed_over(tmp_path: Path) -> None:
    """SQLite keeps whatever comes: bytes that are no text do not keep a baseline from being taken."""
    url = f"sqlite:///{tmp_path / 'any.db'}"
    run(url, "CREATE TABLE t (n integer, d date, x text)")
    run(
        url,
        "INSERT INTO t VALUES (x'ff', x'ff', x'ff'), ('q', CAST(x'ff' AS text), 1), (2, '2024-01-02', NULL)",
    )
    with Database("source", url) as database:
        table = database.schema.tables["t"]
        with database.snapshot() as snapshot:
            found = statistics(snapshot, table, 3)
    assert found["n"] == Statistics("values", 0, "2", "2", "2.0")
    assert found["d"] == Statistics("moments", 0, "2024-01-02", "2024-01-02")
    assert found["x"] == Statistics("bytes", 1, "1", "1", "2.0")
