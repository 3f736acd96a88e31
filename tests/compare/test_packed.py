"""The binary form of rows: what differs in it, differs; and widening a type changes nothing."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from pytest_visionforge.compare.projecting import identity
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from tests.compare.conftest import Migration, NewDatabase

COLUMNS = (
    "id integer, s smallint, n numeric, b boolean, d double precision, t text, v varchar(3), c char(4),"
    " y bytea, m timestamp, z timestamptz, day date, hour time, u uuid, j jsonb, e interval, a integer[]"
)
# values that lie next to each other, or look like the marks of the form
VALUES: dict[str, list[Any]] = {
    "s": [None, 0, 1, -1, 255],
    "n": [None, 0, "1.5", "-1.5", "NaN", "1e20"],
    "b": [None, True, False],
    "d": [None, 0.0, 1.5, -1.5, float("nan"), float("inf"), 1e-300],
    "t": [None, "", "a", "\x01", "ÿ", "þÿ", "a" * 1024, "a" * 1025, "a" * 1024 + "b", "\U0010ffff"],
    "v": [None, "", "a", "ab", "ÿ"],
    "c": [None, "", "a", "ab"],
    "y": [None, b"", b"\xff", b"\xfe", b"\xfd", b"\x00", b"\xff\xff", b"\xff" * 1025, b"\xff" * 1026],
    "m": [None, "2000-01-01", "1999-12-31 23:59:59.999999", "infinity"],
    "z": [None, "2000-01-01 00:00+00", "2000-01-01 00:00+01"],
    "day": [None, "2000-01-01", "infinity", "0044-03-15 BC"],
    "hour": [None, "00:00", "24:00", "12:00:00.000001"],
    "u": [None, "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"],
    "j": [None, "null", "{}", '{"a": 1}'],
    "e": [None, "1 mon", "30 days", "720:00"],
    "a": [None, "{}", "{1}", "{1,NULL}"],
}


@pytest.fixture
def rows(new_database: NewDatabase) -> Database:
    """Many rows of such values, each alone beside NULLs, each beside the first values, and mixed."""
    url = new_database("postgresql")
    generator = random.Random(7)  # noqa: S311
    nothing = dict.fromkeys(VALUES)
    first = {name: values[1] for name, values in VALUES.items()}
    found = [
        {**around, name: value} for around in (nothing, first) for name in VALUES for value in VALUES[name]
    ]
    found += [{name: generator.choice(values) for name, values in VALUES.items()} for _ in range(400)]
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE t ({COLUMNS})"))
        for number, row in enumerate(found):
            names = ", ".join(row)
            marks = ", ".join(f"CAST(:{name} AS {_type(name)})" for name in row)
            connection.execute(text(f"INSERT INTO t (id, {names}) VALUES ({number}, {marks})"), row)
    engine.dispose()
    return Database("source", url)


def _type(name: str) -> str:
    return next(
        column.strip().partition(" ")[2] for column in COLUMNS.split(",") if column.split()[0] == name
    )


def test_what_differs_differs(rows: Database) -> None:
    """Two rows have one binary form exactly if they have one canonical text, whatever stands where."""
    with rows, rows.session() as session:
        table = rows.table("t")
        reading = identity(table, rows.dialect).side_before(rows.dialect, table)
        assert reading.packs
        without_id = type(reading)(reading.table, reading.fields[1:], packs=True)
        found = session.all(
            f"SELECT {without_id.hashed(rows.dialect)}, {without_id.row(rows.dialect)} FROM t"
        )
    packed, texts, pairs = {p for p, _ in found}, {t for _, t in found}, {(p, t) for p, t in found}
    assert len(found) > 500
    assert len(packed) == len(texts) == len(pairs) > 400


def test_no_end_of_a_row_is_the_start_of_the_next(rows: Database) -> None:
    """No binary form of a row begins with that of another: a segment's bytes tell its rows apart."""
    with rows, rows.session() as session:
        table = rows.table("t")
        reading = identity(table, rows.dialect).side_before(rows.dialect, table)
        found = sorted({row[0] for row in session.all(f"SELECT {reading.hashed(rows.dialect)} FROM t")})
    assert not [second for first, second in itertools.pairwise(found) if second.startswith(first)]


def test_a_wider_type_changes_nothing(new_database: NewDatabase, tmp_path: Any) -> None:
    """Digests of binary forms stay the same where a type is widened: no row is read."""
    migration = Migration(new_database("postgresql"), new_database("postgresql"), tmp_path)
    migration.both(
        "CREATE TABLE t (id integer PRIMARY KEY, s smallint NOT NULL, v varchar(10), c varchar(5) NOT NULL, r real,"
        " n numeric(8,2))",
        "INSERT INTO t VALUES (1, -5, 'x', 'y', 1.5, 1.50), (2, 7, NULL, '', NULL, NULL)",
    )
    migration.after(
        "ALTER TABLE t ALTER id TYPE bigint, ALTER s TYPE integer, ALTER s DROP NOT NULL, ALTER v TYPE text,"
        " ALTER c TYPE varchar(3000), ALTER r TYPE double precision, ALTER n TYPE numeric(12,4)"
    )
    found = migration.compare("t")
    assert found.equal
    assert found.digest_before == found.digest_after
    assert migration.asked == 0
    migration.after("UPDATE t SET s = s + 1 WHERE id = 2")
    assert migration.compare("t").altered == 1
    migration.close()


def test_another_kind_of_type_is_compared_as_text(new_database: NewDatabase, tmp_path: Any) -> None:
    """Where a type becomes one of another kind, the values decide, and the baseline is taken anew."""
    migration = Migration(new_database("postgresql"), new_database("postgresql"), tmp_path)
    migration.both(
        "CREATE TABLE t (id integer PRIMARY KEY, n integer)", "INSERT INTO t VALUES (1, 5), (2, NULL)"
    )
    migration.after("ALTER TABLE t ALTER n TYPE numeric(10,2)")
    change = TableChange("t", columns=ColumnChanges(types=("n",)))
    assert migration.compare("t", change).equal
    assert migration.asked > 0
    migration.after("UPDATE t SET n = 5.01 WHERE id = 1")
    assert dict(migration.compare("t", change).offenders[0].after) == {"n": "5.01"}
    migration.close()
