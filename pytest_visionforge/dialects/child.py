"""The DBMS's own programs, run as our children: no shell, no secret in an argument, ended with us."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from pytest_visionforge.errors import BackupError

CHUNK = 1 << 20
SAID = 4000  # bytes of a child's last words that are kept
PATIENCE = 5.0  # seconds between asking a child to end and ending it
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class _Sink(Protocol):
    def write(self, data: bytes) -> object: ...


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

    `tidy` makes a line of what the child said on stderr fit to be shown; "" leaves it out.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str | None]
    descriptors: tuple[int, ...] = ()
    tidy: Callable[[str], str] = str.strip

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.arguments[0]).name


def installed(name: str, *patterns: str) -> tuple[Program, ...]:
    """Every version of a program on the PATH and where the patterns lead, the oldest first."""
    on_path = shutil.which(name)
    paths = ([on_path] if on_path else []) + [
        str(path) for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))
    ]
    programs = {path: Program(path, version) for path in paths if (version := _version(path))}
    return tuple(sorted(programs.values(), key=lambda program: program.version))


def _version(path: str) -> tuple[int, ...]:
    """What `--version` says; () where it cannot be run. MariaDB names its release behind "Distrib"."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    text = done.stdout.partition("Distrib")[2] or done.stdout
    number = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in number[0].split(".")) if number else ()


def pour(command: Command, sink: _Sink) -> None:
    """Runs a command and writes what it prints to `sink`; BackupError unless it ends with 0."""
    with _running(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as (_, output):
        while data := output.read(CHUNK):
            sink.write(data)


def feed(command: Command, raw: _Raw) -> None:
    """Runs a command that reads `raw` to its end; BackupError unless it ends with 0."""
    stopped = False
    with _running(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as (input, _):
        try:
            while data := raw.read(CHUNK):
                input.write(data)
            input.close()
        except BrokenPipeError:
            stopped = True
            with suppress(BrokenPipeError):
                input.close()
    if stopped:
        raise BackupError(f"{command.name} stopped reading before the end")


@contextmanager
def _running(command: Command, **streams: Any) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A child in a process group of its own; if anything goes wrong the whole group is ended."""
    with tempfile.TemporaryFile() as errors:
        process = _start(command, stderr=errors, **streams)
        try:
            yield process.stdin, process.stdout  # type: ignore[misc]
            status = process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    stream and stream.close()
        if status:
            raise BackupError(f"{command.name} ended with status {status}: {_said(errors, command)}")


def _start(command: Command, **streams: Any) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    environment = {**os.environ, "LC_ALL": "C", **command.environment}
    try:
        return subprocess.Popen(
            list(command.arguments),
            env={name: value for name, value in environment.items() if value is not None},
            pass_fds=command.descriptors,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
            **streams,
        )
    except OSError as error:
        raise BackupError(f"{command.arguments[0]} cannot be run: {error.strerror}") from None


def _die_with(parent: int) -> None:
    """In the child: the kernel ends it when we end, however we end."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return


def _said(errors: IO[bytes], command: Command) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - SAID))
    lines = errors.read().decode(errors="replace").splitlines()
    return " ".join(filter(None, map(command.tidy, lines))) or "it said nothing"
