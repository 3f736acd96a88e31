"""A small shop whose columns hold whatever migrations are known to damage, alike on each DBMS.

`item` has a column of every kind, `entry` a composite key, `word` a key of text and `log` no key.
Values are written as text (or bytes), as the rows of an export are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, create_engine, event, text

Row = Mapping[str, "str | bytes | None"]

PARENT = "integer REFERENCES category (id)"
CATEGORY = "CREATE TABLE category (id integer PRIMARY KEY, title varchar(40))"
ENTRY = "CREATE TABLE entry (basket integer, line integer, n numeric(8,2), PRIMARY KEY (basket, line))"
WORD = "CREATE TABLE word (word varchar(40) PRIMARY KEY, n integer)"
LOG = "CREATE TABLE log (at integer, what varchar(50))"
ITEM = {
    "id": ("INTEGER PRIMARY KEY", "integer PRIMARY KEY", "int PRIMARY KEY"),
    "category_id": (
        "INTEGER REFERENCES category (id)",
        "integer REFERENCES category (id)",
        "int REFERENCES category (id)",
    ),
    "name": ("VARCHAR(80)", "varchar(80)", "varchar(80)"),
    "given": ("VARCHAR(40)", "varchar(40)", "varchar(40)"),
    "surname": ("VARCHAR(40)", "varchar(40)", "varchar(40)"),
    "note": ("TEXT", "text", "longtext"),
    "code": ("VARCHAR(12)", "varchar(12)", "varchar(12)"),
    "tag": ("CHAR(5)", "char(5)", "char(5)"),
    "price": ("NUMERIC(12,2)", "numeric(12,2)", "decimal(12,2)"),
    "rate": ("NUMERIC(12,6)", "numeric(12,6)", "decimal(12,6)"),
    "stock": ("INTEGER", "integer", "int"),
    "views": ("BIGINT", "bigint", "bigint"),
    "weight": ("DOUBLE", "double precision", "double"),
    "paid_at": ("TIMESTAMP", "timestamp", "datetime(6)"),
    "seen_at": ("TIMESTAMP", "timestamptz", "timestamp(6) NULL DEFAULT NULL"),
    "born": ("DATE", "date", "date"),
    "opens": ("TIME", "time", "time(6)"),
    "active": ("BOOLEAN", "boolean", "boolean"),
    "state": ("TEXT", "state", "enum('new','paid','sent','back')"),
    "status": ("VARCHAR(10) DEFAULT 'open'", "varchar(10) DEFAULT 'open'", "varchar(10) DEFAULT 'open'"),
    "scan": ("BLOB", "bytea", "longblob"),
    "doc": ("JSON", "jsonb", "json"),
    "ref": ("UUID", "uuid", "uuid"),
}
DBMS = ("sqlite", "postgresql", "mariadb")
ITEM_TABLE = {
    dbms: "(" + ", ".join(f"{name} {types[place]}" for name, types in ITEM.items()) + ")"
    for place, dbms in enumerate(DBMS)
}
STATES = ("new", "paid", "sent", "back")
LONG = "0123456789" * 7000  # longer than MariaDB's TEXT may be
PICTURE = bytes(range(200))
SPECIAL: dict[int, dict[str, str | bytes | None]] = {
    1: {"name": "Zoë Öz", "note": None, "status": None, "stock": None, "active": None, "category_id": None},
    2: {"note": "", "scan": b"", "doc": "{}", "code": "", "stock": "0", "price": "0", "given": ""},
    3: {"price": "19.95", "stock": "7", "weight": "1.5"},
    4: {"price": "5.05", "stock": "3", "weight": "2.5"},
    5: {"name": "Ada 😀", "note": "straße, façade & <b>10 €</b>"},
    6: {"note": "line one\nline two\ttab", "name": "Grace Hopper"},
    7: {"code": "00123", "tag": "ab"},
    8: {"weight": "0.1", "rate": "0.000001"},
    9: {"views": "9007199254740993", "stock": "-5"},
    10: {"views": "3000000000", "price": "-7.5"},
    11: {"paid_at": "2024-03-31 01:30:00.123456", "seen_at": "2024-03-31 01:30:00.123456"},
    12: {"note": LONG},
    13: {"scan": PICTURE, "weight": "1e+300"},
    14: {"scan": b"\x00\xff\x10'\\", "opens": "23:59:59.999999"},
    15: {"doc": '{"a": 1, "b": [1, 2.5, "x"], "c": null, "d": {"e": "é", "f": true}}'},
    16: {"rate": "1.234567", "price": "1234567890.12"},
    17: {"state": "sent", "active": "1", "born": "2024-03-05"},
    18: {"name": 'O\'Brien \\ "Sons"', "note": "a  b", "code": "12%_"},
    19: {"given": "Ada", "surname": "Lovelace", "born": "1752-09-14"},
    20: {"name": "trailing ", "note": "NULL", "given": "café", "surname": "Čapek"},
    24: {"weight": "0"},
    21: {"paid_at": "1969-12-31 23:59:59", "seen_at": None, "born": None},
    22: {"ref": None, "doc": None, "scan": None, "state": None, "opens": None, "weight": None, "name": None},
}
COUNT = 50


def _item(id: int) -> Row:
    """One row; what is not special follows from its id."""
    plain: dict[str, str | bytes | None] = {
        "id": str(id),
        "category_id": str(id % 5 + 1),
        "name": f"item {id}",
        "given": f"Given{id}",
        "surname": f"Surname{id}",
        "note": f"note {id}",
        "code": f"C{id:05}",
        "tag": f"t{id}",
        "price": f"{id}.25",
        "rate": f"{id}.{id:05}7",
        "stock": str(id * 10),
        "views": str(id * 1_000_003),
        "weight": f"{id}.125",
        "paid_at": f"2024-01-{id % 28 + 1:02} 10:00:00.{id:05}7",
        "seen_at": f"2024-07-{id % 28 + 1:02} 12:00:00",
        "born": f"19{id + 40}-02-{id % 28 + 1:02}",
        "opens": f"{id % 24:02}:30:00",
        "active": str(id % 2),
        "state": STATES[id % 3],
        "status": "open" if id % 2 else "closed",
        "scan": bytes([id, 0, 255]),
        "doc": f'{{"id": {id}, "tags": ["a", "b"]}}',
        "ref": f"6f9619ff-8b86-4011-b42d-{id:012x}",
    }
    special = SPECIAL.get(id, {})
    return {name: special.get(name, value) for name, value in plain.items()}


ROWS: dict[str, tuple[Row, ...]] = {
    "category": tuple({"id": str(id), "title": f"category {id}"} for id in range(1, 6)),
    "item": tuple(_item(id) for id in range(1, COUNT + 1)),
    "entry": tuple(
        {"basket": str(basket), "line": str(line), "n": f"{basket}{line}.5"}
        for basket in range(-2, 4)
        for line in range(1, 5)
    ),
    "word": tuple(
        {"word": word, "n": str(n)} for n, word in enumerate(("b", "C", "ä", "Z z", "zz", "007", "😀 x"))
    ),
    "log": tuple(
        {"at": at, "what": what}
        for at, what in (("1", "start"), ("1", "start"), ("1", "start"), ("2", None), ("3", ""), ("4", "end"))
    ),
}
TABLES = tuple(ROWS)


def writer(url: str) -> Engine:
    """An engine whose sessions think in UTC, and on MariaDB take what an import would: zero dates too."""
    plain = {"prepare_threshold": None} if url.startswith("postgresql") else {}  # tables are made anew
    engine = create_engine(url, connect_args=plain)
    settings = {
        "postgresql": "SET TIME ZONE 'UTC'",
        "sqlite": "PRAGMA foreign_keys = ON",
    }.get(engine.dialect.name, "SET time_zone = '+00:00', sql_mode = ''")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        with _cursor(connection) as cursor:
            cursor.execute(settings)
        connection.commit()

    return engine


@contextmanager
def _cursor(connection: Any) -> Iterator[Any]:
    cursor = connection.cursor()
    yield cursor
    cursor.close()


def insert(table: str) -> TextClause:
    """The statement that adds one row."""
    names = ROWS[table][0]
    return text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{n}' for n in names)})")


def fill(connection: Connection, table: str) -> None:
    """Adds the rows of a table."""
    connection.execute(insert(table), [dict(row) for row in ROWS[table]])


def build(connection: Connection, dbms: str) -> None:
    """Makes every table, with its rows."""
    if dbms == "postgresql":
        connection.execute(text(f"CREATE TYPE state AS ENUM {STATES}"))
    for table in TABLES:
        make(connection, dbms, table)


def make(connection: Connection, dbms: str, table: str) -> None:
    """Makes one table, with its rows."""
    definitions = {
        "category": CATEGORY,
        "item": f"CREATE TABLE item {ITEM_TABLE[dbms]}",
        "entry": ENTRY,
        "word": WORD,
        "log": LOG,
    }
    connection.execute(text(definitions[table]))
    fill(connection, table)
    if table == "item":
        connection.execute(text("CREATE INDEX item_name ON item (name)"))
