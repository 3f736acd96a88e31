"""Payloads as streams of bytes: compressed with zstd, hashed as they are stored, read back never longer."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pytest_visionforge.errors import BackupError

if sys.version_info >= (3, 14):  # pragma: no cover
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

LEVEL = 1  # measured: three times as fast as 3, a tenth larger
CHUNK = 1 << 20
SUFFIX = ".zst"
WINDOW = 27  # log2: at most 128 MiB of memory, whatever a stream asks for


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes) -> object:
        """The next bytes."""


class Source(Protocol):
    """Gives bytes."""

    def read(self, size: int = ..., /) -> bytes:
        """The next bytes, at most `size`; b"" at the end."""


@dataclass(frozen=True, slots=True)
class File:
    """A stored payload: `size` and `sha256` as it lies there, `raw_size` as it was before compressing.

    In a repository it lies in `snapshot`: `sha256` is then of the raw bytes, `size` what came new into it.
    """

    name: str
    sha256: str
    size: int
    raw_size: int
    snapshot: str = ""


class Counted:
    """Passes bytes on, counts them, and hashes them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """The next bytes."""
        self._sink.write(data)
        self._sha256.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written."""
        return self._sha256.hexdigest()


class Compressor:
    """Compresses what is written; memory does not grow with it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
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
        self._sink.write(self._compressor.compress(data))

    def finish(self) -> None:
        """There are no more."""
        self._sink.write(self._compressor.flush())


def decompressed(stored: Source, name: str) -> Source:
    """The bytes before compressing; BackupError where they cannot be had."""
    return _Decompressed(stored, name)


class _Decompressed:
    def __init__(self, stored: Source, name: str) -> None:
        options = {int(zstd.DecompressionParameter.window_log_max): WINDOW}
        self._stream: Source = zstd.ZstdFile(cast(Any, stored), options=options)
        self._name = name

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next bytes."""
        try:
            return self._stream.read(size)
        except (zstd.ZstdError, EOFError) as error:
            raise BackupError(f"{self._name} cannot be decompressed: {error}") from None


class Raw:
    """The bytes of a payload before compressing: as many as the manifest names, never more."""

    def __init__(self, source: Source, file: File) -> None:
        self._source, self._file, self._left = source, file, file.raw_size

    def read(self, size: int = CHUNK) -> bytes:
        """The next bytes, at most `size`; b"" at the end."""
        data = self._source.read(max(1, min(size, self._left)))
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


def sha256_of(source: Source) -> tuple[str, int]:
    """The SHA-256 of all that a source gives, and how many bytes that are."""
    digest, size = hashlib.sha256(), 0
    while data := source.read(CHUNK):
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size
