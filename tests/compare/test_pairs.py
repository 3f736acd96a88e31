"""Across DBMS: equal rows are equal, and any single change is found with its key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from pytest_visionforge.plan.values import ColumnChanges, TableChange
from tests import servers
from tests.compare.conftest import Migration, run

MIXED = {
    "sqlite": "(id integer PRIMARY KEY, n NUMERIC(12,4), d DOUBLE, t VARCHAR(200), b BLOB, day DATE,"
    " at TIMESTAMP, ok BOOLEAN)",
    "postgresql": "(id bigint PRIMARY KEY, n numeric(12,4), d double precision, t varchar(200), b bytea,"
    " day date, at timestamp, ok boolean)",
    "mysql": "(id bigint PRIMARY KEY, n decimal(12,4), d double, t varchar(200), b longblob, day date,"
    " at datetime(6), ok boolean)",
}
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
ROW = st.fixed_dictionaries(
    {
        "n": st.none() | st.decimals(-9999999, 9999999, places=4),
        "d": st.none() | st.floats(-1e200, 1e200).filter(lambda value: value == 0 or abs(value) > 1e-200),
        "t": st.none() | st.text(CHARACTERS, max_size=60),
        "b": st.none() | st.binary(max_size=100),
        "day": st.none() | st.dates(date(1000, 1, 1), date(9999, 12, 31)),
        "at": st.none() | st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),
        "ok": st.none() | st.booleans(),
    }
)
CHANGED: dict[str, Any] = {
    "n": Decimal("0.0001"),
    "d": 1.0000000000000002,
    "t": "changed ",
    "b": b"changed\x00",
    "day": date(2001, 2, 3),
    "at": datetime(2001, 2, 3, 4, 5, 6, 7),
    "ok": None,
}


def write(url: str, rows: list[dict[str, Any]]) -> None:
    """Makes the table of mixed columns anew, with rows."""
    engine = create_engine(url)
    name = {"mariadb": "mysql"}.get(engine.dialect.name, engine.dialect.name)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS mixed"))
        connection.execute(text(f"CREATE TABLE mixed {MIXED[name]}"))
        if rows:
            sql = "INSERT INTO mixed VALUES (:id, :n, :d, :t, :b, :day, :at, :ok)"
            connection.execute(text(sql), [_plain(row) if name == "sqlite" else row for row in rows])
    engine.dispose()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as SQLite's own programs write it: decimals as numbers, times as text."""
    plain = dict(row)
    if row["n"] is not None:
        plain["n"] = float(row["n"])
    for name in ("day", "at"):
        if row[name] is not None:
            plain[name] = str(row[name])
    return plain


@pytest.fixture(scope="module")
def urls(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: servers.Server,
    mariadb_server: servers.Server,
) -> Iterator[dict[str, tuple[str, str]]]:
    """Two databases of each DBMS."""
    folder = tmp_path_factory.mktemp("pairs")
    found = {
        "sqlite": (f"sqlite:///{folder}/a.db", f"sqlite:///{folder}/b.db"),
        "postgresql": (postgresql_server.create(), postgresql_server.create()),
        "mariadb": (
            mariadb_server.create("CHARACTER SET utf8mb4"),
            mariadb_server.create("CHARACTER SET utf8mb4"),
        ),
    }
    yield found
    for server, dbms in ((postgresql_server, "postgresql"), (mariadb_server, "mariadb")):
        for url in found[dbms]:
            server.drop(url)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("sqlite", "sqlite"),
        ("postgresql", "postgresql"),
        ("mariadb", "mariadb"),
        ("sqlite", "postgresql"),
        ("mariadb", "postgresql"),
        ("postgresql", "mariadb"),
        ("sqlite", "mariadb"),
        ("postgresql", "sqlite"),
    ],
)
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(ROW, min_size=1, max_size=12),
    place=st.integers(0, 11),
    column=st.sampled_from(list(CHANGED)),
)
def test_one_change_is_found(
    urls: dict[str, tuple[str, str]],
    tmp_path: Path,
    before: str,
    after: str,
    rows: list[dict[str, Any]],
    place: int,
    column: str,
) -> None:
    """Random rows written on both sides are equal; one value that is changed is found with its key."""
    rows = [{"id": number * 7 - 20, **row} for number, row in enumerate(rows)]
    migration = Migration(urls[before][0], urls[after][1], tmp_path)
    try:
        write(migration.before_url, rows)
        write(migration.after_url, rows)
        found = migration.compare("mixed")
        assert found.equal, found
        assert found.digest_before == found.digest_after
        victim = rows[place % len(rows)]
        changed = None if victim[column] == CHANGED[column] else CHANGED[column]
        if changed == victim[column]:
            changed = True
        write(migration.after_url, [{**row, column: changed} if row is victim else row for row in rows])
        found = migration.compare("mixed")
        assert not found.equal
        assert [dict(offender.key) for offender in found.offenders] == [{"id": str(victim["id"])}]
        assert set(found.offenders[0].before) == {column}
    finally:
        migration.close()


def test_a_shop_moves(across: Migration) -> None:
    """A table whose types are mapped sensibly is equal on the other DBMS, and a lost cent is found."""
    rows = (
        "INSERT INTO shop VALUES (1, 'A', 19.9950, '2024-01-01 10:00:00', 1.5, NULL),"
        " (2, 'b ', -1, '2024-06-01 10:00:00.5', 1e10, 'x'), (3, '', 0.0001, NULL, NULL, '')"
    )
    across.both(
        "CREATE TABLE shop (id integer PRIMARY KEY, name varchar(20), total numeric(12,4), at $TIMESTAMP,"
        " weight $DOUBLE, note varchar(20))",
        rows,
    )
    found = across.compare("shop")
    assert found.equal
    assert "in ranges of id" in found.method
    across.after("UPDATE shop SET total = 19.99 WHERE id = 1")
    assert dict(across.compare("shop").offenders[0].before) == {"total": "19.995"}


def test_text_keys_and_no_keys_move(across: Migration) -> None:
    """Tables by text keys of any collation, and without a key, compare across DBMS."""
    across.both(
        "CREATE TABLE words (word varchar(40) PRIMARY KEY, n integer)",
        "INSERT INTO words VALUES ('b', 1), ('C', 2), ('ä', 3), ('zz', 4), ('Z z', 5)",
        "CREATE TABLE seen (word varchar(40), n integer)",
        "INSERT INTO seen SELECT word, 1 FROM words UNION ALL SELECT word, 1 FROM words",
    )
    assert across.compare("words").equal
    assert across.compare("seen").equal
    across.after("UPDATE words SET n = 9 WHERE word = 'ä'", "INSERT INTO seen VALUES ('b', 1)")
    assert dict(across.compare("words").offenders[0].key) == {"word": "ä"}
    assert across.compare("seen").added == 1


def test_types_that_become_others(migration: Migration) -> None:
    """A declared change of type is compared in a form that both have: nothing lost is seen as a loss."""
    migration.both(
        "CREATE TABLE item (id integer PRIMARY KEY, price numeric(12,2), day date)",
        "INSERT INTO item VALUES (1, 10.50, '2024-01-01'), (2, NULL, NULL)",
    )
    migration.after(
        "CREATE TABLE wider (id bigint PRIMARY KEY, price numeric(14,4), day $TIMESTAMP)",
        "INSERT INTO wider SELECT id, price, day FROM item",
        "DROP TABLE item",
        "ALTER TABLE wider RENAME TO item",
    )
    if migration.before_url.startswith("sqlite"):
        return  # stored as it was: nothing to compare otherwise
    change = TableChange("item", columns=ColumnChanges(types=("id", "price", "day")))
    assert migration.compare("item", change).equal


def test_json_moves(new_json: Migration) -> None:
    """JSON is compared as values where two DBMS write it differently, and a changed number is found."""
    assert new_json.compare("doc").equal
    new_json.after("""UPDATE doc SET body = '{"a": 2, "b": [1, 2.5]}' WHERE id = 1""")
    found = new_json.compare("doc")
    assert (found.altered, found.equal) == (1, False)
    assert "JSON" in found.note


def test_json_without_a_key_moves(new_json: Migration) -> None:
    """Documents in a table without a key are found by their other columns."""
    assert new_json.compare("log").equal
    new_json.after("""INSERT INTO log VALUES (1, '{"x": 1}')""")
    found = new_json.compare("log")
    assert (found.equal, found.lost, found.added) == (False, 0, 1)


@pytest.fixture
def new_json(urls: dict[str, tuple[str, str]], tmp_path: Path) -> Iterator[Migration]:
    """A document in MariaDB's JSON, and the same in PostgreSQL's jsonb."""
    before, after = urls["mariadb"][0], urls["postgresql"][0]
    run(before, "CREATE TABLE doc (id integer PRIMARY KEY, body json)")
    run(before, """INSERT INTO doc VALUES (1, '{"b":[1,2.50],"a":1}'), (2, NULL)""")
    run(after, "CREATE TABLE doc (id integer PRIMARY KEY, body jsonb)")
    run(after, """INSERT INTO doc VALUES (1, '{"a":1,"b":[1,2.5]}'), (2, NULL)""")
    for url, type in ((before, "json"), (after, "jsonb")):
        run(url, f"CREATE TABLE log (n integer, body {type})")
        run(url, """INSERT INTO log VALUES (1, '{"x":1}'), (1, '{"x":1}'), (2, NULL)""")
    migration = Migration(before, after, tmp_path)
    yield migration
    migration.close()
    for url in (before, after):
        run(url, "DROP TABLE log", "DROP TABLE doc")
