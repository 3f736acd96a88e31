"""What migrations do to tables that changes no value in them: nothing of it may be reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tests.damages.sample import DBMS, ITEM, ITEM_TABLE

Statements = tuple[str, ...]


@dataclass(frozen=True)
class Harmless:
    """One change to a table that leaves its rows what they were.

    `sql` gives the statements by DBMS. `alone`: they must not be in a transaction. `across`: it is
    harmless only where the two databases are of different DBMS.
    """

    name: str
    sql: Mapping[str, Statements]
    table: str = "item"
    alone: bool = False
    across: bool = False

    @property
    def on(self) -> Collection[str]:
        """The DBMS that it is for."""
        return self.sql.keys()


def _all(*statements: str) -> dict[str, Statements]:
    return dict.fromkeys(DBMS, statements)


def _replaced(table: str, definition: str, columns: str = "*") -> Statements:
    """The table made anew with another definition."""
    return (
        f"CREATE TABLE moved {definition}",
        f"INSERT INTO moved SELECT {columns} FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE moved RENAME TO {table}",
    )


def _typed(name: str, postgresql: str, mariadb: str, sqlite: str) -> dict[str, Statements]:
    """A column given another type."""
    using = postgresql.partition(" COLLATE")[0]
    columns = {**ITEM, name: (sqlite, "", "")}
    defined = ", ".join(f"{column} {types[0]}" for column, types in columns.items())
    return {
        "postgresql": (f"ALTER TABLE item ALTER {name} TYPE {postgresql} USING {name}::{using}",),
        "mariadb": (f"ALTER TABLE item MODIFY {name} {mariadb}",),
        "sqlite": _replaced("item", f"({defined})"),
    }


def _rewritten(table: str, order: str) -> dict[str, Statements]:
    return _all(
        f"CREATE TABLE kept AS SELECT * FROM {table}",
        f"DELETE FROM {table}",
        f"INSERT INTO {table} SELECT * FROM kept ORDER BY {order}",
        "DROP TABLE kept",
    )


_REORDERED = '{"d" : {"f": true, "e": "é"}, "c": null, "b": [1.0, 2.50, "x"], "a": 1}'
_CHECKED = f"{ITEM_TABLE['sqlite'][:-1]}, CHECK (id > 0))"

HARMLESS = (
    Harmless("rows in another order", _rewritten("item", "id DESC")),
    Harmless("rows without a key in another order", _rewritten("log", "what DESC, at DESC"), "log"),
    Harmless("rows of a key of text in another order", _rewritten("word", "n DESC"), "word"),
    Harmless(
        "the table written anew",
        {
            "sqlite": ("VACUUM",),
            "postgresql": ("VACUUM FULL item",),
            "mariadb": ("OPTIMIZE TABLE item",),
        },
        alone=True,
    ),
    Harmless(
        "statistics",
        {"sqlite": ("ANALYZE",), "postgresql": ("ANALYZE item",), "mariadb": ("ANALYZE TABLE item",)},
        alone=True,
    ),
    Harmless(
        "an index renamed",
        {
            "sqlite": ("DROP INDEX item_name", "CREATE INDEX other ON item (name)"),
            "postgresql": ("ALTER INDEX item_name RENAME TO other",),
            "mariadb": ("ALTER TABLE item RENAME INDEX item_name TO other",),
        },
    ),
    Harmless(
        "indexes built anew",
        {
            "sqlite": ("REINDEX item",),
            "postgresql": ("REINDEX TABLE item",),
            "mariadb": ("ALTER TABLE item FORCE",),
        },
    ),
    Harmless(
        "an index dropped",
        {
            "sqlite": ("DROP INDEX item_name",),
            "postgresql": ("DROP INDEX item_name",),
            "mariadb": ("DROP INDEX item_name ON item",),
        },
    ),
    Harmless("an index added", _all("CREATE INDEX item_price ON item (price)")),
    Harmless(
        "columns in another order",
        {
            "mariadb": ("ALTER TABLE item MODIFY scan longblob FIRST, MODIFY name varchar(80) AFTER doc",),
            **{
                dbms: _replaced(
                    "item",
                    "(" + ", ".join(f"{name} {ITEM[name][place]}" for name in reversed(ITEM)) + ")",
                    ", ".join(reversed(ITEM)),
                )
                for place, dbms in enumerate(DBMS[:2])
            },
        },
    ),
    Harmless("a column added", _all("ALTER TABLE item ADD COLUMN extra integer DEFAULT 7")),
    Harmless("a varchar widened", _typed("name", "varchar(200)", "varchar(200)", "VARCHAR(200)")),
    Harmless("a varchar to text", _typed("name", "text", "text", "TEXT")),
    Harmless("an int to bigint", _typed("stock", "bigint", "bigint", "BIGINT")),
    Harmless("an int key to bigint", _typed("id", "bigint", "bigint", "BIGINT PRIMARY KEY")),
    Harmless("an int to numeric", _typed("stock", "numeric(20,3)", "decimal(20,3)", "NUMERIC(20,3)")),
    Harmless("a decimal's scale widened", _typed("price", "numeric(16,4)", "decimal(16,4)", "NUMERIC(16,4)")),
    Harmless("a boolean to int", _typed("active", "integer", "int", "INTEGER")),
    Harmless("an enum to text", _typed("state", "text", "varchar(10)", "VARCHAR(10)")),
    Harmless("a uuid to text", _typed("ref", "text", "char(36)", "TEXT")),
    Harmless("a date to a timestamp", _typed("born", "timestamp", "datetime", "TIMESTAMP")),
    Harmless("a time zone left out", _typed("seen_at", "timestamp", "datetime(6)", "DATETIME")),
    Harmless(
        "another collation",
        _typed(
            "name", 'varchar(80) COLLATE "C"', "varchar(80) COLLATE utf8mb4_bin", "VARCHAR(80) COLLATE NOCASE"
        ),
    ),
    Harmless(
        "another character set",
        {"mariadb": ("ALTER TABLE item MODIFY name varchar(80) CHARACTER SET utf16",)},
    ),
    Harmless(
        "JSON keys in another order",
        _all(f"UPDATE item SET doc = '{_REORDERED}' WHERE id = 15"),
        across=True,
    ),
    Harmless(
        "jsonb keys in another order",
        {
            "postgresql": (
                f"UPDATE item SET doc = '{_REORDERED}' WHERE id = 15".replace("1.0, 2.50", "1, 2.5"),
            )
        },
    ),
    Harmless("0.0 to -0.0", _all("UPDATE item SET weight = -0e0 WHERE weight = 0")),
    Harmless("zeros at the end", _all("UPDATE item SET price = 19.950, rate = 3.000037 WHERE id = 3")),
    Harmless(
        "values written again", _all("UPDATE item SET name = name, price = price, doc = doc, scan = scan")
    ),
    Harmless(
        "changed and changed back",
        _all("UPDATE item SET stock = stock + 1", "UPDATE item SET stock = stock - 1"),
    ),
    Harmless(
        "renamed and renamed back",
        _all("ALTER TABLE item RENAME TO thing", "ALTER TABLE thing RENAME TO item"),
    ),
    Harmless(
        "a check added",
        {
            "postgresql": ("ALTER TABLE item ADD CHECK (id > 0)",),
            "mariadb": ("ALTER TABLE item ADD CHECK (id > 0)",),
            "sqlite": _replaced("item", _CHECKED),
        },
    ),
    Harmless(
        "other storage",
        {
            "sqlite": ("PRAGMA page_size = 8192", "VACUUM"),
            "postgresql": ("ALTER TABLE item SET UNLOGGED", "CLUSTER item USING item_name"),
            "mariadb": ("ALTER TABLE item ROW_FORMAT = COMPRESSED",),
        },
        alone=True,
    ),
    Harmless(
        "partitions",
        {
            "postgresql": (
                "CREATE TABLE moved (basket integer, line integer, n numeric(8,2), PRIMARY KEY (basket, line))"
                " PARTITION BY LIST (basket)",
                "CREATE TABLE moved_less PARTITION OF moved FOR VALUES IN (-2, -1, 0)",
                "CREATE TABLE moved_more PARTITION OF moved DEFAULT",
                "INSERT INTO moved SELECT * FROM entry",
                "DROP TABLE entry",
                "ALTER TABLE moved RENAME TO entry",
            ),
            "mariadb": ("ALTER TABLE entry PARTITION BY HASH (basket) PARTITIONS 3",),
            "sqlite": _replaced(
                "entry",
                "(basket integer, line integer, n numeric(8,2), PRIMARY KEY (basket, line)) WITHOUT ROWID",
            ),
        },
        "entry",
    ),
)
