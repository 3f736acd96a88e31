"""Segments hold every row once, whatever the table is like."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_visionforge.compare import Digest, Segment, TableDigests, identity_digests
from pytest_visionforge.compare import run as run_segments
from pytest_visionforge.compare.reading import Field, Reading
from pytest_visionforge.compare.segments import condition_of
from tests.compare.conftest import Migration, run

HOSTILE = ['a"b', "a'b", "a`b", "a b", "a:b", "a;--", "a%s", "select", "ÄÖ", "a\\b", "MiXed", "x" * 60]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of seven rows, so that small tables have many."""
    monkeypatch.setattr("pytest_visionforge.compare.segments.ROWS", 7)


SHAPES = {
    "gaps": ("id integer PRIMARY KEY, v integer", "SELECT n * n * 1000 - 5000, n"),
    "decimals": ("id numeric(20,5) PRIMARY KEY, v integer", "SELECT n / 8.0 - 3, n"),
    "composite": ("a integer, b integer, v integer, PRIMARY KEY (a, b)", "SELECT n % 3, n, n"),
    "text": ("id varchar(40) PRIMARY KEY, v integer", "SELECT cast(n * 7919 % 1000 AS $CHAR), n"),
    "mixed": ("a integer, b varchar(40), v integer, PRIMARY KEY (b, a)", "SELECT n, 'k' , n"),
    "no key": ("a integer, v integer", "SELECT 1, n % 4"),
    "one column": ("v integer", "SELECT n"),
    "one key column": ("v integer PRIMARY KEY", "SELECT n"),
    "many columns": (
        ", ".join(f"c{n} integer" for n in range(300)) + ", v integer",
        "SELECT " + "1, " * 300 + "n",
    ),
    "empty": ("id integer PRIMARY KEY, v integer", "SELECT n, n FROM numbers WHERE n < 0"),
    "one row": ("id integer PRIMARY KEY, v integer", "SELECT n, n FROM numbers WHERE n = 5"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_table(migration: Migration, shape: str) -> None:
    """Every row is in one segment; the same rows in another order give the same digests; a change another."""
    columns, select = SHAPES[shape]
    char = "CHAR" if migration.before_url.startswith("mysql") else "varchar(40)"
    select = select.replace("$CHAR", char)
    select = select if "FROM" in select else f"{select} FROM numbers"
    numbers = ", ".join(f"({n})" for n in range(50))
    migration.both("CREATE TABLE numbers (n integer)", f"INSERT INTO numbers VALUES {numbers}")
    migration.both(f"CREATE TABLE t ({columns})")
    insert = f"INSERT INTO t {select}"
    run(migration.before_url, insert + " ORDER BY n")
    run(migration.after_url, insert + " ORDER BY n DESC")
    before, after = digests(migration, migration.before_url), digests(migration, migration.after_url)
    assert before == after
    assert before.rows == migration.database(migration.before_url).value("SELECT count(*) FROM t")
    if before.rows:
        migration.after("UPDATE t SET v = v + 100 WHERE v = 3" if before.rows > 1 else "UPDATE t SET v = 100")
        changed = digests(migration, migration.after_url)
        assert before.differing(changed)
        assert changed.digest != before.digest


def digests(migration: Migration, url: str) -> TableDigests:
    """The digests of the table t."""
    database = migration.database(url)
    with database.session() as session:
        return identity_digests(session, database.schema, exclude=("numbers",))["t"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(migration: Migration, name: str) -> None:
    """Tables and columns of any name are compared, and a change in them is found."""
    database = migration.database(migration.before_url)
    table, column, key = (
        database.quote(part).replace(r"\:", ":") for part in (name, f"{name}v"[-60:], f"k{name}"[:60])
    )
    migration.both(
        f"CREATE TABLE {table} ({key} integer PRIMARY KEY, {column} varchar(20))",
        f"INSERT INTO {table} VALUES (1, 'x'), (2, 'y')",
    )
    id = next(iter(database.schema.tables))
    assert migration.compare(id).equal
    migration.after(f"UPDATE {table} SET {column} = 'z' WHERE {key} = 2")
    found = migration.compare(id)
    assert (found.altered, found.lost, found.added) == (1, 0, 0)


def test_null_in_a_key(migration: Migration) -> None:
    """Rows whose key holds a NULL are in a segment of their own, and one that is lost is found."""
    if not migration.before_url.startswith("sqlite"):
        pytest.skip("only SQLite has NULL in a primary key")
    numbers = ", ".join(f"({n}, {n})" for n in range(30))
    migration.both(
        "CREATE TABLE t (id int PRIMARY KEY, v integer)",
        f"INSERT INTO t VALUES {numbers}",
        "INSERT INTO t VALUES (NULL, 1), (NULL, 1), (NULL, 2)",
    )
    assert migration.compare("t").equal
    migration.after("DELETE FROM t WHERE id IS NULL AND v = 2")
    assert migration.compare("t").lost == 1


@given(
    st.lists(st.tuples(*[st.integers(-5, 5)] * 3), unique=True, min_size=1),
    st.lists(st.tuples(*[st.integers(-5, 5)] * 3), unique=True, min_size=1, max_size=4),
)
def test_ranges_hold_each_row_once(rows: list[tuple[int, ...]], bounds: list[tuple[int, ...]]) -> None:
    """The conditions of a composite key's ranges hold every row exactly once, in the order of the key."""
    fields = tuple(Field(name, name, "number", "integer") for name in "abc")
    reading = Reading("t", fields, ("a", "b", "c"), "", True)
    edges = [(), *(tuple(map(str, bound)) for bound in sorted(bounds)), ()]
    segments = [Segment(low, high) for low, high in pairwise(edges)]
    for row in rows:
        holding = [segment for segment in segments if _holds(condition_of(reading, segment), row)]
        assert len(holding) == 1
        low = tuple(map(int, holding[0].low))
        high = tuple(map(int, holding[0].high))
        assert not low or row > low
        assert not high or row <= high


def _holds(condition: str, row: tuple[int, ...]) -> bool:
    """The condition, which is plain enough for Python to read."""
    python = condition.replace(" = ", " == ").replace("AND", "and").replace("OR", "or") or "True"
    return bool(eval(python, dict(zip("abc", row, strict=True))))  # noqa: S307


def test_segments_run_on_a_pool() -> None:
    """A pool gives the same digests in the same order as none."""
    segments = [Segment(low=(str(n),)) for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        assert list(run_segments(segments, _digest, pool)) == list(run_segments(segments, _digest))


def _digest(segment: Segment) -> Digest:
    return Digest(segment, len(segment.low), segment.low[0])
