"""How SQLite is backed up and put back: its own backup API, plain files, one rename."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote as quote_uri

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.errors import BackupError

FULL, SCHEMA, DATA = "full.sqlite", "schema.json", "data.sqlite"
SCRATCH = ".tmp-scratch-"
PAGES = 4096  # copied between two words of progress
CHUNK = 1 << 20
NUMBERS = "sqlite_sequence"
SIDES = ("-journal", "-wal", "-shm")
KEPT_PRAGMAS = ("page_size", "encoding", "auto_vacuum", "user_version", "application_id")
_ORDER = "CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid"


def place(url: URL) -> str:
    """The file, through every link."""
    return f"sqlite:{os.path.realpath(path_of(url))}"


def dump(
    session: Session,
    url: URL,
    kind: str,
    write: Callable[[str], AbstractContextManager[Sink]],
    workplace: Path,
    progress: Callable[[str], None],
) -> Dumped:
    """Copies the state that the session sees, proves the copy and stores it."""
    driver = session.connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    session.value("SELECT count(*) FROM sqlite_schema")  # from here on the state is fixed
    with _translated(f"copying {url.database}"):
        if kind != "full":
            _dump_schema(session, write)
        if kind != "schema":
            copy = workplace / "copy"
            _copy(driver, copy, progress)
            progress("checking the copy")
            _check_pages(copy)
            if kind == "data":
                copy = _only_rows(copy, workplace / "rows")
            progress("compressing")
            with write(FULL if kind == "full" else DATA) as sink:
                _store(copy, sink)
    return Dumped({"sqlite3": sqlite3.sqlite_version}, ("backup API", "quick_check"), shared=True)


def check(name: str, raw: Raw, workplace: Path) -> None:
    """A database's pages hold together; a schema is whole."""
    if name == SCHEMA:
        _read_schema(raw)
        return
    path = workplace / "checked"
    try:
        _write_file(path, raw)
        _check_pages(path)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def scratch(url: URL | None, tag: str, directory: Path | None) -> Iterator[URL]:
    """A file that is not there yet, in a directory of its own."""
    if directory is None:
        assert url is not None
        directory = Path(os.path.realpath(path_of(url))).parent
    with _translated(f"making a scratch database in {directory}"):
        for left in directory.glob(f"{SCRATCH}*"):
            _remove_dead(left)
        folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{tag}-", dir=directory))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield URL.create("sqlite+pysqlite", database=str(folder / "scratch.db"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_dead(folder: Path) -> None:
    """Removes what a run that was killed has left: nobody holds its lock any more."""
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def load(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    """Writes the file, or builds it from definitions and rows."""
    path = path_of(url)
    with _translated(f"restoring into {path}"):
        if FULL in payloads.names:
            with payloads.open(FULL) as raw:
                _write_file(path, raw)
            return
        with payloads.open(SCHEMA) as raw:
            schema = _read_schema(raw)
        _build(path, schema, payloads, path.with_name("rows"))


def swap(
    scratch: URL, url: URL, payloads: Payloads, tag: str, keep_old: bool, progress: Callable[[str], None]
) -> str:
    """Renames the new file over the old one while nobody holds it; the old one stays beside it."""
    new, live = path_of(scratch), Path(os.path.realpath(path_of(url)))
    with _translated(f"putting a database in the place of {live}"):
        if not live.exists():
            _set_aside_sides(live, _aside(live))
            _rename(new, live)
            return ""
        return _replace(new, live, keep_old, progress)


def _replace(new: Path, live: Path, keep_old: bool, progress: Callable[[str], None]) -> str:
    refuse_holders(live, ours=0)
    status = live.stat()
    os.chmod(new, status.st_mode & 0o7777)
    with suppress(PermissionError):
        os.chown(new, status.st_uid, status.st_gid)
    _sync(new)
    aside = _aside(live)
    with _held(live) as healthy:
        if not healthy:
            _set_aside_sides(live, aside)
        refuse_holders(live, ours=1)
        if keep_old:
            progress(f"keeping the old database as {aside.name}")
            _link(live, aside)
        progress("replacing")
        _rename(new, live)
    return str(aside) if keep_old else ""


@contextmanager
def _held(live: Path) -> Iterator[bool]:
    """The file, locked for us alone and without a log beside it; False where it is no sound database.

    Replacing a file whose log is still there would blend two states, and SQLite would not notice.
    """
    connection = sqlite3.connect(
        f"file:{quote_uri(str(live))}?mode=rw", uri=True, isolation_level=None, timeout=0
    )
    with closing(connection):
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            healthy = not any(_side(live, end).exists() for end in SIDES)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BackupError(f"{live} is in use ({error}): {STOP}") from None
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            healthy = False
        yield healthy


STOP = "stop what uses it (nothing was changed), then restore again"


def refuse_holders(live: Path, *, ours: int) -> None:
    """Raises BackupError while a process has the file open: what it wrote then would be lost unseen.

    SQLite's locks do not show who merely has it open, the system does (of the processes that we may
    look at). This process may have it open `ours` times.
    """
    import psutil

    path = str(live)
    for process in psutil.process_iter(["pid", "name"]):
        with suppress(psutil.Error, OSError):
            count = sum(file.path == path for file in process.open_files())
            if count > (ours if process.pid == os.getpid() else 0):
                who = "this very process" if process.pid == os.getpid() else f"process {process.pid}"
                raise BackupError(f"{live} is held by {who} ({process.info['name']}): {STOP}")


def _side(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _aside(live: Path) -> Path:
    """A free name beside the file: `<db>.before-restore-<time>`."""
    while True:
        path = live.with_name(f"{live.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if not path.exists():
            return path
        time.sleep(0.001)


def _set_aside_sides(live: Path, aside: Path) -> None:
    """Logs of a database that is gone or broken must not be played into the new one."""
    for end in SIDES:
        with suppress(FileNotFoundError):
            os.rename(_side(live, end), _side(aside, end))


def _link(live: Path, aside: Path) -> None:
    """A second name for the old file: at no moment is there none at the place of the database."""
    try:
        os.link(live, aside)
    except OSError:  # a file system without links
        shutil.copy2(live, aside)
        _sync(aside)


def _rename(new: Path, live: Path) -> None:
    _sync(new)
    os.replace(new, live)
    left = [_side(live, end).name for end in SIDES if _side(live, end).exists()]
    _sync(live.parent)
    if left:
        raise BackupError(
            f"{live} was put back, but {', '.join(left)} appeared beside it: somebody opened it"
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(driver: sqlite3.Connection, path: Path, progress: Callable[[str], None]) -> None:
    def tell(status: int, left: int, total: int) -> None:
        progress(f"copying: {total - left:,} of {total:,} pages")

    _create(path)
    with closing(sqlite3.connect(path)) as copy:
        driver.backup(copy, pages=PAGES, progress=tell)
    _remove_sides(path)


def _remove_sides(path: Path) -> None:
    for end in SIDES:
        _side(path, end).unlink(missing_ok=True)


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _check_pages(path: Path) -> None:
    """The file is a sound database as it lies there: `immutable` looks for no log beside it."""
    if path.stat().st_size == 0:
        return  # the database that nothing was ever written into
    with closing(sqlite3.connect(f"file:{quote_uri(str(path))}?immutable=1", uri=True)) as connection:
        connection.execute("PRAGMA cell_size_check = 1")
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if said != ["ok"]:
        raise BackupError(f"the copy is damaged: {'; '.join(said)}")


def _store(path: Path, sink: Sink) -> None:
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            sink.write(data)
    path.unlink()


def _write_file(path: Path, raw: Raw) -> None:
    _create(path)
    with path.open("wb") as file:
        _pour(raw, file)
        file.flush()
        os.fsync(file.fileno())


def _pour(raw: Raw, file: BinaryIO) -> None:
    while data := raw.read(CHUNK):
        file.write(data)


def _dump_schema(session: Session, write: Callable[[str], AbstractContextManager[Sink]]) -> None:
    """The definitions as they stand, with the settings that live in the file's header."""
    pragmas = {name: session.value(f"PRAGMA {name}") for name in KEPT_PRAGMAS}
    shadows = {name for _, name, type, *_ in session.all("PRAGMA table_list") if type == "shadow"}
    objects = session.all(
        f"SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY {_ORDER}"
    )
    statements = [
        [type, sql] for type, name, sql in objects if name not in shadows and not name.startswith("sqlite_")
    ]
    with write(SCHEMA) as sink:
        sink.write(json.dumps({"pragmas": pragmas, "statements": statements}, indent=1).encode())


def _read_schema(raw: Raw) -> dict[str, list[list[str]] | dict[str, str]]:
    content = b"".join(iter(lambda: raw.read(CHUNK), b""))
    try:
        schema: dict[str, list[list[str]] | dict[str, str]] = json.loads(content)
    except ValueError:
        raise BackupError("the schema is cut off or altered") from None
    return schema


def _only_rows(copy: Path, path: Path) -> Path:
    """The rows of a database, in tables without types, keys and rules: values stay what they are."""
    _create(path)
    with closing(
        sqlite3.connect(f"file:{quote_uri(str(copy))}?mode=rw", uri=True, isolation_level=None)
    ) as db:
        db.execute("ATTACH ? AS rows", (str(path),))
        db.execute("BEGIN")
        for name, columns in _stored_columns(db).items():
            names = ", ".join(columns)
            plain = ", ".join(f"c{number}" for number, _ in enumerate(columns))
            db.execute(f"CREATE TABLE rows.{_rows_of(name)} ({plain})")
            db.execute(f"INSERT INTO rows.{_rows_of(name)} SELECT {names} FROM main.{_quote(name)}")
        db.execute("COMMIT")
    _remove_sides(copy)
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


def _build(
    path: Path, schema: dict[str, list[list[str]] | dict[str, str]], payloads: Payloads, rows: Path
) -> None:
    """Tables first, then their rows, then what would act on rows: indexes, views, triggers."""
    pragmas, statements = schema["pragmas"], schema["statements"]
    assert isinstance(pragmas, dict) and isinstance(statements, list)
    _create(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name in KEPT_PRAGMAS:
            db.execute(f"PRAGMA {name} = {_literal(pragmas[name])}")
        db.execute("PRAGMA foreign_keys = 0")
        db.set_authorizer(_allowed)
        tables = [sql for type, sql in statements if type == "table"]
        others = [sql for type, sql in statements if type != "table"]
        _run(db, tables)
        db.set_authorizer(None)
        if DATA in payloads.names:
            with payloads.open(DATA) as raw:
                _write_file(rows, raw)
            _insert(db, rows)
            rows.unlink()
        db.set_authorizer(_allowed)
        _run(db, others)
    _sync(path)


def _run(db: sqlite3.Connection, statements: list[str]) -> None:
    db.execute("BEGIN")
    for statement in statements:
        db.execute(statement)
    db.execute("COMMIT")


def _allowed(action: int, _: str | None, value: str | None, *__: object) -> int:
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


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """SQLite's and the system's errors, as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"{what}: SQLite says: {error}") from None
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        raise BackupError(f"{what}: {named}{error.strerror or error}") from None
