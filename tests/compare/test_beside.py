"""SQLite beside PostgreSQL: what DuckDB finds is what the canonical texts say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pytest_visionforge.compare import beside
from pytest_visionforge.compare.joins import Joined, join
from pytest_visionforge.compare.projecting import project
from pytest_visionforge.compare.rows import Differences
from pytest_visionforge.database import Database, Table
from pytest_visionforge.dialects import beside as engine
from pytest_visionforge.plan.values.changes import TableChange
from pytest_visionforge.plan.values.rules import TablePlan
from tests import servers
from tests.soak import examples

pytest.importorskip("duckdb")
for extension in engine.EXTENSIONS:
    pytest.importorskip(extension)

KINDS: Mapping[str, tuple[str, str, list[Any]]] = {  # types on both sides, values that both hold
    "integer": ("INTEGER", "bigint", [-(2**63), 0, 7]),
    "boolean": ("BOOLEAN", "boolean", [0, 1]),
    "numeric": ("NUMERIC(12,2)", "numeric(12,2)", [0, 1.5, -99.99]),
    "double": ("DOUBLE PRECISION", "double precision", [0.1, 1e300, -0.0, 3.0]),
    "text": ("VARCHAR(20)", "varchar(20)", ["", "a", "A", "a ", "é", "e\u0301", "😀'\"\\"]),
    "bytes": ("BLOB", "bytea", [b"", b"\x00", b"ab"]),
    "date": ("DATE", "date", ["0001-01-01", "2024-02-29", "9999-12-31"]),
    "timestamp": (
        "TIMESTAMP",
        "timestamp",
        ["2024-01-01 00:00:00", "2024-01-01 10:20:30.12", "1969-12-31 23:59:59.999999"],
    ),
}


@dataclass
class Pair:
    """A file, and a database of PostgreSQL."""

    file: Database
    server: Database

    def run(self, database: Database, *statements: str, rows: list[dict[str, Any]] | None = None) -> None:
        """Runs statements; the last one for each of the rows."""
        connecting = create_engine(database.url)
        with connecting.begin() as connection:
            for statement in statements[:-1]:
                connection.execute(text(statement))
            connection.execute(text(statements[-1]), rows)
        connecting.dispose()
        database.__dict__.pop("schema", None)

    def make(self, kept: str, typed: str) -> None:
        """A table of one column beside its key."""
        for database, type in ((self.file, kept), (self.server, typed)):
            self.run(database, "DROP TABLE IF EXISTS t", f"CREATE TABLE t (k integer PRIMARY KEY, v {type})")

    def fill(self, kept: list[Any], typed: list[Any]) -> None:
        """Rows in the place of those that are there."""
        for database, values in ((self.file, kept), (self.server, typed)):
            rows = [{"k": number, "v": value} for number, value in enumerate(values)]
            self.run(database, "DELETE FROM t", "INSERT INTO t VALUES (:k, :v)", rows=rows)

    def join(self, *, back: bool = False) -> tuple[Joined | None, Differences]:
        """The file before and the server after, or the other way round."""
        before, after = (self.server, self.file) if back else (self.file, self.server)
        old, new = (database.schema.tables["t"] for database in (before, after))
        return joined(before, after, old, new)


def joined(before: Database, after: Database, old: Table, new: Table) -> tuple[Joined | None, Differences]:
    """Joins a table with another."""
    projection = project(TableChange(new.id), TablePlan(new.id), old, new, before.dialect, after.dialect)
    readings = projection.side_before(before.dialect, old), projection.side_after(after.dialect, new)
    found = Differences(readings[1].fields, readings[1].key, 20)
    return join(before, after, *readings, found, unique=projection.unique), found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgresql_server: servers.Server) -> Iterator[Pair]:
    """An empty file and an empty database."""
    path = tmp_path_factory.mktemp("beside") / "it's.db"
    path.touch()
    url = postgresql_server.create()
    with Database("source", f"sqlite:///{path}") as file, Database("target", url) as server:
        yield Pair(file, server)
    postgresql_server.drop(url)


@pytest.fixture(autouse=True)
def _however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "WORTH", 0)


def _typed(kind: str, value: Any) -> Any:
    return bool(value) if kind == "boolean" and value is not None else value


def _everything(pair: Pair) -> list[str]:
    """A table with a column of each kind; its columns."""
    for number, database in enumerate((pair.file, pair.server)):
        columns = ", ".join(f"{kind}_ {types[number]}" for kind, types in KINDS.items())
        pair.run(database, "DROP TABLE IF EXISTS t", f"CREATE TABLE t (k integer PRIMARY KEY, {columns})")
    return [f"{kind}_" for kind in KINDS]


def _put(pair: Pair, database: Database, kind: str, values: list[Any]) -> None:
    rows = [{"v": _typed(kind, value) if database is pair.server else value} for value in values]
    key = "(SELECT coalesce(max(k), 0) + 1 FROM t)"
    pair.run(database, f"INSERT INTO t (k, {kind}_) VALUES ({key}, :v)", rows=rows)


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_equal_rows_are_equal_and_others_are_told(pair: Pair, *, back: bool) -> None:
    """Each kind of value is compared exactly: none is lost in a cast, and none differs for its type."""
    _everything(pair)
    for kind, (_, _, values) in KINDS.items():
        for database in (pair.file, pair.server):
            _put(pair, database, kind, [None, *values])
    result, found = pair.join(back=back)
    assert result is not None
    assert "DuckDB" in result.method
    assert found.altered == 0
    pair.run(pair.server, "DELETE FROM t")
    for kind, (_, _, values) in KINDS.items():
        _put(pair, pair.server, kind, [*values, None])
    result, found = pair.join(back=back)
    assert result is not None
    assert found.altered == sum(len(values) + 1 for _, _, values in KINDS.values())


FORGIVEN = [  # a value kept, and the one that DuckDB would read it as
    ("date", "2024-1-5", "2024-01-05"),
    ("date", " 2024-01-05", "2024-01-05"),
    ("date", 19727, "2024-01-05"),
    ("date", "infinity", "infinity"),
    ("timestamp", "2024-01-01 00:00:00.1234567", "2024-01-01 00:00:00.123456"),
    ("timestamp", "2024-01-01 00:00:00+01", "2024-01-01 01:00:00"),
    ("timestamp", b"2024-01-01 00:00:00", "2024-01-01 00:00:00"),
    ("timestamp", "0044-03-15 (BC) 10:20:31", "0044-03-15 10:20:31 BC"),
    ("text", "a\x00b", "a"),
]


def test_what_duckdb_would_forgive_is_told(pair: Pair) -> None:
    """A value that could be read as another is a difference, as its canonical text says."""
    _everything(pair)
    for kind, kept, typed in FORGIVEN:
        _put(pair, pair.file, kind, [kept])
        _put(pair, pair.server, kind, [typed])
    result, found = pair.join()
    assert result is not None
    assert found.altered == len(FORGIVEN)


READ = {"date": ("DATE", "date"), "timestamp": ("TIMESTAMP", "timestamp"), "numeric": KINDS["numeric"][:2]}


@pytest.mark.parametrize(
    ("kind", "kept", "typed"),
    [
        ("numeric", 0, "NaN"),
        ("date", "0000-01-01", "0001-01-01 BC"),
        ("date", "1-02-03-04", "0001-02-03"),
        ("date", "2024-01-05\x00x", "2024-01-05"),
        ("date", "2024-02-30", "2024-03-01"),
        ("timestamp", "2024-01-01 24:00:00", "2024-01-02 00:00:00"),
        ("timestamp", "2024-01-01 10:00:60", "2024-01-01 10:01:00"),
        ("timestamp", 1704103200.5, "2024-01-01 10:00:00.5"),
    ],
)
def test_a_column_of_one_value_that_would_be_read_as_another(
    pair: Pair, kind: str, kept: Any, typed: str
) -> None:
    """Where nothing else in the table warns: what only looks the same to DuckDB is told."""
    pair.make(*READ[kind])
    pair.fill([kept], [typed])
    result, found = pair.join()
    assert result is not None
    assert found.altered == 1


def test_times_in_another_form_are_no_difference(pair: Pair) -> None:
    """What only looks different is read as the canonical texts have it."""
    pair.make("TIMESTAMP", "timestamp")
    pair.fill(
        ["2024-01-01T00:00:00", "2024-01-01 00:00:00.500", "2024-01-01 01:00:00+01:00"],
        ["2024-01-01", "2024-01-01 00:00:00.5", "2024-01-01"],
    )
    result, found = pair.join()
    assert result is not None
    assert found.altered == 0


@pytest.mark.parametrize(
    ("kept", "typed", "values"),
    [
        ("INTEGER", "integer", (["x"], [1])),
        ("NUMERIC(20,0)", "numeric(20,0)", ([1], [1])),
        ("TEXT", "jsonb", (["[1]"], ["[1]"])),
        ("CHAR(5)", "varchar(5)", (["a"], ["a"])),
        ("NUMERIC", "bigint", ([1], [1])),
    ],
)
def test_what_cannot_be_told_so_is_left_to_digests(
    pair: Pair, kept: str, typed: str, values: tuple[list[Any], list[Any]]
) -> None:
    """A type without an exact way, a value that is none of its type: no answer."""
    pair.make(kept, typed)
    pair.fill(*values)
    result, found = pair.join()
    assert result is None
    assert not found.offending


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_rows_on_one_side_only(pair: Pair, *, back: bool) -> None:
    """Lost and added rows, which move all that follow, are named, and the altered ones between them."""
    pair.make("TEXT", "text")
    pair.fill([f"v{number}" for number in range(9000)], [f"v{number}" for number in range(9000)])
    statements = (
        "DELETE FROM t WHERE k IN (0, 4000, 4001)",
        "INSERT INTO t VALUES (9005, 'new'), (-7, 'new')",
        "UPDATE t SET v = 'altered' WHERE k IN (3, 5000, 8999)",
    )
    for statement in statements:
        pair.run(pair.server, statement)
    result, found = pair.join(back=back)
    assert result is not None
    assert (result.rows_before, result.rows_after) == ((8999, 9000) if back else (9000, 8999))
    assert (found.lost, found.added, found.altered) == ((2, 3, 3) if back else (3, 2, 3))
    keys = {int(offender.key["k"] or 0) for offender in found.offenders}
    assert keys == {0, 4000, 4001, 9005, -7, 3, 5000, 8999}


def test_as_many_lost_as_added(pair: Pair) -> None:
    """Equal counts do not hide that one row is another's."""
    pair.make("TEXT", "text")
    pair.fill(["a", "b", "c"], ["a", "b", "c"])
    pair.run(pair.server, "UPDATE t SET k = 7 WHERE k = 1")
    result, found = pair.join()
    assert result is not None
    assert (found.lost, found.added, found.altered) == (1, 1, 0)


def test_a_composite_key(pair: Pair) -> None:
    """Rows on one side only are named by all columns of their key."""
    for database, type in ((pair.file, "TEXT"), (pair.server, "text")):
        table = f"CREATE TABLE two (j integer, k integer, v {type}, PRIMARY KEY (j, k))"
        pair.run(database, "DROP TABLE IF EXISTS two", table)
        rows = [{"j": number // 100, "k": number % 100} for number in range(5000)]
        pair.run(database, "INSERT INTO two VALUES (:j, :k, 'x')", rows=rows)
    pair.run(pair.server, "DELETE FROM two WHERE j = 7 AND k = 33 OR j = 20 AND k = 1")
    pair.run(pair.server, "UPDATE two SET v = 'y' WHERE j = 30 AND k = 3")
    result, found = joined(
        pair.file, pair.server, *(d.schema.tables["two"] for d in (pair.file, pair.server))
    )
    assert result is not None
    assert (found.lost, found.added, found.altered) == (2, 0, 1)


def test_too_many_lost_rows_are_left_to_digests(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a few rows on one side only: no answer, rather than a list of keys in a statement."""
    monkeypatch.setattr(beside, "ALONE", 5)
    pair.make("TEXT", "text")
    pair.fill([str(number) for number in range(20)], [str(number) for number in range(14)])
    result, found = pair.join()
    assert result is None
    assert not found.offending


def test_rows_in_any_order(pair: Pair) -> None:
    """A server's rows lie in no order, and are paired all the same."""
    pair.make("TEXT", "text")
    pair.fill(["a", "b", "c"], ["a", "b", "c"])
    pair.run(pair.server, "UPDATE t SET v = v WHERE k = 0")
    result, found = pair.join()
    assert result is not None
    assert found.altered == 0


def test_no_password_is_told(pair: Pair, capfd: pytest.CaptureFixture[str]) -> None:
    """Where DuckDB cannot connect there is no answer, and no word of how it tried."""
    pair.make("TEXT", "text")
    url = pair.server.url.set(username="postgres", password="s3cret-word", port=1)
    before, after = pair.file.schema.tables["t"], pair.server.schema.tables["t"]
    projection = project(
        TableChange("t"), TablePlan("t"), before, after, pair.file.dialect, pair.server.dialect
    )
    readings = (
        projection.side_before(pair.file.dialect, before),
        projection.side_after(pair.server.dialect, after),
    )
    with Database("target", url.render_as_string(hide_password=False)) as wrong:
        both = engine.beside(pair.file, wrong, *readings)
        assert both is not None
        assert both.differing(10) is None
    assert "s3cret" not in "".join(capfd.readouterr())


def test_without_duckdb_nothing_is_missed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB is never a must."""
    pair.make("TEXT", "text")
    pair.fill(["a"], ["a"])
    monkeypatch.setattr(engine, "EXTENSIONS", ("no_such_module_anywhere",))
    assert pair.join()[0] is None


def test_random_rows(pair: Pair) -> None:
    """Whatever the values are: what differs by its canonical text is found, and nothing else."""
    pair.make("REAL", "double precision")
    doubles = st.lists(st.sampled_from([0.1, 0.1 + 1e-17, 1 / 3, 5.0, None, 2.5e-8]), min_size=1, max_size=9)

    @settings(max_examples=examples(3), deadline=None, suppress_health_check=list(HealthCheck))
    @given(doubles, st.data())
    def check(kept: list[float | None], data: st.DataObject) -> None:
        typed = [data.draw(st.sampled_from([value, 7.5])) for value in kept]
        pair.fill(kept, typed)
        result, found = pair.join()
        assert result is not None
        assert found.altered == sum(old != new for old, new in zip(kept, typed, strict=True))

    check()


def test_the_program_is_there() -> None:
    """The program that DuckDB runs in is a file of the package."""
    assert Path(engine.__file__).with_name("duck.py").exists()
