"""The journal: everything that was done, as an append-only chain of JSON lines.

Each line holds the SHA-256 of the one before and its own, so a line that was altered, removed, added
or moved breaks the chain there. What a chain alone cannot show is a tail that was cut off or a whole
journal that was written anew: who must know keeps the `head` elsewhere. Nothing is imported here but
the standard library and our errors, so every room may write it.
"""

from __future__ import annotations

import errno
import fcntl
import getpass
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from pytest_visionforge.errors import RecordError

GENESIS = "0" * 64
LONGEST = 1 << 20  # bytes of a line: a longer one is not ours


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: `phase` "begin" or "end" of an action; both of one action share `run`.

    `result` is "" at the beginning, then "ok" or "failed"; `time` is UTC; `hash` covers all the rest.
    """

    seq: int
    time: str
    prev: str
    run: str
    phase: Literal["begin", "end"]
    action: str
    object: str
    actor: str
    result: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    hash: str = ""

    def digest(self) -> str:
        """The SHA-256 that `hash` must be."""
        text = json.dumps({**asdict(self), "hash": ""}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def line(self) -> bytes:
        """The entry as it stands in the file."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many entries, and the hash of the last ("0" * 64 where there is none)."""

    entries: int
    hash: str


class Journal:
    """Appends to the journal at `path`; several processes may do so at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def step(self, action: str, object: str, **facts: Any) -> Iterator[dict[str, Any]]:
        """Writes the begin of an action, runs it, writes its end; yields the facts of the end, to fill.

        The begin is on the disk before the action starts. Facts are plain values without secrets.
        """
        run, ending = secrets.token_hex(6), dict[str, Any]()
        self._append(run, "begin", action, object, "", facts)
        try:
            yield ending
        except BaseException as error:
            with suppress(RecordError):  # the failure itself is what must be heard of
                said = {"error": type(error).__name__, "says": str(error)[:500]}
                self._append(run, "end", action, object, "failed", {**ending, **said})
            raise
        self._append(run, "end", action, object, "ok", ending)

    def mend(self) -> None:
        """Takes off a last line that a crash cut in the middle, and says so in the chain; else does nothing.

        Whoever only reads would find the journal broken there, and a cutover that lost its machine
        could neither go on nor back.
        """
        if _torn(self.path):
            with self.step("journal mended", self.path.name):
                pass

    def close(self, begun: Entry, **facts: Any) -> None:
        """Writes the end of an action that failed because its process died before it could."""
        self._append(begun.run, "end", begun.action, begun.object, "failed", facts)

    def _append(
        self,
        run: str,
        phase: Literal["begin", "end"],
        action: str,
        object: str,
        result: str,
        facts: Mapping[str, Any],
    ) -> None:
        with _locked(self.path) as file:
            last, torn = _tail(file, self.path)
            entry = Entry(
                seq=last.seq + 1 if last else 1,
                time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                prev=last.hash if last else GENESIS,
                run=run,
                phase=phase,
                action=action,
                object=object,
                actor=actor(),
                result=result,
                facts={**facts, "torn_bytes": torn} if torn else facts,
            )
            _write(file, _sealed(entry).line())


def read(path: Path) -> Iterator[Entry]:
    """The entries in order, each proved to follow the one before; RecordError names the broken line."""
    before = GENESIS
    try:
        with path.open("rb") as file:
            for number in _numbers():
                line = file.readline(LONGEST)
                if not line:
                    return
                entry = _entry(line, f"{path} line {number}")
                _chained(entry, number, before, path)
                before = entry.hash
                yield entry
    except OSError as error:
        raise RecordError(f"{path}: the journal cannot be read: {error.strerror}") from None


def verify(path: Path) -> Head:
    """The head of a chain that holds from its first line to its last; RecordError names the broken line."""
    head = Head(0, GENESIS)
    for entry in read(path):
        head = Head(entry.seq, entry.hash)
    return head


def unfinished(path: Path) -> tuple[Entry, ...]:
    """Actions that began and never ended: what a crash left open (or what still runs)."""
    begun: dict[str, Entry] = {}
    for entry in read(path) if path.exists() else ():
        if entry.phase == "begin":
            begun[entry.run] = entry
        else:
            begun.pop(entry.run, None)
    return tuple(begun.values())


def steps(path: Path) -> Iterator[tuple[Entry, Entry]]:
    """The actions that have ended, as begin and end, in the order of their ends; none where there is no file."""
    begun: dict[str, Entry] = {}
    for entry in read(path) if path.exists() else ():
        if entry.phase == "begin":
            begun[entry.run] = entry
        elif entry.run in begun:
            yield begun.pop(entry.run), entry


def seconds(begin: Entry, end: Entry) -> float:
    """How long an action took."""
    return (datetime.fromisoformat(end.time) - datetime.fromisoformat(begin.time)).total_seconds()


def last_seconds(path: Path, action: str, object: str = "", **facts: Any) -> float | None:
    """How long an action (with these facts at its begin) took when it went well last; None: it never did.

    It is only a hint: of a journal that does not hold it takes what comes before the broken line.
    """
    found = None
    with suppress(RecordError):
        for begin, end in steps(path):
            ours = begin.action == action and object in ("", begin.object)
            if ours and end.result == "ok" and facts.items() <= begin.facts.items():
                found = seconds(begin, end)
    return found


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


def _sealed(entry: Entry) -> Entry:
    return Entry(**{**asdict(entry), "hash": entry.digest()})


def _chained(entry: Entry, number: int, before: str, path: Path) -> None:
    if entry.digest() != entry.hash:
        raise RecordError(f"{path} line {number}: was altered: its hash is not that of its content")
    if entry.prev != before or entry.seq != number:
        raise RecordError(
            f"{path} line {number}: does not follow line {number - 1}: a line was removed, added or moved"
        )


def _entry(line: bytes, where: str) -> Entry:
    """The entry of a line, which must be written exactly as we write it."""
    try:
        entry = Entry(**json.loads(line))
        whole = entry.line() == line
    except (ValueError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise RecordError(f"{where}: is not an entry of this journal (cut off or altered)")
    return entry


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The journal, ours alone; what the disk refuses is a RecordError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
    except OSError as error:
        raise RecordError(f"{path}: the journal cannot be written: {error.strerror}") from None


def _write(file: IO[bytes], line: bytes) -> None:
    """The whole line on the disk, or nothing of it."""
    size = file.seek(0, os.SEEK_END)
    try:
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)
        raise


def _tail(file: IO[bytes], path: Path) -> tuple[Entry | None, int]:
    """The last entry, and how many bytes of an unfinished write were taken off behind it.

    A line without its end was never acknowledged: its writer died in the middle.
    """
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - LONGEST))
    lines = file.read().splitlines(keepends=True)
    torn = 0
    if lines and not lines[-1].endswith(b"\n"):
        torn = len(lines.pop())
        file.truncate(size - torn)
    if not lines:
        return None, torn
    whole = lines[-1] if start == 0 or len(lines) > 1 else b""
    return _entry(whole, f"{path}, its last line"), torn


def _torn(path: Path) -> bool:
    """Does the file end in the middle of a line?"""
    with suppress(OSError), path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
    return False


def actor() -> str:
    """Who acts: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
