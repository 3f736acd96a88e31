"""A command of the plan as a process: its output as it comes, its whole tree ended with it.

Commands are run by /bin/sh in a session of their own. Each process below carries a mark in its
environment, by which it is found even if it left its session, or if we were killed and came back.
"""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from pytest_visionforge.dialects.child import die_with

MARK = "VISIONFORGE_RUN"
GRACE = 5.0  # seconds between asking a tree to end and ending it
LOOK = 0.1  # seconds between two looks at whether it must be ended
CHUNK = 1 << 16
LONGEST = 1 << 16  # characters of a line: a longer one is cut into several


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit status (below 0: the signal), seconds, and why we ended it ("": it did)."""

    status: int
    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """What is run: text for /bin/sh, the directory, and what its environment has beside ours."""

    text: str
    directory: Path
    mark: str
    environment: Mapping[str, str]

    def start(self, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """The process, in a session of its own; what it prints goes to `output`."""
        parent = os.getpid()
        return subprocess.Popen(
            ["/bin/sh", "-c", self.text],
            cwd=self.directory,
            env={**os.environ, **self.environment, MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )


def run(
    command: Command,
    *,
    seconds: float,
    line: Callable[[str], None],
    must_end: Callable[[], str] = str,
    started: Callable[[int], None] = lambda _: None,
    deserted: Callable[[frozenset[int]], object] = lambda _: None,
) -> Ended:
    """Runs a command to its end, and hands over each line as it comes.

    `deserted` is told the local ports of the processes that were ended: a server may still work for them.
    The whole tree is ended after `seconds`, once `must_end` says why, and when we are interrupted
    (SIGINT, SIGTERM, SIGHUP), which goes on as KeyboardInterrupt.
    """
    begin = time.monotonic()
    with interruptible():
        process = command.start(subprocess.PIPE)
        guard = _guard(process.pid)
        try:
            started(process.pid)
            why = _read(process, begin + seconds, line, must_end) or _left_behind(
                process, begin + seconds, must_end
            )
        except BaseException:
            deserted(end_tree(command.mark, process))
            raise
        finally:
            process.stdout and process.stdout.close()
            guard.communicate(b"over\n")
    if why:
        deserted(end_tree(command.mark, process))
    why = f"it took longer than {seconds:g} s" if why == "timeout" else why
    return Ended(process.wait(), time.monotonic() - begin, why)


def _guard(group: int) -> subprocess.Popen[bytes]:
    """A process that ends the command's process group once we are gone, however that was.

    It reads from us: a line says that all is over, the end of the input that we were killed.
    """
    text = f"read -r _ || {{ kill -TERM -{group}; sleep {GRACE:g}; kill -KILL -{group}; }} 2>/dev/null"
    return subprocess.Popen(["/bin/sh", "-c", text], stdin=subprocess.PIPE, start_new_session=True)


def _read(
    process: subprocess.Popen[bytes], end: float, line: Callable[[str], None], must_end: Callable[[], str]
) -> str:
    """Hands over lines until the output ends or the process has; why it must be ended, "" if it need not."""
    assert process.stdout
    lines = _Lines(line)
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if ready.select(LOOK):
                data = os.read(process.stdout.fileno(), CHUNK)
                if not data:
                    break
                lines.feed(data)
            elif process.poll() is not None:
                break  # something of it lives on in the background, and holds the pipe
            if why := _why(end, must_end):
                lines.close()
                return why
    lines.close()
    return ""


def _left_behind(process: subprocess.Popen[bytes], end: float, must_end: Callable[[], str]) -> str:
    """Waits for a process that has closed its output; why it must be ended."""
    while process.poll() is None:
        if why := _why(end, must_end):
            return why
        time.sleep(LOOK)
    return ""


def _why(end: float, must_end: Callable[[], str]) -> str:
    return must_end() or ("timeout" if time.monotonic() > end else "")


class _Lines:
    """Cuts bytes into lines of text; a carriage return ends one, too (progress bars)."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + self._decoder.decode(data)).replace("\r", "\n").split("\n")
        for text in whole:
            self._tell(text)
        if len(self._rest) > LONGEST:
            self._tell(self._rest)
            self._rest = ""

    def close(self) -> None:
        if self._rest:
            self._tell(self._rest)
        self._rest = ""

    def _tell(self, text: str) -> None:
        if text.strip():
            self._line(text.rstrip())


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: somebody wants us to end, and we tidy up first."""


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP interrupt as Ctrl-C does, as long as the block lasts (in the main thread)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: Any) -> None:
        raise Terminated(signal.Signals(number).name)

    old = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def tree(mark: str, root: int = 0, variable: str = MARK) -> tuple[psutil.Process, ...]:
    """The living processes that carry a mark, and those below `root`; never ourselves."""
    found = {each.pid: each for each in psutil.process_iter() if _carries(each, variable, mark)}
    if root:
        with suppress(psutil.Error):
            found |= {each.pid: each for each in psutil.Process(root).children(recursive=True)}
    found.pop(os.getpid(), None)
    return tuple(found.values())


def _carries(process: psutil.Process, variable: str, mark: str) -> bool:
    try:
        return process.environ().get(variable) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def end_tree(mark: str, process: subprocess.Popen[bytes] | None = None) -> frozenset[int]:
    """Ends all processes of a mark, asked first, then killed; the local ports of their connections."""
    ports = frozenset(port for each in _living(mark, process) for port in _ports(each))
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for each in _living(mark, process):
            with suppress(psutil.Error):
                each.send_signal(sign)
        _gone(mark, process, GRACE)
    return ports


def _living(mark: str, process: subprocess.Popen[bytes] | None) -> tuple[psutil.Process, ...]:
    """The tree, and its root while that lives."""
    if process is None or process.poll() is not None:
        return tree(mark)
    return tuple(
        {each.pid: each for each in (*tree(mark, process.pid), psutil.Process(process.pid))}.values()
    )


def _ports(process: psutil.Process) -> Iterator[int]:
    with suppress(psutil.Error):
        for connection in process.net_connections("tcp"):
            if connection.raddr:
                yield connection.laddr.port


def _gone(mark: str, process: subprocess.Popen[bytes] | None, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and ((process and process.poll() is None) or tree(mark)):
        time.sleep(LOOK / 2)
