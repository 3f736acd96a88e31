"""What comes back equals what was: any schema, any rows, on each DBMS, by digest and by catalogue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_visionforge.backup import Disproved, find, restore, verify
from pytest_visionforge.compare import identity_digests
from pytest_visionforge.database import Database
from tests import servers
from tests.backup.shop import back_up, digests, writing
from tests.compare.typical import MARIADB, POSTGRESQL, SQLITE
from tests.soak import examples

KINDS = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "mariadb": MARIADB}
# Types whose values name objects that a dump restores under other numbers, or that need more than a column.
LEFT_OUT = {"oid", "xid", "xid8", "cid", "tid", "aclitem", "regrole", "hstore", "ltree", "cube", "citext"}
OF_OWN = {"mood", "mood[]", "cents", "address", "place", "place[]", "span"}  # types that a setup makes
NAMES = (
    "plain",
    "two words",
    'qu"ote',
    "it's",
    "back`tick",
    "semi;colon",
    "ünï",
    "select",
    ":colon",
    "100%s",
)


@dataclass(frozen=True)
class Made:
    """A schema with rows, as statements; `shown` is what hypothesis prints."""

    statements: tuple[str, ...]


def _quoted(name: str, dbms: str) -> str:
    mark = "`" if dbms == "mariadb" else '"'
    return mark + name.replace(mark, mark * 2) + mark


@st.composite
def schemas(draw: st.DrawFn, dbms: str) -> Made:
    """Tables of any types, with a key or without, one after the other referring to the one before."""
    kinds = {type: values for type, values in KINDS[dbms].items() if type not in LEFT_OUT | OF_OWN}
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    statements: list[str] = []
    for number, name in enumerate(names):
        types = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=4))
        keyed = draw(st.booleans()) or number + 1 < len(names)
        table, key = _quoted(name, dbms), "id int NOT NULL PRIMARY KEY" if keyed else "id int"
        columns = [f"{_quoted(f'c {place}', dbms)} {type} NULL" for place, type in enumerate(types)]
        if number:
            columns += [
                "parent int",
                f"FOREIGN KEY (parent) REFERENCES {_quoted(names[number - 1], dbms)} (id)",
            ]
        statements.append(f"CREATE TABLE {table} ({', '.join([key, *columns])})")
        if draw(st.booleans()):
            statements.append(f"CREATE INDEX {_quoted(f'i {name}', dbms)} ON {table} (id)")
        rows = draw(st.integers(0, 4))
        for row in range(rows):
            values = [draw(st.sampled_from(("NULL", *kinds[type]))) for type in types]
            values += ["NULL" if row % 2 else "0"] if number else []
            statements.append(f"INSERT INTO {table} VALUES ({', '.join([str(row), *values])})")
        if not rows and number + 1 < len(names):  # the next one refers to its first row
            statements.append(f"INSERT INTO {table} (id) VALUES (0)")
        if draw(st.booleans()):
            statements.append(f"CREATE VIEW {_quoted(f'v {name}', dbms)} AS SELECT * FROM {table}")
    return Made(tuple(statements))


# What is done to the row 99 of the last table, which no other refers to, after the digests were taken.
LOSSES = (
    "DELETE FROM {} WHERE id = 99",
    "UPDATE {} SET id = 98 WHERE id = 99",
    "INSERT INTO {} (id) VALUES (97)",
)


def _last_table(made: Made) -> str:
    """The name of the last table, quoted."""
    last = [each for each in made.statements if each.startswith("CREATE TABLE ")][-1]
    return last.removeprefix("CREATE TABLE ").partition(" (id int")[0]


@contextmanager
def _database(dbms: str, request: pytest.FixtureRequest, folder: str) -> Iterator[str]:
    if dbms == "sqlite":
        path = Path(folder) / "test.db"
        path.touch()
        yield f"sqlite:///{path}"
        return
    server: servers.Server = request.getfixturevalue(f"{dbms}_server")
    url = server.create("CHARACTER SET utf8mb4" if dbms == "mariadb" else "")
    try:
        yield url
    finally:
        server.drop(url)


@pytest.mark.parametrize("dbms", KINDS)
def test_what_comes_back_is_what_was(dbms: str, request: pytest.FixtureRequest) -> None:
    """Backed up, spoiled and put back, every table, view and row is as it was, and the proof says so."""
    request.getfixturevalue(f"{dbms}_server") if dbms != "sqlite" else None

    @settings(
        max_examples=examples(8 if dbms == "sqlite" else 2),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(made=schemas(dbms), kind=st.sampled_from(["full", "data"]))
    def check(made: Made, kind: Any) -> None:
        with tempfile.TemporaryDirectory() as folder, _database(dbms, request, folder) as url:
            with writing(url) as run:
                if dbms == "mariadb":
                    run("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
                for statement in made.statements:
                    run(statement)
            _round_trip(url, Path(folder) / "backups", kind)

    check()


@pytest.mark.parametrize("dbms", KINDS)
def test_a_planted_loss_is_found(dbms: str, request: pytest.FixtureRequest) -> None:
    """Of any schema: a row that its dump has lost, altered or got besides disproves the backup."""
    request.getfixturevalue(f"{dbms}_server") if dbms != "sqlite" else None

    @settings(
        max_examples=examples(6 if dbms == "sqlite" else 2),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(made=schemas(dbms), kind=st.sampled_from(["full", "data"]), loss=st.sampled_from(LOSSES))
    def check(made: Made, kind: Any, loss: str) -> None:
        with tempfile.TemporaryDirectory() as folder, _database(dbms, request, folder) as url:
            table = _last_table(made)
            with writing(url) as run:
                if dbms == "mariadb":
                    run("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
                for statement in (*made.statements, f"INSERT INTO {table} (id) VALUES (99)"):
                    run(statement)
            with Database("source", url) as database, database.session() as session:
                before = identity_digests(session, database.schema)
            with writing(url) as run:
                run(loss.format(table))
            backup = back_up(url, Path(folder) / "backups", kind=kind, digests=before)
            with pytest.raises(Disproved, match=r"\d+ rows, then \d+"):
                verify(backup, scratch_url=url)

    check()


def _round_trip(url: str, backups: Path, kind: Any) -> None:
    before = digests(url)
    with Database("source", url) as database:
        schema = database.schema
    backup = back_up(url, backups, kind=kind)
    assert verify(backup, scratch_url=url).holds
    with writing(url) as run:
        for table in schema.tables.values():
            mark = "`" if "mysql" in url else '"'
            run(f"DELETE FROM {mark}{table.name.replace(mark, mark * 2)}{mark} WHERE id > 0")
    restore(find(backups, backup.id), url, replace=True, keep_old=False)
    assert digests(url) == before
    with Database("source", url) as database:
        assert database.schema == schema
