"""The payloads of a backup: each one stream of bytes, compressed with zstd, hashed as it is stored."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_visionforge.backup import files
from pytest_visionforge.errors import BackupError

if sys.version_info >= (3, 14):  # pragma: no cover
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1  # measured: three times as fast as 3, a tenth larger
CHUNK = 1 << 20
SUFFIX = ".zst"
WINDOW = 27  # log2: at most 128 MiB of memory, whatever a stream asks for


@dataclass(frozen=True, slots=True)
class File:
    """A stored payload: `size` and `sha256` as it lies there, `raw_size` as it was before compressing."""

    name: str
    sha256: str
    size: int
    raw_size: int


class Writer:
    """Takes the bytes of one payload; memory does not grow with them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size = 0
        self.raw_size = 0
        workers = zstd.CompressionParameter.nb_workers
        options = {
            int(zstd.CompressionParameter.compression_level): LEVEL,
            int(zstd.CompressionParameter.checksum_flag): 1,
            int(workers): min(4, os.cpu_count() or 1, workers.bounds()[1]),
        }
        self._compressor = zstd.ZstdCompressor(options=options)

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self.raw_size += len(data)
        self._store(self._compressor.compress(data))

    def finish(self) -> None:
        """There are no more."""
        self._store(self._compressor.flush())

    def _store(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self.size += len(data)

    def facts(self, name: str) -> File:
        """What the manifest says of the payload."""
        return File(name, self._sha256.hexdigest(), self.size, self.raw_size)


@contextmanager
def writing(directory: Path, name: str, stored: list[File]) -> Iterator[Writer]:
    """A new payload in a directory; its facts are added to `stored` once it is on the disk."""
    with files.created(directory / (name + SUFFIX)) as file:
        writer = Writer(file)
        yield writer
        writer.finish()
    stored.append(writer.facts(name + SUFFIX))


def check_hash(directory: Path, file: File) -> None:
    """Raises BackupError where a payload is not the bytes that the manifest names."""
    with files.opened(directory / file.name) as stored:
        size = os.fstat(stored.fileno()).st_size
        if size != file.size:
            raise BackupError(f"{file.name} has {size:,} bytes, the manifest says {file.size:,}")
        found = _sha256(stored)
    if found != file.sha256:
        raise BackupError(
            f"{file.name} was altered: SHA-256 {found[:12]}…, the manifest says {file.sha256[:12]}…"
        )


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := file.read(CHUNK):
        digest.update(data)
    return digest.hexdigest()


class Raw:
    """The bytes of a payload before compressing: as many as the manifest names, never more."""

    def __init__(self, stored: BinaryIO, file: File) -> None:
        self._stream = zstd.ZstdFile(
            stored, options={int(zstd.DecompressionParameter.window_log_max): WINDOW}
        )
        self._file = file
        self._left = file.raw_size

    def read(self, size: int = CHUNK) -> bytes:
        """The next bytes, at most `size`; b"" at the end."""
        try:
            data = self._stream.read(max(1, min(size, self._left)))
        except (zstd.ZstdError, EOFError) as error:
            raise BackupError(f"{self._file.name} cannot be decompressed: {error}") from None
        if len(data) > self._left:
            raise BackupError(
                f"{self._file.name} holds more than the {self._file.raw_size:,} bytes it should"
            )
        if not data and self._left:
            raise BackupError(f"{self._file.name} ends {self._left:,} bytes too early")
        self._left -= len(data)
        return data

    def drain(self) -> None:
        """Reads what is left: the end is proved too."""
        while self.read():
            pass


@contextmanager
def reading(directory: Path, file: File) -> Iterator[Raw]:
    """A payload as the bytes that it was made of; its end is proved where the block ends well."""
    with files.opened(directory / file.name) as stored:
        raw = Raw(stored, file)
        yield raw
        raw.drain()
