"""One text per value on which SQLite, PostgreSQL and MariaDB agree."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pytest_visionforge.compare import canonical as forms
from pytest_visionforge.compare.reading import Field
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.sqlite import forms as forms_of
from tests import servers
from tests.soak import examples

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


@settings(
    max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


def _file(path: Path, *values: Any, type: str = "", encoding: str = "UTF-8") -> Database:
    """A SQLite file with a table of one column."""
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute(f'CREATE TABLE vals (n integer PRIMARY KEY, "v:" {type})')
        connection.executemany("INSERT INTO vals VALUES (?, ?)", enumerate(values))
    connection.close()
    return Database("source", f"sqlite:///{path}")


def _packed(path: Path, *values: Any, type: str = "", limit: int = 100) -> tuple[int, str]:
    """The number of rows and the digest of their binary form."""
    field = Field("v", r'"v\:"', "stored", type, packed="value")
    with _file(path, *values, type=type) as database, database.session() as session:
        room = database.dialect.canonical
        room.prepare(session)
        return room.digests(session, ["FROM vals"], room.pack([field]), "n", limit=limit, packed=True)[0]


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (5, 5.0, True),
        (0, -0.0, True),
        (-(2**63), -(2.0**63), True),
        (2**63 - 1, 2.0**63, False),
        (2**53 + 1, 2.0**53, False),
        ("6", 6, False),
        ("7", b"7", False),
        (None, "", False),
        (b"", "", False),
        ("a\x00b", "a\x00c", False),
        ("a", "a ", False),
        (0.1, 0.1 + 2e-17, False),
        ("é", "e\u0301", False),
        ("x" * 100_000, "x" * 99_999 + "y", False),
    ],
    ids=repr,
)
def test_the_packed_form_tells_values_apart(tmp_path: Path, first: Any, second: Any, equal: bool) -> None:
    """Rows that SQLite packs are equal where storage class and bits are; 5.0 is 5."""
    digests = [_packed(tmp_path / f"{number}.db", value) for number, value in enumerate((first, second))]
    assert (digests[0] == digests[1]) is equal


def test_a_widened_type_changes_no_digest(tmp_path: Path) -> None:
    """The same numbers under INTEGER, REAL and no type at all have one digest."""
    types = ["INTEGER", "REAL", "", "NUMERIC(9,2)"]
    found = {_packed(tmp_path / f"{number}.db", 1, 2, None, type=type) for number, type in enumerate(types)}
    assert len(found) == 1


def test_a_digest_is_the_same_on_every_python(tmp_path: Path) -> None:
    """A baseline may be read by another version: the bytes that are hashed are these."""
    values = (None, 1, 2**40, -7, 0.5, "é", "a", b"\x00\xff")
    packed = (
        b"(\x01\x00\x00\x00N"
        b"(\x01\x00\x00\x00i\x01\x00\x00\x00"
        b"(\x01\x00\x00\x00l\x03\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x04"
        b"(\x01\x00\x00\x00i\xf9\xff\xff\xff"
        b"(\x01\x00\x00\x00g\x00\x00\x00\x00\x00\x00\xe0?"
        b"(\x01\x00\x00\x00u\x02\x00\x00\x00\xc3\xa9"
        b"(\x01\x00\x00\x00u\x01\x00\x00\x00a"
        b"(\x01\x00\x00\x00s\x02\x00\x00\x00\x00\xff"
    )
    assert _packed(tmp_path / "x.db", *values) == (8, sha256(packed).hexdigest())


def test_texts_that_are_none_are_digested_all_the_same(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 under the name of a text are told apart, and leave the rest as it is."""
    found = []
    for number, octets in enumerate((b"\xff", b"\xfe")):
        path = tmp_path / f"{number}.db"
        _file(path, "a").close()
        with sqlite3.connect(path) as connection:
            connection.execute("INSERT INTO vals VALUES (7, CAST(? AS TEXT))", (octets,))
        connection.close()
        with Database("source", f"sqlite:///{path}") as database, database.session() as session:
            room = database.dialect.canonical
            room.prepare(session)
            found += room.digests(session, ["FROM vals"], r'"v\:"', "n", limit=9, packed=True)
            assert session.value("SELECT count(*) FROM vals") == 2
            assert session.value(r'SELECT "v\:" FROM vals WHERE n = 0') == "a"
    assert found[0][0] == found[1][0] == 2
    assert found[0] != found[1]


def test_too_many_rows_are_only_counted(tmp_path: Path) -> None:
    """A segment that holds more rows than its limit has no digest."""
    assert _packed(tmp_path / "x.db", *range(20), limit=10) == (20, "")
    assert _packed(tmp_path / "y.db", *range(10), limit=10)[1] != ""


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.decimals(-(10**9), 10**9, places=3).map(float),
    st.sampled_from([916583.1538158115, 826899.3823380135, -308186.4926388975]),  # SQLite rounds its own way
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes().map(lambda value: value.isoformat()),
    st.times().map(str),
    st.from_regex(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{5,7}", fullmatch=True),
)


@pytest.mark.parametrize("family", list(forms_of.FUNCTIONS))
def test_the_short_way_gives_what_the_functions_give(family: str) -> None:
    """What SQLite's own SQL makes of usual values is what our functions make of them."""
    connection = sqlite3.connect(":memory:")
    forms_of.register(connection, "UTF-8")
    query = f"SELECT {forms_of.sql('v', family)} FROM (SELECT ? AS v)".replace(r"\:", ":")

    @settings(max_examples=examples(150), deadline=None)
    @given(VALUES)
    def check(value: Any) -> None:
        assert connection.execute(query, (value,)).fetchone()[0] == forms_of.FUNCTIONS[family](value)

    check()
    connection.close()


@settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4), st.booleans())
def test_digests_are_equal_where_rows_are(
    tmp_path_factory: pytest.TempPathFactory, first: list[Any], second: list[Any], same: bool
) -> None:
    """Two tables have one digest where plain Python calls all their values equal, and only there."""
    folder = tmp_path_factory.mktemp("digests")
    second = first if same else second
    digests = [_packed(folder / f"{number}.db", *values) for number, values in enumerate((first, second))]
    classes = [
        [(isinstance(value, (int, float)) or type(value), value) for value in values]
        for values in (first, second)
    ]
    assert (digests[0] == digests[1]) is (classes[0] == classes[1])


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("form", ["text", "stored", "json", "bytes"])
def test_a_file_in_utf16_has_the_same_texts(tmp_path: Path, encoding: str, form: str) -> None:
    """SQLite keeps a text in UTF-16, and its canonical text counts the bytes of UTF-8 all the same."""
    values = [*HOSTILE, "ä" * 40_000, None]
    found = []
    for number, each in enumerate(("UTF-8", encoding)):
        with (
            _file(tmp_path / f"{number}.db", *values, type="TEXT", encoding=each) as database,
            database.session() as session,
        ):
            assert session.value("PRAGMA encoding") == each
            room = database.dialect.canonical
            room.prepare(session)
            value = room.text(r'"v\:"', form, "TEXT")
            whole = room.row([Field("v", r'"v\:"', form, "TEXT")])
            columns = f"{room.fetched(value)}, {room.sha256(whole)}"
            rows = [tuple(row) for row in session.rows(f"SELECT {columns} FROM vals ORDER BY n")]
            digest = room.digests(session, ["FROM vals"], whole, "n", limit=99, packed=False)
            packed = room.digests(session, ["FROM vals"], r'"v\:"', "n", limit=99, packed=True)
            found.append((rows, digest, packed))
    assert found[0] == found[1]
