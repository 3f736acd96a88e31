"""Definitions and rows of a SQLite database apart from each other, and put together again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.rooms.archive import Payloads, Raw, Sink
from pytest_visionforge.dialects.sqlite.plain import CHUNK, create_file, remove_sides, sync, write_file
from pytest_visionforge.errors import BackupError

SCHEMA, DATA = "schema.json", "data.sqlite"
NUMBERS = "sqlite_sequence"
KEPT_PRAGMAS = ("page_size", "encoding", "auto_vacuum", "user_version", "application_id")
_ORDER = "CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid"


@dataclass(frozen=True, slots=True)
class Definitions:
    """What makes a database before it has rows: settings of the file's header, and statements.

    `tables` are needed before the rows, `others` (indexes, views, triggers) act on rows.
    """

    pragmas: Mapping[str, str | int]
    tables: Sequence[str]
    others: Sequence[str]


def dump_schema(session: Session, write: Callable[[str], AbstractContextManager[Sink]]) -> None:
    """Stores the definitions as they stand in the database."""
    shadows = {name for _, name, type, *_ in session.all("PRAGMA table_list") if type == "shadow"}
    found = session.all(f"SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY {_ORDER}")
    ours = [
        (type, sql) for type, name, sql in found if name not in shadows and not name.startswith("sqlite_")
    ]
    definitions = Definitions(
        pragmas={name: session.value(f"PRAGMA {name}") for name in KEPT_PRAGMAS},
        tables=[sql for type, sql in ours if type == "table"],
        others=[sql for type, sql in ours if type != "table"],
    )
    with write(SCHEMA) as sink:
        sink.write(json.dumps(asdict(definitions), indent=1).encode())


def read_schema(raw: Raw) -> Definitions:
    """The definitions that were stored; BackupError where they are not whole."""
    try:
        return Definitions(**json.loads(b"".join(iter(lambda: raw.read(CHUNK), b""))))
    except (ValueError, TypeError):
        raise BackupError("the definitions are cut off or altered") from None


def only_rows(copy: Path, path: Path) -> Path:
    """The rows of a database, in tables without types, keys and rules: values stay what they are."""
    create_file(path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        db.execute("ATTACH ? AS rows", (str(path),))
        db.execute("BEGIN")
        for name, columns in _stored_columns(db).items():
            names = ", ".join(columns)
            plain = ", ".join(f"c{number}" for number, _ in enumerate(columns))
            db.execute(f"CREATE TABLE rows.{_rows_of(name)} ({plain})")
            db.execute(f"INSERT INTO rows.{_rows_of(name)} SELECT {names} FROM main.{_quote(name)}")
        db.execute("COMMIT")
    remove_sides(copy)
    copy.unlink()
    return path


def _stored_columns(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Every table that stores rows, with the (quoted) columns that hold them, the row's number first.

    SQLite's own table of AUTOINCREMENT numbers comes last: inserting rows changes it.
    """
    tables = {
        name: bool(without_rowid)
        for schema, name, type, _, without_rowid, _ in db.execute("PRAGMA table_list")
        if schema == "main" and type in ("table", "shadow")
    }
    ours = [name for name in tables if not name.startswith("sqlite_")]
    sequence = [NUMBERS] if NUMBERS in tables else []
    return {name: _columns(db, name, tables[name]) for name in ours + sequence}


def _rows_of(table: str) -> str:
    """What a table is called in the file of rows, where no name is SQLite's own."""
    return _quote(f"rows of {table}")


def _columns(db: sqlite3.Connection, table: str, without_rowid: bool) -> list[str]:
    names = [
        name
        for name, hidden in db.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", (table,))
        if not hidden
    ]
    taken = {name.lower() for name in names}
    number = next((word for word in ("rowid", "_rowid_", "oid") if word not in taken), None)
    rowid = [number] if number and not without_rowid else []
    return rowid + [_quote(name) for name in names]


def build(path: Path, definitions: Definitions, payloads: Payloads) -> None:
    """Tables first, then their rows, then what would act on rows."""
    create_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name in KEPT_PRAGMAS:
            db.execute(f"PRAGMA {name} = {_literal(definitions.pragmas[name])}")
        db.execute("PRAGMA foreign_keys = 0")
        _define(db, definitions.tables)
        if DATA in payloads.names:
            rows = path.with_name("rows")
            with payloads.open(DATA) as raw:
                write_file(rows, raw)
            _insert(db, rows)
            rows.unlink()
        _define(db, definitions.others)
    sync(path)


def _define(db: sqlite3.Connection, statements: Sequence[str]) -> None:
    db.set_authorizer(allowed)
    db.execute("BEGIN")
    for statement in statements:
        db.execute(statement)
    db.execute("COMMIT")
    db.set_authorizer(None)


def allowed(action: int, _: str | None, value: str | None, *__: object) -> int:
    """Definitions may not open other files or change settings (virtual tables read some)."""
    changes = action == sqlite3.SQLITE_PRAGMA and value is not None
    opens = action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)
    return sqlite3.SQLITE_DENY if changes or opens else sqlite3.SQLITE_OK


def _insert(db: sqlite3.Connection, rows: Path) -> None:
    db.execute("ATTACH ? AS rows", (str(rows),))
    db.execute("BEGIN")
    for name, columns in _stored_columns(db).items():
        table = _quote(name)
        db.execute(f"DELETE FROM main.{table}")  # what a virtual table's creation has put into its shadows
        db.execute(f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT * FROM rows.{_rows_of(name)}")
    db.execute("COMMIT")
    db.execute("DETACH rows")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return str(int(value)) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
