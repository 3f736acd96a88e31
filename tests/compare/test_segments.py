"""Segments hold every row once, whatever the table is like."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_visionforge import dialects
from pytest_visionforge.compare import Segment, TableDigests, identity_digests
from pytest_visionforge.compare.reading import Field, Reading
from pytest_visionforge.compare.segments import condition_of
from tests.compare.conftest import Migration, run

POSTGRESQL = dialects.named("postgresql")
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
        ", ".join(f"c{n} integer" for n in range(999)) + ", v integer",
        "SELECT " + "1, " * 999 + "n",
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


# keys of types that each DBMS has in its own way; whether they are cut into ranges
KEYS = {
    "uuid": {
        "postgresql": ("uuid", "md5(n::text)::uuid", True),
        "mysql": ("uuid", "concat('00000000-0000-4000-8000-', lpad(hex(n * 7919), 12, '0'))", False),
        "sqlite": ("uuid", "printf('%032x', n * 7919)", False),
    },
    "bytes": {
        "postgresql": (
            "bytea",
            "decode(substr(md5(n::text), 1, 2 + n % 9 * 2), 'hex') || '\\xff'::bytea",
            True,
        ),
        "mysql": ("varbinary(20)", "concat(unhex(substr(md5(n), 1, 4 + 2 * (n % 9))), X'FF')", True),
        "sqlite": ("blob", "cast(printf('%d', n * 7919) AS blob)", False),
    },
    "text": {
        "postgresql": ('varchar(40) COLLATE "C"', "md5(n::text) || ' ''\\:' || chr(960 + n)", True),
        "mysql": (
            "varchar(40) COLLATE utf8mb4_general_ci",
            "concat(n * 7919 % 100, ' \\\\''\\:Ä', n)",
            True,
        ),
        "sqlite": ("varchar(40) COLLATE NOCASE", "(n * 7919 % 100) || ' ''Ä' || n", False),
    },
    "moment": {
        "postgresql": ("timestamp", "timestamp '1969-12-31 23:59:50.5' + n * interval '1.25 s'", True),
        "mysql": (
            "datetime(6)",
            "timestamp '1969-12-31 23:59:50.5' + interval (n * 1250000) microsecond",
            True,
        ),
        "sqlite": ("timestamp", "strftime('%Y-%m-%d %H:%M:%f', n * 0.37 + 2440587.5)", False),
    },
    "day": {
        "postgresql": ("date", "date '1969-12-01' + n", True),
        "mysql": ("date", "date '1969-12-01' + interval n day", True),
        "sqlite": ("date", "date(n + 2440587.5)", False),
    },
    "big": {
        "postgresql": ("bigint", "-9223372036854775808 + n * 300000000000000000.0::numeric", True),
        "mysql": ("bigint unsigned", "18446744073709551615 - n * cast(300000000000000000 AS unsigned)", True),
        "sqlite": ("bigint", "-9223372036854775807 + n * 300000000000000000", True),
    },
}


@pytest.mark.parametrize("key", KEYS)
def test_every_kind_of_key(migration: Migration, key: str) -> None:
    """Keys of any type are cut so that each row is in one segment; one lost row and one altered are named."""
    name = migration.database(migration.before_url).dialect.name
    type, value, ranges = KEYS[key][name]
    numbers = ", ".join(f"({n})" for n in range(50))
    migration.both(
        "CREATE TABLE numbers (n integer)",
        f"INSERT INTO numbers VALUES {numbers}",
        f"CREATE TABLE t (id {type} PRIMARY KEY, v integer)",
    )
    run(migration.before_url, f"INSERT INTO t SELECT {value}, n FROM numbers ORDER BY n".replace("\\:", ":"))
    run(migration.after_url, f"INSERT INTO t SELECT {value}, n FROM numbers ORDER BY -n".replace("\\:", ":"))
    before, after = digests(migration, migration.before_url), digests(migration, migration.after_url)
    assert before == after
    assert (before.ranges, before.rows) == (ranges, 50)
    assert not ranges or len(before.segments) >= 50 // 7
    migration.after("UPDATE t SET v = -1 WHERE v = 11", "DELETE FROM t WHERE v = 30")
    found = migration.compare("t")
    assert (found.lost, found.altered, found.added) == (1, 1, 0)


def test_a_key_of_whole_numbers_that_holds_others(migration: Migration) -> None:
    """SQLite takes any value for a whole number: such a key is not cut into ranges, and compares all the same."""
    if not migration.before_url.startswith("sqlite"):
        pytest.skip("only SQLite keeps a value of another type")
    numbers = ", ".join(f"({n}, {n}), ('k{n}', {n}), (x'{n:04x}', {n}), ({n}.5, {n})" for n in range(20))
    migration.both("CREATE TABLE t (id int PRIMARY KEY, v integer)", f"INSERT INTO t VALUES {numbers}")
    assert not digests(migration, migration.before_url).ranges
    assert migration.compare("t").equal
    migration.after("UPDATE t SET v = 100 WHERE id = 'k7'")
    assert migration.compare("t").altered == 1


def test_others_come_into_a_key_of_whole_numbers(
    migration: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of another type that the migration puts into such a key are added rows."""
    if not migration.before_url.startswith("sqlite"):
        pytest.skip("only SQLite keeps a value of another type")
    monkeypatch.setattr("pytest_visionforge.compare.locate.FEW", 2)
    migration.both(
        "CREATE TABLE t (id int PRIMARY KEY, v integer)", "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"
    )
    migration.after("INSERT INTO t VALUES ('k', 1), ('l', 1), (x'00', 1)")
    found = migration.compare("t")
    assert (found.added, found.lost, found.altered) == (3, 0, 0)


def test_a_partitioned_table(migration: Migration) -> None:
    """A partitioned table is one table; a row that is lost in one of its parts is named."""
    name = migration.database(migration.before_url).dialect.name
    parts = {
        "postgresql": (
            "CREATE TABLE t (id integer PRIMARY KEY, v integer) PARTITION BY RANGE (id)",
            "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (20)",
            "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (20) TO (100)",
        ),
        "mysql": ("CREATE TABLE t (id integer PRIMARY KEY, v integer) PARTITION BY HASH (id) PARTITIONS 3",),
    }
    if name not in parts:
        pytest.skip("SQLite has no partitions")
    numbers = ", ".join(f"({n}, {n})" for n in range(50))
    migration.both(*parts[name], f"INSERT INTO t VALUES {numbers}")
    assert migration.compare("t").equal
    migration.after("DELETE FROM t WHERE id = 30")
    assert dict(migration.compare("t").offenders[0].key) == {"id": "30"}


def test_texts_of_several_collations(migration: Migration) -> None:
    """Columns of different character sets and collations are compared together, by their characters."""
    if migration.database(migration.before_url).dialect.name != "mysql":
        pytest.skip("only MariaDB gives each column a character set")
    migration.both(
        "CREATE TABLE t (id varchar(9) CHARACTER SET latin1 PRIMARY KEY, a varchar(9) COLLATE utf8mb4_bin,"
        " b varchar(9) COLLATE utf8mb4_general_ci, c text CHARACTER SET latin1, d enum('ä', 'b'), e json,"
        " f binary(3), g char(5) CHARACTER SET utf8mb3)",
        "INSERT INTO t VALUES ('ä', 'ä', 'ä', 'ä', 'ä', '\"ä\"', X'C3A4FF', 'ä'),"
        " ('b', '', '', '', 'b', NULL, '', '')",
    )
    assert migration.compare("t").equal
    migration.after("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    assert migration.compare("t").equal
    migration.after("UPDATE t SET c = 'Ä' WHERE id = 'ä'")
    found = migration.compare("t")
    assert (dict(found.offenders[0].before), found.altered) == ({"c": "ä"}, 1)


def test_inheritance_generated_and_other_schemas(migration: Migration) -> None:
    """PostgreSQL's children, generated columns and tables of other schemas are compared."""
    if migration.database(migration.before_url).dialect.name != "postgresql":
        pytest.skip("only PostgreSQL has these")
    numbers = ", ".join(f"({n}, {n})" for n in range(50))
    migration.both(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.t (id integer PRIMARY KEY, v integer,"
        " twice integer GENERATED ALWAYS AS (v * 2) STORED)",
        "CREATE TABLE child (note text) INHERITS (sales.t)",
        f"INSERT INTO sales.t VALUES {numbers}",
        "INSERT INTO child (id, v, note) VALUES (7, 7, 'the same key as a row of its parent')",
    )
    for table in ("sales.t", "child"):
        assert migration.compare(table).equal
    migration.after("UPDATE child SET v = 8")
    found = migration.compare("sales.t")
    assert dict(found.offenders[0].before) == {"v": "7", "twice": "14"}
    assert migration.compare("child").altered + migration.compare("child").lost == 1


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
    fields = tuple(Field(name, name, "number", "integer", order="number") for name in "abc")
    reading = Reading("t", fields, ("a", "b", "c"), "", True)
    edges = [(), *(tuple(map(str, bound)) for bound in sorted(bounds)), ()]
    segments = [Segment(low, high) for low, high in pairwise(edges)]
    for row in rows:
        holding = [segment for segment in segments if _holds(condition_of(POSTGRESQL, reading, segment), row)]
        assert len(holding) == 1
        low = tuple(map(int, holding[0].low))
        high = tuple(map(int, holding[0].high))
        assert not low or row > low
        assert not high or row <= high


def _holds(condition: str, row: tuple[int, ...]) -> bool:
    """The condition, which is plain enough for Python to read."""
    python = condition.replace(" = ", " == ").replace("AND", "and").replace("OR", "or") or "True"
    return bool(eval(python, dict(zip("abc", row, strict=True))))  # noqa: S307
