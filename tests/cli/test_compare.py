"""`visionforge compare`: two databases, without a plan."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Console

SCRIPT = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, v TEXT, n REAL);
CREATE TABLE log (at TEXT, x TEXT);
INSERT INTO orders VALUES (1, 'a', 1.5), (2, '', NULL), (3, 'c', 3);
INSERT INTO log VALUES ('10:00', 'a'), ('10:00', 'a'), ('11:00', NULL);
"""


def execute(path: Path, script: str) -> None:
    """Runs SQL on a SQLite file."""
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two equal databases, a.db and b.db."""
    for name in ("a.db", "b.db"):
        execute(tmp_path / name, SCRIPT)
    return tmp_path


A, B = "sqlite:///a.db", "sqlite:///b.db"


def test_equal_databases_exit_zero(folder: Path, console: Console) -> None:
    """Equal data is equal, and says how many tables and rows were compared."""
    done = console("compare", A, B, "--schema")
    assert done.returncode == 0, done.stderr
    assert "2 tables, 6 rows" in done.stdout
    assert "all equal" in done.stdout


def test_each_differing_row_is_named(folder: Path, console: Console) -> None:
    """Lost, added and altered rows are named with key and values; exit 1."""
    execute(
        folder / "b.db",
        "UPDATE orders SET v = NULL WHERE id = 2; DELETE FROM orders WHERE id = 3;"
        "INSERT INTO orders VALUES (9, 'z', 0); DELETE FROM log WHERE rowid = 1;",
    )
    done = console("compare", A, B)
    assert done.returncode == 1
    for line in ("id=2   altered   v: '' -> NULL", "id=3   lost", "id=9   added", "at=10:00 x=a   lost"):
        assert line in done.stdout


def test_json_is_for_programs(folder: Path, console: Console) -> None:
    """--json holds counts, offenders and how each table was compared, and nothing else is printed."""
    execute(folder / "b.db", "UPDATE orders SET n = 2.5 WHERE id = 1")
    done = console("compare", A, B, "--json")
    facts = json.loads(done.stdout)
    orders = next(each for each in facts["tables"] if each["table"] == "orders")
    assert (done.returncode, facts["equal"], orders["altered"]) == (1, False, 1)
    assert orders["offenders"][0]["after"] == {"n": "2.5"}
    assert orders["method"]


def test_a_table_of_one_side_alone_is_a_difference(folder: Path, console: Console) -> None:
    """What is there only once is not equal, unless it is left out by name."""
    execute(folder / "b.db", "CREATE TABLE more (id INTEGER); ALTER TABLE log ADD COLUMN extra TEXT")
    done = console("compare", A, B)
    assert done.returncode == 1
    assert "table more is only in the target" in done.stdout
    assert "column log.extra is only in the target" in done.stdout
    assert console("compare", A, B, "--without", "more", "--skip", "log.extra").returncode == 0


def test_a_key_turns_lost_and_added_into_altered(folder: Path, console: Console) -> None:
    """A table without a key is a multiset; --key names what identifies its rows."""
    execute(folder / "b.db", "UPDATE log SET x = 'b' WHERE at = '11:00'")
    assert "added" in console("compare", A, B, "-t", "log").stdout
    assert "altered   x: NULL -> b" in console("compare", A, B, "-t", "log", "-k", "log=at").stdout


def test_rows_can_be_narrowed(folder: Path, console: Console) -> None:
    """--where compares the target with those rows of the source alone."""
    execute(folder / "b.db", "DELETE FROM orders WHERE id = 3")
    assert console("compare", A, B, "-t", "orders", "--where", "orders=id < 3").returncode == 0


def test_the_schema_is_compared_on_demand(folder: Path, console: Console) -> None:
    """An index that is missing is told with --schema."""
    execute(folder / "a.db", "CREATE INDEX by_v ON orders (v)")
    assert console("compare", A, B).returncode == 0
    done = console("compare", A, B, "--schema")
    assert done.returncode == 1
    assert "by_v" in done.stdout


def test_addresses_may_come_from_the_environment(folder: Path, console: Console) -> None:
    """$NAME keeps a password off the command line."""
    assert console("compare", "$OLD", "${NEW}", OLD=A, NEW=B).returncode == 0


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2@$NOT_SET_HERE/x", "postgresql://u:hunter2@127.0.0.1:9/x"]
)
def test_a_password_is_never_told(folder: Path, url: str, console: Console) -> None:
    """Whatever is wrong with an address, its password is in no message."""
    done = console("compare", A, url)
    assert done.returncode in (3, 4)
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((A, "sqlite:///none.db"), 3, "there is no such file"),
        ((A, "$NOT_SET_HERE"), 4, "the environment has no NOT_SET_HERE"),
        ((A, B, "-t", "ordres"), 4, 'did you mean "orders"?'),
        ((A, B, "--skip", "v"), 4, "write it as TABLE.COLUMN"),
        ((A, B, "--key", "orders"), 4, "write it as TABLE=..."),
        ((A, "oracle://x/y"), 4, "is not a DBMS"),
        ((A, "sqlite:///empty.db"), 4, "nothing can be compared"),
    ],
)
def test_a_users_mistake_is_one_message(
    folder: Path, arguments: tuple[str, ...], code: int, says: str, console: Console
) -> None:
    """One line of error, no traceback, nothing on standard output; comparing nothing is no pass."""
    execute(folder / "empty.db", "PRAGMA user_version = 1")
    done = console("compare", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("pair", [("postgresql", "mariadb"), ("mariadb", "postgresql")])
def test_any_pair_of_dbms(
    pair: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path, console: Console
) -> None:
    """Databases of two DBMS are compared value by value."""
    from tests.compare.conftest import run

    urls = [str(request.getfixturevalue(name)) for name in pair]
    for url in urls:
        run(url, "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(9), n DECIMAL(8,2))")
        run(url, "INSERT INTO t VALUES (1, 'a ', 1.5), (2, NULL, NULL), (3, 'c', 0)")
    assert console("compare", "$A", "$B", A=urls[0], B=urls[1]).returncode == 0
    run(urls[1], "UPDATE t SET v = 'a' WHERE id = 1")
    done = console("compare", "$A", "$B", A=urls[0], B=urls[1])
    assert done.returncode == 1
    assert "id=1   altered   v: 'a ' -> a" in done.stdout
