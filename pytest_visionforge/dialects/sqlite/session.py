"""How SQLite is opened: as a file that cannot be written, never created."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.sqlite.forms import digest
from pytest_visionforge.errors import CannotConnect

TRIES = 5  # to begin several transactions between two writes of others
STEPS = 10_000  # virtual machine steps between two looks at the clock: some milliseconds


def path_of(url: URL) -> Path:
    """The database's file."""
    return Path(url.database or "")


def engine(url: URL, connections: int) -> Engine:
    """A pool of connections to an existing file, opened read-only."""
    path = path_of(url)
    pool = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _open(path),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
    )
    event.listen(pool, "before_cursor_execute", _note_start)
    return pool


def _open(path: Path) -> sqlite3.Connection:
    wrong = _wrong(path)
    if wrong:
        raise CannotConnect(wrong)
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise CannotConnect(
            f"{error}: may this user read the file, and in WAL mode write its folder?"
        ) from None
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        raise CannotConnect(_unusable(path, error)) from None
    return connection


def _wrong(path: Path) -> str:
    """What makes a file no database at first sight; "" where nothing does, as far as can be seen."""
    if path.is_dir():
        return "this is a directory; the URL names a file, as in sqlite:///shop.db"
    if not path.exists():
        return "there is no such file; correct the path in the URL (SQLite would create an empty database)"
    if path.stat().st_size == 0:
        return "the file is empty (0 bytes), so it is no database; correct the path, or restore a backup"
    return ""


def _unusable(path: Path, error: sqlite3.Error) -> str:
    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
        from pytest_visionforge.dialects.sqlite.overwriting import holders

        who = ", ".join(holders(path.resolve(), ours=99)) or "a process that cannot be seen"
        return f"{error}: {who} holds a transaction; wait for its end, or end it, then try again"
    if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
        return "the file is not a SQLite database, or is encrypted; correct the path, or restore a backup"
    return f"{error}; may this user read the file, and in WAL mode write its folder?"


def _prepare(connection: sqlite3.Connection) -> None:
    """Closes the ways to write, adds the functions, and reads the header: garbage fails here, not later."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # ATTACH would create a file, mode=ro or not
    connection.create_function("full_match", 2, _matches, deterministic=True)
    connection.create_function("sha256", 1, digest, deterministic=True)
    for pragma in ("query_only = 1", "trusted_schema = 0", "cell_size_check = 1", "schema_version"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matches(pattern: str, value: object) -> bool | None:
    """The whole value matches; SQLAlchemy's own `regexp` only searches."""
    if value is None:
        return None
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return _compiled(pattern).fullmatch(text) is not None


def begin(connection: Connection, seconds: float) -> None:
    """Starts a transaction; a statement in it is interrupted once it has taken `seconds`."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    info = connection.info
    driver.set_progress_handler(lambda: time.monotonic() - info["started"] > seconds, STEPS)
    driver.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    driver.execute("PRAGMA query_only = 1")  # once more: a session before this one may have lifted it
    connection.exec_driver_sql("BEGIN")


def begin_all(connections: Sequence[Connection], seconds: float) -> bool:
    """Starts one on each; that they see the same is proved by the file's change counter."""
    for _ in range(TRIES):
        watching = connections[-1]
        before = _version(watching)
        for connection in connections:
            begin(connection, seconds)
            connection.exec_driver_sql(
                "SELECT count(*) FROM sqlite_schema"
            ).scalar_one()  # the snapshot is now
        if before == _version(watching):
            return True
        for connection in connections:
            connection.exec_driver_sql("ROLLBACK")
    begin(connections[0], seconds)
    return False


def _version(connection: Connection) -> int:
    """A number that changes with each commit of another connection."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def state(session: Session) -> str:
    """What the file and its write-ahead log say of themselves: each commit writes into one of them."""
    path = session.value("SELECT file FROM pragma_database_list WHERE name = 'main'")
    files = [Path(f"{path}{end}") for end in ("", "-wal")] if path else []
    return " ".join(_facts(file) for file in files if file.exists())


def _facts(file: Path) -> str:
    found = file.stat()
    with file.open("rb") as opened:  # the counter of changes, and the salt of the log, are at the beginning
        return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {opened.read(100).hex()}"


def cancel(connection: Connection) -> None:
    """Interrupts what runs on a connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.interrupt()


def active(session: Session, ours: int) -> int:
    """A file serves nobody else."""
    return 0


def _note_start(connection: Connection, *_: object) -> None:
    connection.info["started"] = time.monotonic()


def recover(connection: Connection) -> None:
    """A statement that fails leaves the transaction as it was."""


def is_time_limit(error: BaseException | None) -> bool:
    """Was a statement interrupted by the progress handler?"""
    return isinstance(error, sqlite3.OperationalError) and str(error) == "interrupted"


def read_only(session: Session) -> bool:
    """Does SQLite refuse to write here?"""
    return bool(session.value("PRAGMA query_only") == 1)


def product(session: Session) -> str:
    """SQLite."""
    return "SQLite"


def version(session: Session) -> tuple[int, ...]:
    """The library's version."""
    return tuple(int(part) for part in str(session.value("SELECT sqlite_version()")).split("."))


def identity(session: Session, url: URL) -> str:
    """The file's real path, to which every link leads.

    Not its inode: a backup that was put back in its place has another one, and is the same database.
    """
    return f"sqlite:{path_of(url).resolve()}"


def now(session: Session) -> datetime:
    """The machine's clock, as SQLite tells it."""
    text = str(session.value("SELECT strftime('%Y-%m-%dT%H\\:%M\\:%f', 'now')"))
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
