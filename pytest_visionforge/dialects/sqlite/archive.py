"""How SQLite is backed up and put back: its own backup API, and plain files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from urllib.parse import quote as quote_uri

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.rooms.archive import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.sqlite.foreign import load_foreign, recognises
from pytest_visionforge.dialects.sqlite.parts import DATA, SCHEMA, build, dump_schema, only_rows, read_schema
from pytest_visionforge.dialects.sqlite.plain import CHUNK, create_file, remove_sides, translated, write_file
from pytest_visionforge.dialects.sqlite.rows import replacing
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.dialects.sqlite.swapping import (
    copy,
    discard,
    exists,
    kept,
    put_back,
    recover,
    scratch,
    swap,
)
from pytest_visionforge.errors import BackupError

__all__ = [
    "check",
    "copy",
    "discard",
    "dump",
    "exists",
    "kept",
    "lacking",
    "load",
    "load_foreign",
    "make",
    "needs",
    "place",
    "prepare",
    "prepare_scratch",
    "put_back",
    "recognises",
    "recover",
    "replacing",
    "scratch",
    "scratch_disks",
    "swap",
    "workspace",
]

FULL = "full.sqlite"
PAGES = 4096  # copied between two words of progress
_MODULES = (
    "SELECT DISTINCT lower(trim(substr(sql, instr(upper(sql), ' USING ') + 7,"
    " instr(substr(sql, instr(upper(sql), ' USING ') + 7) || '(', '(') - 1)))"
    " FROM sqlite_schema WHERE upper(sql) LIKE 'CREATE VIRTUAL TABLE% USING %' ORDER BY 1"
)


def place(url: URL) -> str:
    """The file, through every link."""
    return f"sqlite:{os.path.realpath(path_of(url))}"


def workspace(session: Session, url: URL, kind: str) -> int:
    """The copy, and beside it the one of the rows alone."""
    if kind == "schema":
        return 0
    size = int(session.value("PRAGMA page_count")) * int(session.value("PRAGMA page_size"))
    return size if kind == "full" else 2 * size


def needs(session: Session) -> Mapping[str, tuple[str, ...]]:
    """The modules of its virtual tables."""
    return {"modules": tuple(str(name) for (name,) in session.all(_MODULES))}


def lacking(url: URL, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A sentence where SQLite here has not all the modules."""
    with closing(sqlite3.connect(":memory:")) as db:
        has = {str(name).lower() for (name,) in db.execute("PRAGMA module_list")}
    lost = [name for name in needs.get("modules", ()) if name not in has]
    return (f"SQLite here has not the modules {', '.join(lost)}",) if lost else ()


def prepare(session: Session, url: URL, kind: str) -> None:
    """Nothing: SQLite is here, or there would be no session."""


def prepare_scratch(url: URL) -> None:
    """Nothing: it is a file in the directory of the backup."""


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
    with translated(f"copying {url.database}"):
        if kind != "full":
            dump_schema(session, write)
        if kind != "schema":
            copy = workplace / "copy"
            _copy(driver, copy, progress)
            if kind == "data":
                copy = only_rows(copy, workplace / "rows")
            progress("checking and compressing the copy")
            with _checked(copy), write(FULL if kind == "full" else DATA) as sink:
                _store(copy, sink)
    return Dumped({"sqlite3": sqlite3.sqlite_version}, ("backup API", "quick_check"), shared=True)


def check(name: str, raw: Raw, workplace: Path) -> None:
    """A database's pages hold together; a schema is whole."""
    if name == SCHEMA:
        read_schema(raw)
        return
    path = workplace / "checked"
    with translated(f"reading {name}"):
        try:
            write_file(path, raw)
            _check_pages(path)
        finally:
            path.unlink(missing_ok=True)


def scratch_disks(url: URL | None, directory: Path) -> tuple[str, ...]:
    """The directory in which the file will be."""
    return (str(directory),)


def make(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> bool:
    """Nothing: a file is made as it is written."""
    return False


def load(payloads: Payloads, url: URL, progress: Callable[[str], None], only: Collection[str] = ()) -> None:
    """Writes the file, or builds it from definitions and rows; a file is whole, whatever is wanted of it."""
    path = path_of(url)
    with translated(f"restoring into {path}"):
        if FULL in payloads.names:
            with payloads.open(FULL) as raw:
                write_file(path, raw)
            return
        with payloads.open(SCHEMA) as raw:
            definitions = read_schema(raw)
        build(path, definitions, payloads)


def _copy(driver: sqlite3.Connection, path: Path, progress: Callable[[str], None]) -> None:
    """A copy that needs no journal of its own: what a crash leaves of it is not used."""

    def tell(status: int, left: int, total: int) -> None:
        progress(f"copying: {total - left:,} of {total:,} pages")

    create_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        driver.backup(copy, pages=PAGES, progress=tell)
    remove_sides(path)


@contextmanager
def _checked(path: Path) -> Iterator[None]:
    """Proves that the pages hold together while the block runs; an error after it where they do not."""
    with ThreadPoolExecutor(1) as thread:
        checking = thread.submit(_check_pages, path)
        yield
        checking.result()


def _check_pages(path: Path) -> None:
    """The file is a sound database as it lies there: `immutable` looks for no log beside it."""
    if path.stat().st_size == 0:
        return  # the database that nothing was ever written into
    with closing(sqlite3.connect(f"file:{quote_uri(str(path))}?immutable=1", uri=True)) as connection:
        connection.execute("PRAGMA cell_size_check = 1")
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if said != ["ok"]:
        raise BackupError(f"the pages are damaged: {'; '.join(said)}")


def _store(path: Path, sink: Sink) -> None:
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            sink.write(data)
