"""Runs programs, each in a process of its own, and says what they took.

Seconds are those of the wall, from the start of the process to its end: starting Python counts,
for every competitor. CPU seconds and memory are the program's own, not the server's. The peak of
memory is the kernel's high-water mark (VmHWM), so Linux is needed: `ru_maxrss` will not do, as a
child starts with its parent's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

import psutil

ROOT = Path(__file__).parents[1]
LONGEST_SECONDS = 3600.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a program took, and what it said; `status` below 0 is the signal that ended it."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Runs:
    """Several runs of the same program, on the same data."""

    all: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        """The median."""
        return median(run.seconds for run in self.all)

    @property
    def cpu_seconds(self) -> float:
        """The median."""
        return median(run.cpu_seconds for run in self.all)

    @property
    def peak_mb(self) -> float:
        """The highest."""
        return max(run.peak_mb for run in self.all)


def rounds(programs: Mapping[str, Sequence[str]], runs: int, budget: float) -> dict[str, Runs]:
    """Runs the programs in turn, so many times; what has taken `budget` seconds is not run again.

    In turn, so that a noisy minute of the machine does not hit one of them alone.
    """
    done: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(runs):
        for name, command in programs.items():
            if sum(run.seconds for run in done[name]) < budget:
                done[name].append(run(command))
                say(f"  {done[name][-1].seconds:8.2f} s  {name}")
    return {name: Runs(tuple(each)) for name, each in done.items()}


def run(command: Sequence[str]) -> Run:
    """Runs one program from the project's root to its end, or for an hour at most."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=ROOT)
        with _watched(process.pid) as peak:
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        return Run(
            seconds=seconds,
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_mb=peak.bytes / 1e6,
            status=process.returncode,
            output=_text(output),
            errors=_text(errors),
        )


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


@dataclass
class _Peak:
    bytes: int = 0


@contextmanager
def _watched(pid: int) -> Iterator[_Peak]:
    """Looks at a process and its children until the block ends; ends them after the longest time."""
    peak, over = _Peak(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(pid, peak, over), daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _watch(pid: int, peak: _Peak, over: threading.Event) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while not over.wait(_LOOK_SECONDS):
            family = [pid, *(child.pid for child in process.children(recursive=True))]
            peak.bytes = max(peak.bytes, sum(map(_high_water, family)))
            if time.monotonic() > end:
                process.kill()


def _high_water(pid: int) -> int:
    """The most memory that a process ever held, in bytes; 0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
