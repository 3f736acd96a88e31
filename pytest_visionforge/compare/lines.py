"""A file of JSON lines, compressed: whole or not there, and one that is cut or altered is told."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_visionforge.errors import RecordError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.checksum_flag: 1,
    zstd.CompressionParameter.compression_level: 3,
}
_LONGEST = 256 * 1024 * 1024  # characters of a line: more is no file of ours
Write = Callable[[Any], None]


@contextmanager
def written(path: Path) -> Iterator[Write]:
    """Gives a function that writes one JSON value a line; the file appears once all are written.

    Until then, and after an error, whatever was at `path` still is. Only its owner can read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            with zstd.open(raw, "wb", options=_OPTIONS) as stream:
                yield from _writer(stream)
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(path)
        _sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _writer(stream: Any) -> Iterator[Write]:
    """Counts and hashes the lines, and ends them with a line that says both."""
    whole, lines = hashlib.sha256(), 0

    def write(value: Any) -> None:
        nonlocal lines
        line = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        whole.update(line)
        stream.write(line)
        lines += 1

    yield write
    stream.write(json.dumps({"end": {"lines": lines, "sha256": whole.hexdigest()}}).encode() + b"\n")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Iterator[Any]:
    """The values of a file, line by line; RecordError where it is missing, not ours, cut or altered."""
    try:
        with zstd.open(path, "rb") as stream:
            yield from _checked(stream, path)
    except FileNotFoundError:
        raise RecordError(f"{path} is not there; `pytest -m premigration` writes it") from None
    except (zstd.ZstdError, EOFError, ValueError, OSError) as error:
        raise _broken(path, str(error)) from None


def _checked(stream: Any, path: Path) -> Iterator[Any]:
    whole, lines, end = hashlib.sha256(), 0, None
    while line := stream.readline(_LONGEST):
        if end is not None:
            raise _broken(path, "there is more after its end")
        value = json.loads(line)
        if isinstance(value, dict) and "end" in value:
            end = value["end"]
            continue
        whole.update(line)
        lines += 1
        yield value
    if end is None:
        raise _broken(path, "its end is missing")
    if end != {"lines": lines, "sha256": whole.hexdigest()}:
        raise _broken(path, "its lines are not those that were written")


def _broken(path: Path, why: str) -> RecordError:
    return RecordError(f"{path} is not a whole file of ours: {why}; take it again, or get the original back")
