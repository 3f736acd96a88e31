"""How SQLite is backed up and put back: its own backup API, and plain files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from urllib.parse import quote as quote_uri

from sqlalchemy import URL

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import Dumped, Payloads, Raw, Sink
from pytest_visionforge.dialects.sqlite.parts import DATA, SCHEMA, build, dump_schema, only_rows, read_schema
from pytest_visionforge.dialects.sqlite.plain import CHUNK, create_file, remove_sides, translated, write_file
from pytest_visionforge.dialects.sqlite.session import path_of
from pytest_visionforge.dialects.sqlite.swapping import scratch, swap
from pytest_visionforge.errors import BackupError

__all__ = ["check", "dump", "load", "place", "scratch", "swap"]

FULL = "full.sqlite"
PAGES = 4096  # copied between two words of progress


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
    with translated(f"copying {url.database}"):
        if kind != "full":
            dump_schema(session, write)
        if kind != "schema":
            copy = workplace / "copy"
            _copy(driver, copy, progress)
            progress("checking the copy")
            _check_pages(copy)
            if kind == "data":
                copy = only_rows(copy, workplace / "rows")
            progress("compressing")
            with write(FULL if kind == "full" else DATA) as sink:
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


def load(payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
    """Writes the file, or builds it from definitions and rows."""
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
    def tell(status: int, left: int, total: int) -> None:
        progress(f"copying: {total - left:,} of {total:,} pages")

    create_file(path)
    with closing(sqlite3.connect(path)) as copy:
        driver.backup(copy, pages=PAGES, progress=tell)
    remove_sides(path)


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
    path.unlink()
