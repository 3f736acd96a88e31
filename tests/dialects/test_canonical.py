"""One text per value on which SQLite, PostgreSQL and MariaDB agree."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pytest_visionforge.compare import canonical as forms
from pytest_visionforge.database import Database
from tests import servers

TYPES: Mapping[str, tuple[str, str, str]] = {  # family -> type in SQLite, PostgreSQL, MariaDB
    "number": ("NUMERIC(12,4)", "numeric(12,4)", "decimal(12,4)"),
    "integer": ("INTEGER", "bigint", "bigint"),
    "double": ("DOUBLE", "double precision", "double"),
    "text": ("VARCHAR(500)", "varchar(500)", "varchar(500)"),
    "bytes": ("BLOB", "bytea", "longblob"),
    "date": ("DATE", "date", "date"),
    "timestamp": ("TIMESTAMP", "timestamp", "datetime(6)"),
    "time": ("TIME", "time", "time(6)"),
    "uuid": ("UUID", "uuid", "char(36)"),
}
HOSTILE = [
    "",
    " ",
    "a ",
    " a",
    "~",
    "|",
    "1:a|~",
    "\n",
    "\r\n",
    "'",
    '"',
    "\\",
    "%s :x",
    "é",
    "é",
    "ß",
    "ÅA",
    "漢字",
    "😀",
    "\x7f",
    "\u200b",
    "N" * 500,
]


@pytest.fixture(scope="module")
def three(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: servers.Server,
    mariadb_server: servers.Server,
) -> Iterator[list[Database]]:
    """An empty database of each DBMS."""
    path = tmp_path_factory.mktemp("canonical") / "three.db"
    create_engine(f"sqlite:///{path}").connect().execute(text("PRAGMA user_version = 1")).close()
    urls = [f"sqlite:///{path}", postgresql_server.create(), mariadb_server.create("CHARACTER SET utf8mb4")]
    with ExitStack() as stack:
        yield [stack.enter_context(Database("source", url)) for url in urls]
    postgresql_server.drop(urls[1])
    mariadb_server.drop(urls[2])


def texts(database: Database, family: str, type: str, values: Sequence[Any], form: str) -> list[str | None]:
    """The canonical texts of values that were written into a column."""
    engine = create_engine(database.url)
    dialect = database.dialect
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS vals"))
        connection.execute(text(f"CREATE TABLE vals (n integer PRIMARY KEY, v {type})"))
        rows = [{"n": number, "v": value} for number, value in enumerate(values)]
        connection.execute(text("INSERT INTO vals VALUES (:n, :v)"), rows)
    engine.dispose()
    with database.session() as session:
        dialect.canonical.prepare(session)
        sql = dialect.canonical.fetched(dialect.canonical.text("v", form, type))
        found = [row[0] for row in session.rows(f"SELECT {sql} FROM vals ORDER BY n")]
    return [value.decode() if isinstance(value, bytes) else value for value in found]


def agreed(three: list[Database], family: str, values: Sequence[Any]) -> list[str | None]:
    """The texts of the three DBMS, which must be the same."""
    form = {"integer": "number"}.get(family, family)
    found = [
        texts(database, family, type, values, form)
        for database, type in zip(three, TYPES[family], strict=True)
    ]
    assert found[0] == found[1] == found[2]
    return found[0]


CASES: Mapping[str, tuple[list[Any], list[str | None]]] = {
    "number": ([None, "0", "-0.0000", "1.5000", "-12.3450", "99999999.9999", "100"], []),
    "integer": ([None, 0, -1, 2**63 - 1, -(2**63), 100], []),
    "text": ([None, *HOSTILE], [None, *(f"{len(value.encode())}:{value}" for value in HOSTILE)]),
    "bytes": (
        [None, b"", b"\x00", b"\xff\x00a", bytes(range(64)), bytes(range(65))],
        [None, "", "00", "ff0061", bytes(range(64)).hex()],
    ),
    "date": ([None, "0001-01-01", "1582-10-10", "2024-02-29", "9999-12-31"], []),
    "timestamp": (
        [None, "2024-01-01 00:00:00", "2024-01-01 10:20:30.120000", "1969-12-31 23:59:59.999999"],
        [None, "2024-01-01 00:00:00", "2024-01-01 10:20:30.12", "1969-12-31 23:59:59.999999"],
    ),
    "time": (
        [None, "00:00:00", "23:59:59.5", "10:00:00.100000"],
        [None, "00:00:00", "23:59:59.5", "10:00:00.1"],
    ),
    "uuid": ([None, "6F9619FF-8B86-D011-B42D-00C04FC964FF"], [None, "32:6f9619ff8b86d011b42d00c04fc964ff"]),
}


@pytest.mark.parametrize("family", CASES)
def test_hostile_values_have_one_text(three: list[Database], family: str) -> None:
    """The three DBMS give the same canonical text, and different values have different texts."""
    values, expected = CASES[family]
    found = agreed(three, family, values)
    assert found[: len(expected)] == expected
    assert found[0] is None
    assert len(set(found)) >= len({str(value) for value in values}) - (family == "number")


def test_numbers_lose_zeros_and_nothing_else(three: list[Database]) -> None:
    """A number's text has no zeros at its end and no minus before zero."""
    assert agreed(three, "number", ["-0.0000", "1.5000", "100", "0.0001"]) == ["0", "1.5", "100", "0.0001"]


def test_long_values_are_hashed(three: list[Database]) -> None:
    """A text too long to be inlined is told by its length and SHA-256, alike on all three."""
    longest = "ä" * 40_000
    found = [
        texts(database, "text", "text" if database.dialect.name != "mysql" else "longtext", [longest], "text")
        for database in three
    ]
    assert found[0] == found[1] == found[2]
    assert str(found[0][0]).startswith("80000#")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=20, max_size=60))
def test_doubles_are_their_bits(three: list[Database], values: list[float]) -> None:
    """A double's text is its IEEE 754 bits on all three, and -0 is 0."""
    values = [
        value for value in values if abs(value) >= 2.3e-308 or value == 0
    ]  # a server may flush the rest
    assert agreed(three, "double", values) == [struct.pack(">d", value + 0.0).hex() for value in values]


@pytest.mark.parametrize(
    ("stored", "canonical"),
    [
        (5, "n5"),
        (5.0, "n5"),
        (-0.0, "n0"),
        ("5", "t1:5"),
        (b"5", "b35"),
        (None, None),
        (0.1, "d" + struct.pack(">d", 0.1).hex()),
        (1e300, "d" + struct.pack(">d", 1e300).hex()),
        (2.0**62, f"n{2**62}"),
        ("a\x00b", "t3:a\x00b"),
    ],
)
def test_stored_values_tell_their_class(three: list[Database], stored: Any, canonical: str | None) -> None:
    """Against SQLite a value is its storage class and its exact value; 5.0 is 5."""
    assert texts(three[0], "stored", "", [stored], "stored") == [canonical]


@pytest.mark.parametrize("family", ["number", "double", "date", "timestamp", "time", "uuid"])
@pytest.mark.parametrize("odd", ["abc", b"\x01\x02", "12:99:xx", "2024-13"])
def test_what_does_not_fit_is_told(three: list[Database], family: str, odd: Any) -> None:
    """SQLite's value of another class or form gives a text that no fitting value has."""
    found = texts(three[0], family, "", [odd], family)[0]
    assert found is not None
    assert found.startswith("?") or (family == "uuid" and ":" in found)


@pytest.mark.parametrize(
    ("family", "text", "shown"),
    [
        ("number", "1.5", "1.5"),
        ("double", struct.pack(">d", 0.1).hex(), "0.1"),
        ("text", "2:a ", "a "),
        ("text", "80000#" + "ab" * 32, "80,000 bytes, SHA-256 abababababababab..."),
        ("bytes", "ff00", "0xff00"),
        ("stored", "t1:5", "5"),
        ("stored", "n5", "5"),
        ("stored", "bff", "0xff"),
        ("text", None, None),
    ],
)
def test_a_text_reads_for_people(family: str, text: str | None, shown: str | None) -> None:
    """A finding shows the value, not its canonical form."""
    assert forms.shown(family, text) == shown


def test_json_is_equal_as_values() -> None:
    """Blanks, the order of keys and 1.0 for 1 do not count in JSON; a changed number or type does."""
    settled = [forms.settled("json", f"9:{text}") for text in ('{"a": 1, "b":[2]}', '{"b":[2.0],"a":1}')]
    assert settled[0] == settled[1]
    for other in ('{"a": 1, "b":[3]}', '{"a": "1", "b":[2]}', '{"a": true, "b":[2]}', '{"a": 1}'):
        assert forms.settled("json", f"9:{other}") != settled[0]
