"""Dumps that are none of ours: restored into a scratch database, and told what came out.

There is nothing to compare them with. What can be said: that they restore at all, and into what.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import secrets
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, files, lock, payload
from pytest_visionforge.backup.payload import CHUNK, Source, zstd
from pytest_visionforge.backup.verify import opened
from pytest_visionforge.database import Database
from pytest_visionforge.dialects import Dialect
from pytest_visionforge.errors import BackupError, DatabaseError
from pytest_visionforge.outcome import CannotTell

HEAD = 4096  # bytes by which a dump is recognised
# How a compressed file begins, and what reads it.
_PACKED: Mapping[bytes, Callable[[Any], Source]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\x28\xb5\x2f\xfd": zstd.ZstdFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Examined:
    """What came out of a foreign dump: the rows of each table by its id, and what is worth knowing.

    `sha256` and `size` (bytes) are of the file, `seconds` what the restore and the look at it took.
    """

    path: Path
    dbms: str
    sha256: str
    size: int
    seconds: float
    tables: Mapping[str, int] = field(hash=False)
    views: int = 0
    notes: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """The result in one sentence."""
        rows = sum(self.tables.values())
        return (
            f"restored: {len(self.tables)} tables with {rows:,} rows, {self.views} views;"
            " there is nothing to compare it with"
        )


def examine(
    path: Path, *, journal: Path, scratch_url: URL | str | None = None, progress: Progress | None = None
) -> Examined:
    """Restores a dump into a scratch database (on the server of `scratch_url`), and says what is in it.

    It may be a dump of pg_dump or mariadb-dump, a SQLite file or the SQL of one, compressed or not.
    `journal` is the directory in whose journal it is noted. Raises BackupError where it does not restore.
    """
    say, started = progress or _silent, time.monotonic()
    journal.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
    with lock.step(journal, "backup verify foreign", str(path)) as end:
        with files.opened(path) as file:
            sha256, size = payload.sha256_of(file)
        with _unpacked(path) as stream:
            head = stream.read(HEAD)
        dialect = _recognised(head, path)
        with _restored(dialect, head, path, scratch_url, say) as (database, notes):
            found = _look(path, sha256, size, started, database, notes)
        end |= {"says": found.says, "sha256": sha256}
    return found


def _recognised(head: bytes, path: Path) -> Dialect:
    for dialect in dialects.known():
        if dialect.archive.recognises(head):
            return dialect
    raise BackupError(f"{path}: is no backup of ours, no dump of pg_dump or mariadb-dump, and no SQLite file")


@contextmanager
def _restored(
    dialect: Dialect, head: bytes, path: Path, scratch_url: URL | str | None, say: Progress
) -> Iterator[tuple[Database, tuple[str, ...]]]:
    address = None if scratch_url is None else dialects.parse_url(scratch_url)
    if address is not None and dialects.of(address) is not dialect:
        address = None
    archive = dialect.archive
    with (
        tempfile.TemporaryDirectory(prefix="visionforge-") as folder,
        archive.scratch(address, secrets.token_hex(4), Path(folder)) as empty,
    ):
        notes = archive.load_foreign(head, lambda: _unpacked(path), empty, say)
        with opened(empty) as database:
            yield database, notes


def _look(
    path: Path, sha256: str, size: int, started: float, database: Database, notes: tuple[str, ...]
) -> Examined:
    try:
        with database.session() as session:
            schema = session.dialect.catalog.read_schema(session)
            here = {id: table for id, table in schema.tables.items() if not table.elsewhere}
            tables = {id: session.count(table) for id, table in here.items()}
            lost = [
                f"{count:,} rows of {id} refer through {', '.join(key.columns)} to rows that {key.parent} has not"
                for id, key, count in contents.orphans(session, schema)
            ]
            with suppress(CannotTell):
                lost += session.dialect.catalog.damage(session, "")
            product = session.dialect.session.product(session)
    except DatabaseError as error:
        raise BackupError(f"{path}: what was restored from it cannot be read: {error}") from None
    seconds = round(time.monotonic() - started, 3)
    return Examined(path, product, sha256, size, seconds, tables, len(schema.views), (*notes, *lost))


@contextmanager
def _unpacked(path: Path) -> Iterator[Source]:
    """The bytes of a file, decompressed where it is compressed."""
    with files.opened(path) as file:
        head = file.read(8)
        file.seek(0)
        reader = next((reader for magic, reader in _PACKED.items() if head.startswith(magic)), None)
        yield file if reader is None else _Unpacked(reader(file), path)


class _Unpacked:
    def __init__(self, stream: Source, path: Path) -> None:
        self._stream, self._path = stream, path

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next bytes."""
        try:
            return self._stream.read(size)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstd.ZstdError) as error:
            raise BackupError(f"{self._path} cannot be decompressed: {error}") from None


def _silent(_: str) -> None:
    """Nobody listens."""
