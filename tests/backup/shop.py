"""A small shop in a database of any DBMS, with what is easily lost; and the ways to look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

from pytest_visionforge import backup
from pytest_visionforge.backup import Backup
from pytest_visionforge.compare import identity_digests
from pytest_visionforge.database import Database

ROWS = 500

_SQLITE = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, note TEXT DEFAULT '')",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),"
    " amount NUMERIC(12, 4), made TEXT, raw BLOB, total REAL GENERATED ALWAYS AS (amount * 2) VIRTUAL)",
    "CREATE INDEX by_customer ON orders (customer_id) WHERE amount > 5",
    "CREATE TABLE log (what TEXT)",
    "CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE words USING fts5(word)",
    "CREATE VIEW big AS SELECT c.name, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id",
    "CREATE TRIGGER noted AFTER INSERT ON orders BEGIN INSERT INTO log VALUES ('order ' || new.id); END",
    "INSERT INTO words VALUES ('hello world'), ('foo bar')",
    "INSERT INTO pairs VALUES ('x', 'y'), ('x', '')",
)
_POSTGRESQL = (
    "CREATE TABLE customers (id serial PRIMARY KEY, name text UNIQUE, note text DEFAULT '')",
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int REFERENCES customers (id),"
    " amount numeric(12,4), made timestamptz, raw bytea,"
    " total numeric GENERATED ALWAYS AS (amount * 2) STORED)",
    "CREATE INDEX by_customer ON orders (customer_id) WHERE amount > 5",
    "CREATE TABLE log (what text)",
    "CREATE SCHEMA sales",
    "CREATE TABLE sales.pairs (a text, b text, PRIMARY KEY (a, b))",
    "CREATE VIEW big AS SELECT c.name, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO public.log VALUES ('order ' || new.id); RETURN new; END $$",
    "CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note()",
    "INSERT INTO sales.pairs VALUES ('x', 'y'), ('x', '')",
)
_MYSQL = (
    "CREATE TABLE customers (id int AUTO_INCREMENT PRIMARY KEY, name varchar(60) UNIQUE, note text)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, amount decimal(12,4), made datetime(6),"
    " raw blob, total decimal(14,4) AS (amount * 2) STORED,"
    " FOREIGN KEY (customer_id) REFERENCES customers (id))",
    "CREATE TABLE log (what text)",
    "CREATE TABLE pairs (a varchar(20), b varchar(20), PRIMARY KEY (a, b))",
    "CREATE FUNCTION twice (x int) RETURNS int DETERMINISTIC RETURN x * 2",
    "CREATE VIEW big AS SELECT c.name, twice(o.id) FROM customers c JOIN orders o ON o.customer_id = c.id",
    "CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW"
    " INSERT INTO log VALUES (concat('order ', new.id))",
    "CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM log WHERE what = 'never'",
    "INSERT INTO pairs VALUES ('x', 'y'), ('x', '')",
)
_HOSTILE = "we;ird \"t'a`b:le %s"  # a table's name


@contextmanager
def writing(url: str) -> Iterator[Callable[[str], Any]]:
    """Runs statements in a database, each by itself."""
    engine = create_engine(_with_driver(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield lambda sql: connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
    engine.dispose()


def _with_driver(url: str) -> URL:
    drivers = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite+pysqlite"}
    made = make_url(url)
    return made.set(drivername=drivers[made.get_backend_name()])


def fill(url: str) -> str:
    """Makes the shop; returns the URL."""
    dbms = make_url(url).get_backend_name()
    statements = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mysql": _MYSQL}[dbms]
    with writing(url) as run:
        for statement in statements:
            run(statement)
        name = (
            f"`{_HOSTILE.replace('`', '``')}`" if dbms == "mysql" else '"' + _HOSTILE.replace('"', '""') + '"'
        )
        run(f"CREATE TABLE {name} (a varchar(20))")
        run(f"INSERT INTO {name} VALUES ('twice'), ('twice'), (NULL), ('')")
        numbers = range(1, ROWS + 1)
        names = (f"('Zoë {number}')" for number in numbers)
        run(f"INSERT INTO customers (name) VALUES {', '.join(names)}")
        orders = (f"({number}, {number}, {number}.1234, '2020-01-01 00:00:00.12345')" for number in numbers)
        run(f"INSERT INTO orders (id, customer_id, amount, made) VALUES {', '.join(orders)}")
    return url


def change(url: str) -> None:
    """Does to the shop what a bad migration would do."""
    with writing(url) as run:
        run("DELETE FROM orders WHERE id > 100")
        run("UPDATE orders SET amount = 0 WHERE id = 7")
        run("DROP VIEW big")
        run("CREATE TABLE extra (a int)")


def digests(url: str) -> dict[str, str]:
    """The digest of every table (of a state that MariaDB keeps, without what it notes there)."""
    with Database("target", url) as database, database.session() as session:
        found = identity_digests(session, database.schema, exclude=("visionforge_swap",))
        return {id: table.digest for id, table in found.items()}


def back_up(url: str, directory: Path, **options: Any) -> Backup:
    """A backup of the database."""
    with Database("source", url) as database, database.session(seconds=300) as session:
        return backup.create(session, directory, url=database.url, **options)


def databases(url: str) -> list[str]:
    """The databases on its server that came from restoring it, or are scratch; [] for a file."""
    made = _with_driver(url)
    backend = made.get_backend_name()
    if backend == "sqlite":
        return []
    query = "SELECT datname FROM pg_database" if backend == "postgresql" else "SHOW DATABASES"
    with writing(_server(made)) as run:
        names = [str(row[0]) for row in run(query)]
    return [
        name
        for name in names
        if name.startswith((f"{made.database}__old_", f"{made.database}__safe_", "vf_scratch_"))
    ]


def drop_kept(url: str) -> None:
    """Drops them."""
    for name in databases(url):
        with writing(_server(_with_driver(url))) as run:
            run(f"DROP DATABASE {name}")


def _server(url: URL) -> str:
    name = "postgres" if url.get_backend_name() == "postgresql" else ""
    return url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Every argument of every child of this process, while the block runs."""
    seen: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for child in psutil.Process().children(recursive=True):
                try:
                    seen.extend(child.cmdline())
                except psutil.Error:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
