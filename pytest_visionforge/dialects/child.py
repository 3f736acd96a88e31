"""The DBMS's own programs, run as our children: no shell, no secret in an argument, ended with us."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Any, Protocol

from pytest_visionforge.errors import BackupError, Hindered

CHUNK = 1 << 20
FILLING = 0.003  # seconds in which a pipe of a `CHUNK` fills: small pieces slow down who writes
SAID = 4000  # bytes of a child's last words that are kept
PATIENCE = 5.0  # seconds between asking a child to end and ending it
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class _Sink(Protocol):
    def write(self, data: bytes) -> object: ...


class _Input(_Sink, Protocol):
    def no_more(self) -> None: ...


class _Raw(Protocol):
    def read(self, size: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Program:
    """An installed program and its version."""

    path: str
    version: tuple[int, ...]

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.path).name

    @property
    def shown(self) -> str:
        """The version as text."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run: arguments, changes to the environment (None: without), descriptors that the child has.

    `tidy` makes a line of what the child said on stderr fit to be shown; "" leaves it out. `remedies` maps
    a pattern, that is looked for in what is shown, to what mends it.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str | None]
    descriptors: tuple[int, ...] = ()
    tidy: Callable[[str], str] = str.strip
    remedies: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.arguments[0]).name


def installed(name: str, *patterns: str, ask: Sequence[str] = ("--version",)) -> tuple[Program, ...]:
    """Every version of a program on the PATH and where the patterns lead, the oldest first; `ask` asks for it."""
    on_path = shutil.which(name)
    paths = ([on_path] if on_path else []) + [
        str(path) for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))
    ]
    programs = {path: Program(path, version) for path in paths if (version := _version(path, ask))}
    return tuple(sorted(programs.values(), key=lambda program: program.version))


def _version(path: str, ask: Sequence[str]) -> tuple[int, ...]:
    """What it says of itself; () where it cannot be run. MariaDB names its release behind "Distrib"."""
    try:
        done = subprocess.run([path, *ask], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    text = done.stdout.partition("Distrib")[2] or done.stdout
    number = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in number[0].split(".")) if number else ()


def pour(*pairs: tuple[Command, _Sink]) -> None:
    """Runs commands at once and writes what each prints to its sink; BackupError unless all end with 0."""
    with ExitStack() as running, selectors.DefaultSelector() as ready:
        for command, sink in pairs:
            child = running.enter_context(_running(command, stdin=DEVNULL, stdout=PIPE))
            ready.register(child.output, selectors.EVENT_READ, (child, sink))
        while ready.get_map():
            for key, _ in ready.select():
                child, sink = key.data
                if data := os.read(key.fd, CHUNK):
                    sink.write(data)
                else:
                    ready.unregister(key.fileobj)
                    child.finish()
                if 0 < len(data) < CHUNK // 2:
                    time.sleep(FILLING)


def feed(*pairs: tuple[Command, _Raw]) -> None:
    """Runs commands at once, each of which reads its `raw` to the end; BackupError unless all end with 0."""
    with ExitStack() as running, selectors.DefaultSelector() as ready:
        children = [running.enter_context(_running(command, stdin=PIPE)) for command, _ in pairs]
        for child, (_, raw) in zip(children, pairs, strict=True):
            os.set_blocking(child.input.fileno(), False)
            ready.register(child.input, selectors.EVENT_WRITE, (child, _Left(raw)))
        while ready.get_map():
            for key, _ in ready.select():
                child, left = key.data
                with child.reading():
                    if not left.write_to(key.fd):
                        ready.unregister(key.fileobj)
                        child.input.close()
        for child in children:
            child.finish()


def run(command: Command, output: IO[bytes] | int = DEVNULL, seconds: float | None = None) -> None:
    """Runs a command that reads nothing; BackupError unless it ends with 0 in time. What it prints: `output`."""
    with _running(command, stdin=DEVNULL, stdout=output) as child:
        child.finish(seconds)


@contextmanager
def printed(command: Command) -> Iterator[IO[bytes]]:
    """What a command prints, to be read to its end; BackupError unless the command ends with 0."""
    with _running(command, stdin=DEVNULL, stdout=PIPE) as child:
        yield child.output
        child.finish()


@contextmanager
def reader(command: Command, output: IO[bytes]) -> Iterator[_Input]:
    """What a command reads; there is `no_more` at the end of the block at the latest, and its end must be a good one.

    Where the block fails the command is ended, and it sees no end of its input then. What it prints goes to `output`.
    """
    with _running(command, stdin=PIPE, stdout=output) as child:
        yield child
        child.no_more()
        child.finish()


class _Left:
    """What a child has not read yet: the rest of a chunk, and of the payload."""

    def __init__(self, raw: _Raw) -> None:
        self._raw, self._data = raw, memoryview(b"")

    def write_to(self, descriptor: int) -> bool:
        """Writes as much as the child takes now; False at the end."""
        self._data = self._data or memoryview(self._raw.read(CHUNK))
        more = bool(self._data)
        with suppress(BlockingIOError):
            self._data = self._data[os.write(descriptor, self._data) :] if more else self._data
        return more


class _Child:
    """A command that runs, in a process group of its own."""

    def __init__(self, command: Command, errors: IO[bytes], **streams: Any) -> None:
        self._command, self._errors = command, errors
        self._process = _start(command, stderr=errors, **streams)
        for stream in filter(None, (self._process.stdin, self._process.stdout)):
            _widen(stream)

    @property
    def input(self) -> IO[bytes]:
        """What it reads."""
        assert self._process.stdin
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        """What it prints."""
        assert self._process.stdout
        return self._process.stdout

    def write(self, data: bytes) -> None:
        """Gives it more to read, at once."""
        with self.reading():
            self.input.write(data)
            self.input.flush()

    def no_more(self) -> None:
        """Lets it see the end of what it reads."""
        with self.reading():
            self.input.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A command that reads no further has failed, whatever it says."""
        try:
            yield
        except BrokenPipeError:
            self.finish()
            raise BackupError(f"{self._command.name} stopped reading before the end") from None

    def finish(self, seconds: float | None = None) -> None:
        """Waits for its end, which must be a good one, and come in time."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BackupError(f"{self._command.name} has not ended within {seconds:g} s") from None
        if status:
            raise (Hindered if status < 0 else BackupError)(  # a signal's: somebody ended it
                f"{self._command.name} ended with status {status}: {_said(self._errors, self._command)}"
            )

    def end(self) -> None:
        """Ends the whole group, if it still runs; it sees no end of its input before."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, sign)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                stream and stream.close()


@contextmanager
def _running(command: Command, **streams: Any) -> Iterator[_Child]:
    """A command that has ended when the block has, however that was."""
    with tempfile.TemporaryFile() as errors:
        child = _Child(command, errors, **{"stdout": DEVNULL, **streams})
        try:
            yield child
        finally:
            child.end()


def _start(command: Command, **streams: Any) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    environment = {**os.environ, "LC_ALL": "C", **command.environment}
    try:
        return subprocess.Popen(
            list(command.arguments),
            env={name: value for name, value in environment.items() if value is not None},
            pass_fds=command.descriptors,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
            **streams,
        )
    except OSError as error:
        raise Hindered(f"{command.arguments[0]} cannot be run: {error.strerror}") from None


def _widen(pipe: IO[bytes]) -> None:
    """A large pipe, where the system lets us: neither side waits for the other so often."""
    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)


def die_with(parent: int) -> None:
    """In the child: the kernel ends it when we end, however we end."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _said(errors: IO[bytes], command: Command) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - SAID))
    lines = errors.read().decode(errors="replace").splitlines()
    said = " ".join(filter(None, map(command.tidy, lines))) or "it said nothing"
    remedy = next((remedy for pattern, remedy in command.remedies.items() if re.search(pattern, said)), "")
    return f"{said}; {remedy}" if remedy else said
