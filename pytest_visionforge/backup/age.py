"""Encryption to recipients of age: what is stored can be read back only with an identity of theirs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pytest_visionforge.backup import files
from pytest_visionforge.backup.payload import CHUNK, Sink, Source
from pytest_visionforge.errors import BackupError

SECRET = "AGE-SECRET-KEY-"  # noqa: S105


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise BackupError(
            "encryption needs pyrage; install it: pip install 'pytest-visionforge[encrypt]'"
        ) from None
    return pyrage


def recipients(texts: Sequence[str]) -> list[Any]:
    """The recipients, as pyrage has them."""
    library, found = _pyrage(), []
    for number, text in enumerate(texts, start=1):
        try:
            found.append(library.x25519.Recipient.from_str(text))
        except library.RecipientError as error:  # it may be the secret key, so it is not shown
            raise BackupError(
                f"recipient {number} of [backup] recipients is none of age's: {error}; write the public key"
                " that age-keygen printed, age1..."
            ) from None
    return found


@contextmanager
def encrypting(sink: Sink, texts: Sequence[str]) -> Iterator[Sink]:
    """Encrypts what is written to `sink`; without recipients passes it on."""
    if not texts:
        yield sink
        return
    keys = recipients(texts)
    reader, writer = _pipe()
    kept = _Kept(sink)
    thread = _Beside(lambda: _pyrage().encrypt_io(reader, kept, keys), reader)
    try:
        with writer:
            yield writer
    except BrokenPipeError:
        pass  # the thread has ended too early, and says why
    finally:
        thread.join()
    if kept.error:
        raise kept.error
    thread.check("encrypting")


@contextmanager
def decrypting(stored: IO[bytes], identity: Path | None, name: str) -> Iterator[Source]:
    """What is encrypted in `stored`, by the identity in a file."""
    if identity is None:
        raise BackupError(f'{name} is encrypted: name the file with its key: [backup] identity = "$FILE"')
    keys = _identities(identity)
    reader, writer = _pipe()
    thread = _Beside(lambda: _pyrage().decrypt_io(stored, writer, keys), writer)
    try:
        with reader:
            yield _Decrypted(reader, thread, name)
    finally:
        thread.join()  # a reader that is closed lets it end


class _Decrypted:
    """What comes out; an error where it ends because it cannot be decrypted."""

    def __init__(self, reader: IO[bytes], thread: _Beside, name: str) -> None:
        self._reader, self._thread, self._name = reader, thread, name

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next bytes."""
        data = self._reader.read(size)
        if not data:
            self._thread.join()
            self._thread.check(f"{self._name} cannot be decrypted")
        return data


class _Beside(threading.Thread):
    """Does something while we go on, keeps what goes wrong, and closes its end of a pipe."""

    def __init__(self, work: Callable[[], object], end: IO[bytes]) -> None:
        super().__init__(name="age", daemon=True)
        self._work, self._end = work, end
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Does it."""
        try:
            self._work()
        except BaseException as error:  # told by `check`, in the thread that waits for it
            self._error = error
        finally:
            with suppress(OSError):
                self._end.close()

    def check(self, what: str) -> None:
        """Raises BackupError where it went wrong."""
        if self._error:
            raise BackupError(f"{what}: {self._error}")


class _Kept:
    """Passes bytes on and keeps the system's error, of which the library would keep the text alone."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """The next bytes."""
        try:
            self._sink.write(data)
        except OSError as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb"), os.fdopen(writer, "wb")


def _identities(path: Path) -> list[Any]:
    library = _pyrage()
    with files.secret(path) as file:
        lines = file.read(1 << 16).decode(errors="replace").split()
    try:
        found = [library.x25519.Identity.from_str(line) for line in lines if line.startswith(SECRET)]
    except library.IdentityError:
        found = []
    if not found:
        raise BackupError(f"{path}: holds no identity of age; `age-keygen` makes one")
    return found
