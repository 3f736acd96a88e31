"""Both tables in one statement: exact, on each DBMS, against what plain Python finds."""

from __future__ import annotations

import sqlite3
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pytest_visionforge.compare import between
from pytest_visionforge.compare.joins import Joined, join
from pytest_visionforge.compare.pairing import SPAN
from pytest_visionforge.compare.projecting import project
from pytest_visionforge.compare.rows import ENOUGH, Differences
from pytest_visionforge.database import Database
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.rules import TablePlan
from pytest_visionforge.plan.values.sections import Limits
from tests import servers
from tests.compare.conftest import plan_of
from tests.soak import examples

Rows = Mapping[int, tuple[Any, ...]]


@dataclass
class Two:
    """Two databases that one connection sees, and the ids of a table in each."""

    before: Database
    after: Database
    names: tuple[str, str] = ("t", "t")

    def run(self, *statements: str) -> None:
        """Runs statements on both sides; {t} is the table."""
        for side in (0, 1):
            self.side(side, *statements)

    def side(self, side: int, *statements: str) -> None:
        """Runs statements on one side."""
        engine = create_engine((self.before, self.after)[side].url)
        with engine.begin() as connection:
            for statement in statements:
                sql = statement.replace("{t}", self.names[side]).replace("%", "%%")
                connection.exec_driver_sql(sql if engine.dialect.name != "sqlite" else sql.replace("%%", "%"))
        engine.dispose()
        for database in (self.before, self.after):
            database.__dict__.pop("schema", None)

    def fill(self, side: int, rows: Rows) -> None:
        """Puts rows in the place of those that are there."""
        engine = create_engine((self.before, self.after)[side].url)
        table = self.names[side]
        with engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))
            if rows:
                width = len(next(iter(rows.values())))
                marks = ", ".join(f":v{number}" for number in range(width))
                values = [
                    {"k": key, **{f"v{number}": value for number, value in enumerate(row)}}
                    for key, row in rows.items()
                ]
                connection.execute(text(f"INSERT INTO {table} VALUES (:k, {marks})"), values)
        engine.dispose()

    def join(
        self, change: TableChange | None = None, *, may_add: bool = False, key: Sequence[str] = ()
    ) -> tuple[Joined | None, Differences]:
        """Joins the table before with the one after."""
        old, new = self.before.schema.tables[self.names[0]], self.after.schema.tables[self.names[1]]
        dialect = self.before.dialect
        change = change or TableChange(new.id)
        projection = project(change, TablePlan(new.id, key=tuple(key)), old, new, dialect, dialect)
        readings = projection.side_before(dialect, old), projection.side_after(dialect, new)
        found = Differences(readings[1].fields, readings[1].key, 20, may_add)
        joined = join(self.before, self.after, *readings, found, unique=projection.unique)
        return joined, found


def counts(found: Differences) -> tuple[int, int, int]:
    """Lost, added, altered."""
    return found.lost, found.added, found.altered


def new_files(folder: Path, encoding: str = "UTF-8") -> list[str]:
    """The URLs of two new SQLite files."""
    urls = []
    for name in ("before.db", "after.db"):
        with sqlite3.connect(folder / name) as connection:
            connection.execute(f"PRAGMA encoding = '{encoding}'")
            connection.execute(
                "CREATE TABLE first (made_in_it)"
            )  # the encoding stays from the first table on
            connection.execute("DROP TABLE first")
        connection.close()
        urls.append(f"sqlite:///{folder / name}")
    return urls


@pytest.fixture(scope="module")
def opened() -> Iterator[ExitStack]:
    """Closes what was opened."""
    with ExitStack() as stack:
        yield stack


def _two(stack: ExitStack, urls: Sequence[str], names: tuple[str, str] = ("t", "t")) -> Two:
    both = [
        stack.enter_context(Database(role, url, connections=2))
        for role, url in zip(("source", "target"), urls, strict=True)
    ]
    return Two(both[0], both[1], names)


@pytest.fixture
def files(tmp_path: Path, opened: ExitStack) -> Two:
    """Two SQLite files."""
    return _two(opened, new_files(tmp_path))


@pytest.fixture(scope="module")
def maria(opened: ExitStack, mariadb_server: servers.Server) -> Iterator[Two]:
    """Two databases of one MariaDB server."""
    urls = [mariadb_server.create("CHARACTER SET utf8mb4") for _ in range(2)]
    yield _two(opened, urls)
    for url in urls:
        mariadb_server.drop(url)


@pytest.fixture(scope="module")
def schemas(opened: ExitStack, postgresql_server: servers.Server) -> Iterator[Two]:
    """Two schemas of one PostgreSQL database."""
    url = postgresql_server.create()
    two = _two(opened, [url, url], ("old.t", "new.t"))
    two.side(0, "CREATE SCHEMA old", "CREATE SCHEMA new")
    yield two
    two.before.close()
    two.after.close()
    postgresql_server.drop(url)


COLUMNS = {
    "files": "v0, v1 TEXT COLLATE NOCASE, v2 NUMERIC(12,2), v3 REAL",
    "maria": "v0 longblob, v1 varchar(50), v2 decimal(12,2), v3 double",
    "schemas": "v0 bytea, v1 varchar(50), v2 numeric(12,2), v3 double precision",
}
TEXTS = st.text(alphabet="aAéeß |~ß" + string.digits, max_size=4)
NUMBERS = st.decimals(-1000, 1000, places=2)
DOUBLES = st.floats(-1e9, 1e9).map(lambda value: round(value, 3))
ODD = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([2.0, 2.5, "2", "", b"2", b""]), TEXTS)
TYPED = st.tuples(
    st.none() | st.binary(max_size=3), st.none() | TEXTS, st.none() | NUMBERS, st.none() | DOUBLES
)
UNTYPED = st.tuples(ODD, st.none() | TEXTS, st.none() | NUMBERS.map(float), st.none() | DOUBLES)


def _same(left: Any, right: Any) -> bool:
    """Python's own equality, without its ideas of bool and with storage classes apart."""
    return (isinstance(left, (int, float)) or type(left) is type(right)) and left == right


def differing(before: Rows, after: Rows) -> tuple[int, int, int]:
    """Lost, added and altered rows, found the plain way."""
    altered = sum(not all(map(_same, before[key], after[key])) for key in before.keys() & after.keys())
    return len(before.keys() - after.keys()), len(after.keys() - before.keys()), altered


@pytest.mark.parametrize("dbms", COLUMNS)
def test_a_join_finds_what_python_finds(dbms: str, request: pytest.FixtureRequest) -> None:
    """Lost, added and altered rows are counted as plain Python counts them, whatever the values."""
    two: Two = request.getfixturevalue(dbms)
    two.run("DROP TABLE IF EXISTS {t}", f"CREATE TABLE {{t}} (k integer PRIMARY KEY, {COLUMNS[dbms]})")
    row = UNTYPED if dbms == "files" else TYPED
    apart = 10**6 if dbms == "files" else 1  # keys that are cut into ranges, or not
    keys = st.integers(-40, 40).map(lambda key: key * apart)
    table = st.dictionaries(keys, row, max_size=12)

    @settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
    @given(table, table, st.sets(keys))
    def check(before: Rows, other: Rows, kept: set[int]) -> None:
        after = {**other, **{key: before[key] for key in before if key in kept or key // apart % 2}}
        two.fill(0, before)
        two.fill(1, after)
        joined, found = two.join()
        assert joined is not None
        assert (joined.rows_before, joined.rows_after) == (len(before), len(after))
        assert counts(found) == differing(before, after)

    check()


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        (5, 5.0, True),
        (0.0, -0.0, True),
        (None, None, True),
        ("5", 5, False),
        ("6", b"6", False),
        ("a", "A", False),
        ("a", "a ", False),
        ("é", "e\u0301", False),
        ("a\x00b", "a\x00c", False),
        ("", None, False),
        (2**53, 2.0**53 + 2, False),
        (9_210_000_000_000_000_000, 9.21e18, True),
    ],
)
def test_values_are_equal_to_the_byte(files: Two, before: Any, after: Any, equal: bool) -> None:
    """In SQLite a value is its storage class and its bits, whatever type and collation say."""
    files.side(0, "CREATE TABLE {t} (k integer PRIMARY KEY, v COLLATE NOCASE)")
    files.side(1, "CREATE TABLE {t} (k integer PRIMARY KEY, v COLLATE RTRIM)")
    files.fill(0, {1: (before,)})
    files.fill(1, {1: (after,)})
    assert counts(files.join()[1]) == (0, 0, 0 if equal else 1)


@pytest.mark.parametrize(
    ("types", "before", "after"),
    [
        (("INTEGER", "INTEGER"), 5, b"5"),
        (("TEXT", "TEXT"), "5", b"5"),
        (("NUMERIC", ""), 5, "5"),
        (("", "INTEGER"), "5", 5),
        (("REAL", ""), 5.5, "5.5"),
    ],
)
def test_an_affinity_hides_nothing(files: Two, types: tuple[str, str], before: Any, after: Any) -> None:
    """A value of another storage class is another value, though a column's type would make them one."""
    for side, value in enumerate((before, after)):
        files.side(side, f"CREATE TABLE {{t}} (k integer PRIMARY KEY, v {types[side]})")
        files.fill(side, {1: (value,)})
    assert counts(files.join()[1]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("varchar(9) CHARACTER SET latin1", "varchar(9) CHARACTER SET utf8mb4"),
        ("varchar(9) COLLATE utf8mb4_general_ci", "varchar(9) COLLATE utf8mb4_bin"),
        ("char(9)", "varchar(9)"),
        ("text", "varchar(9)"),
    ],
)
def test_a_charset_hides_nothing_and_differs_in_nothing(maria: Two, before: str, after: str) -> None:
    """A text is the same in any charset; case, accents and blanks at its end count in any collation."""
    maria.run("DROP TABLE IF EXISTS {t}")
    maria.side(0, f"CREATE TABLE {{t}} (k int PRIMARY KEY, v {before})")
    maria.side(1, f"CREATE TABLE {{t}} (k int PRIMARY KEY, v {after})")
    rows: dict[int, tuple[Any, ...]] = {1: ("né",), 2: ("a",), 3: (None,), 4: ("",)}
    maria.fill(0, rows)
    maria.fill(1, rows)
    assert counts(maria.join()[1]) == (0, 0, 0)
    maria.fill(1, {1: ("ne",), 2: ("A",), 3: ("",), 4: (None,)})
    assert counts(maria.join()[1]) == (0, 0, 4)


def test_a_blank_at_the_end_counts(maria: Two) -> None:
    """A collation that pads with blanks does not hide one."""
    maria.run("DROP TABLE IF EXISTS {t}", "CREATE TABLE {t} (k int PRIMARY KEY, v varchar(9))")
    maria.fill(0, {1: ("a",), 2: ("b",)})
    maria.fill(1, {1: ("a ",), 2: ("b",)})
    assert counts(maria.join()[1]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        ("integer", "bigint", [("7", "7", True), ("7", "8", False)]),
        ("numeric(9,2)", "numeric", [("1.50", "1.5", True), ("1.50", "1.51", False)]),
        ("char(5)", "text", [("'a'", "'a'", True), ("'a'", "'A'", False)]),
        ("timestamp", "timestamptz", [("'2024-01-01'", "'2024-01-01 02:00+02'", True)]),
        ("real", "double precision", [("0.5", "0.5", True), ("0.1", "0.1", False)]),
        ("boolean", "integer", [("true", "1", True), ("false", "1", False)]),
        ("interval", "interval", [("'1 day'", "'24 hours'", False)]),
        ("jsonb", "jsonb", [("'[1]'", "'[1]'", True), ("'[1.0]'", "'[1]'", False)]),
        ("text", 'text COLLATE "blind"', [("'a'", "'A'", False), ("'a'", "'a'", True)]),
    ],
)
def test_types_differ_and_values_need_not(
    schemas: Two, before: str, after: str, values: list[tuple[str, str, bool]]
) -> None:
    """A widened type changes no value; a value that changed is seen, whatever the type calls equal."""
    blind = "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    schemas.side(0, "DROP COLLATION IF EXISTS blind CASCADE", blind)
    schemas.run("DROP TABLE IF EXISTS {t}")
    schemas.side(0, f"CREATE TABLE {{t}} (k int PRIMARY KEY, v {before})")
    schemas.side(1, f"CREATE TABLE {{t}} (k int PRIMARY KEY, v {after})")
    for number, (old, new, _) in enumerate(values):
        schemas.side(0, f"INSERT INTO {{t}} VALUES ({number}, {old})")
        schemas.side(1, f"INSERT INTO {{t}} VALUES ({number}, {new})")
    joined, found = schemas.join()
    assert joined is not None
    assert counts(found) == (0, 0, sum(not equal for *_, equal in values))


@pytest.mark.parametrize("dbms", COLUMNS)
def test_keys_of_text_are_found_by_their_bytes(dbms: str, request: pytest.FixtureRequest) -> None:
    """A key in other letters is another row, also where both tables' collations call it the same."""
    two: Two = request.getfixturevalue(dbms)
    collate = "COLLATE NOCASE" if dbms == "files" else ""
    two.run("DROP TABLE IF EXISTS {t}")
    two.run(f"CREATE TABLE {{t}} (k varchar(9) {collate} NOT NULL PRIMARY KEY, v integer)")
    two.side(0, "INSERT INTO {t} VALUES ('a', 1), ('b', 1), ('c', 1)")
    two.side(1, "INSERT INTO {t} VALUES ('A', 1), ('b', 2), ('c', 1)")
    joined, found = two.join()
    assert joined is not None
    assert counts(found) == (1, 1, 1)
    assert {offender.key["k"] for offender in found.offenders} == {"a", "A", "b"}


def test_keys_of_several_columns(files: Two) -> None:
    """A row is found by its whole key."""
    files.run("CREATE TABLE {t} (a integer NOT NULL, b text NOT NULL, v, PRIMARY KEY (b, a)) WITHOUT ROWID")
    files.side(0, "INSERT INTO {t} VALUES (1, 'x', 1), (1, 'y', 1), (2, 'x', 1)")
    files.side(1, "INSERT INTO {t} VALUES (1, 'x', 1), (1, 'y', 2), (3, 'x', 1)")
    joined, found = files.join()
    assert joined is not None
    assert counts(found) == (1, 1, 1)


@pytest.mark.parametrize("dbms", COLUMNS)
def test_what_the_plan_declares(dbms: str, request: pytest.FixtureRequest) -> None:
    """Renamed columns, new values and a condition are taken into account."""
    two: Two = request.getfixturevalue(dbms)
    two.run("DROP TABLE IF EXISTS {t}")
    two.side(0, "CREATE TABLE {t} (k integer PRIMARY KEY, v integer, gone integer)")
    two.side(1, "CREATE TABLE {t} (k integer PRIMARY KEY, w integer)")
    two.side(0, "INSERT INTO {t} VALUES (1, 10, 0), (2, 20, 0), (3, 30, 0), (4, 40, 9)")
    two.side(1, "INSERT INTO {t} VALUES (1, 11), (2, 21), (3, 30)")
    change = TableChange(two.names[1])
    columns = replace(change.columns, values={"w": "v + 1"}, dropped=("v", "gone"))
    joined, found = two.join(replace(change, columns=columns, rows="gone = 0"))
    assert joined is not None
    assert (joined.rows_before, joined.rows_after) == (3, 3)
    assert counts(found) == (0, 0, 1)


def test_rows_that_may_come_are_counted(files: Two) -> None:
    """Rows that the plan lets come do not offend, however many; a lost one does."""
    files.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)")
    files.fill(0, dict.fromkeys(range(100), ("x",)))
    files.fill(1, dict.fromkeys(range(1, 300), ("x",)))
    joined, found = files.join(may_add=True)
    assert joined is not None
    assert counts(found) == (1, 200, 0)
    assert [offender.says for offender in found.offenders] == ["lost"]


def test_a_broken_table_is_not_read_to_its_end(files: Two) -> None:
    """Where every row differs, reading stops early; all rows are counted all the same."""
    files.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)")
    more = 3 * ENOUGH
    series = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {more})"
    files.side(0, f"INSERT INTO {{t}} {series} SELECT n, 1 FROM s")
    files.side(1, f"INSERT INTO {{t}} {series} SELECT n, 2 FROM s")
    joined, found = files.join()
    assert joined is not None
    assert (joined.rows_before, joined.rows_after) == (more, more)
    assert not found.complete
    assert ENOUGH <= found.altered < more
    assert len(found.offenders) == 20


def test_skewed_keys_are_all_seen(files: Two) -> None:
    """Huge gaps, negative keys and the ends of 64 bits: no row falls between two ranges."""
    files.run("CREATE TABLE {t} (k bigint PRIMARY KEY, v)")
    keys = [-(2**63), -5, 0, 1, 2, 3, 2**40, 2**63 - 1]
    files.fill(0, {key: (key,) for key in keys})
    files.fill(1, {key: (f"{key}",) for key in keys})
    joined, found = files.join()
    assert joined is not None
    assert counts(found) == (0, 0, len(keys))


def test_a_row_at_the_end_of_a_range_is_in_one(files: Two) -> None:
    """Keys that are the very bounds of ranges are seen, and once."""
    files.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)")
    keys = range(0, 32 * SPAN + 1, SPAN)
    files.fill(0, dict.fromkeys(keys, (1,)))
    files.fill(1, dict.fromkeys(keys, (2,)))
    joined, found = files.join()
    assert joined is not None
    assert (joined.rows_before, joined.rows_after, found.altered) == (33, 33, 33)


@pytest.mark.parametrize("index", ["", "CREATE INDEX i ON {t} (k)"], ids=["no index", "index"])
def test_no_join_without_a_key_on_both_sides(files: Two, index: str) -> None:
    """A key that is none any more might hold copies in the place of rows: digests see them."""
    files.side(0, "CREATE TABLE {t} (k integer PRIMARY KEY, v)", "INSERT INTO {t} VALUES (1, 1), (2, 1)")
    files.side(1, "CREATE TABLE {t} (k integer, v)", "INSERT INTO {t} VALUES (1, 1), (1, 1)")
    if index:
        files.side(1, index)
    assert files.join()[0] is None


def test_no_join_where_a_key_holds_null(files: Two) -> None:
    """SQLite lets a primary key be NULL, in several rows."""
    files.run("CREATE TABLE {t} (k text PRIMARY KEY, v)", "INSERT INTO {t} VALUES ('a', 1)")
    assert files.join()[0] is not None
    files.side(1, "INSERT INTO {t} VALUES (NULL, 1)")
    assert files.join()[0] is None


def test_no_join_of_files_of_other_encodings(tmp_path: Path, opened: ExitStack) -> None:
    """SQLite cannot read both in one connection."""
    for name in ("8", "16"):
        (tmp_path / name).mkdir()
    urls = new_files(tmp_path / "8")[0], new_files(tmp_path / "16", "UTF-16le")[1]
    two = _two(opened, urls)
    two.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)")
    assert two.join()[0] is None


def test_files_in_utf16_are_joined(tmp_path: Path, opened: ExitStack) -> None:
    """Two files in UTF-16 are compared like any others."""
    two = _two(opened, new_files(tmp_path, "UTF-16le"))
    two.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)")
    two.fill(0, {1: ("né",), 2: ("漢😀",)})
    two.fill(1, {1: ("ne",), 2: ("漢😀",)})
    joined, found = two.join()
    assert joined is not None
    assert counts(found) == (0, 0, 1)
    assert found.offenders[0].before == {"v": "né"}


def test_no_join_of_two_postgresql_databases(postgresql_server: servers.Server, opened: ExitStack) -> None:
    """One cannot be reached from the other."""
    urls = [postgresql_server.create(), postgresql_server.create()]
    two = _two(opened, urls)
    two.run("CREATE TABLE {t} (k integer PRIMARY KEY, v integer)")
    assert two.join()[0] is None
    for database, url in zip((two.before, two.after), urls, strict=True):
        database.close()
        postgresql_server.drop(url)


def test_no_join_where_the_role_may_not(maria: Two, opened: ExitStack) -> None:
    """A user who may read only the database before joins nothing, and that is no error."""
    maria.run("DROP TABLE IF EXISTS {t}", "CREATE TABLE {t} (k int PRIMARY KEY, v int)")
    name = maria.before.url.database
    maria.side(
        0, "CREATE OR REPLACE USER 'vf_one'@'%' IDENTIFIED BY 'secret'", f"GRANT SELECT ON {name}.* TO vf_one"
    )
    url = maria.before.url.set(username="vf_one", password="secret").render_as_string(hide_password=False)
    two = Two(opened.enter_context(Database("source", url)), maria.after)
    try:
        assert two.join()[0] is None
    finally:
        two.before.close()
        maria.side(0, "DROP USER 'vf_one'@'%'")


def test_nothing_else_can_be_attached(files: Two, tmp_path: Path) -> None:
    """The connection that sees both files still cannot create a third, nor write."""
    files.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)")
    engine = files.before.dialect.join.engine(files.before, files.after, 1)
    assert engine is not None
    with engine.connect() as connection:
        for statement in (f"ATTACH '{tmp_path / 'third.db'}' AS third", "INSERT INTO after.t VALUES (1, 1)"):
            with pytest.raises(Exception, match=r"too many attached|readonly|read-only|attempt to write"):
                connection.exec_driver_sql(statement)
    engine.dispose()
    assert not (tmp_path / "third.db").exists()


def test_an_error_while_joining_is_told(files: Two) -> None:
    """A statement that fails in a thread is an error, not an empty result."""
    files.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)", "INSERT INTO {t} VALUES (1, 1)")
    change = TableChange("t")
    columns = replace(change.columns, values={"v": "abs(-9223372036854775807 - 1)"})
    with pytest.raises(DatabaseError, match="overflow"):
        files.join(replace(change, columns=columns))


def test_none_where_the_load_is_bounded(files: Two, tmp_path: Path) -> None:
    """One statement over a whole table cannot rest: then digests are taken, which can."""
    files.run("CREATE TABLE {t} (k integer PRIMARY KEY, v)", "INSERT INTO {t} VALUES (1, 1)")
    plan = plan_of(tmp_path, str(files.before.url), str(files.after.url))
    methods = [
        next(between(files.before, files.after, replace(plan, limits=Limits(load=load)), ["t"])).method
        for load in (1.0, 0.5)
    ]
    assert ["exact" in method for method in methods] == [True, False]
