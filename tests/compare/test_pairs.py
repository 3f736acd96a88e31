"""Across DBMS: equal rows are equal, and a change is found with its key; test_properties has any rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from tests import servers
from tests.compare.conftest import Migration, run


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
