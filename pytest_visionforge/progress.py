"""Word of long work: on a terminal one line that changes, elsewhere a line every ten seconds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

PATIENCE = 2.0  # seconds of silence: what is done by then needs no word
PAUSE_TERMINAL, PAUSE_LOG = 0.1, 10.0


class Progress:
    """Call it with what is being done; it shows as much of that as helps.

    `expected` is how many seconds the whole will take, as far as is known: then the end is told.
    """

    def __init__(
        self, stream: TextIO, clock: Callable[[], float] = time.monotonic, *, expected: float | None = None
    ) -> None:
        self.stream = stream
        self._terminal = stream.isatty()
        self._clock = clock
        self._start = clock()
        self._expected = expected
        self._last = float("-inf")
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def __call__(self, message: str) -> None:
        """Says what is being done."""
        now = self._clock()
        pause = PAUSE_TERMINAL if self._terminal else PAUSE_LOG
        if now - self._start < PATIENCE or now - self._last < pause:
            return
        self._last = now
        message += self._left(now)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[2K  {message}"[: width + 5])
            self._shown = True
        else:
            self.stream.write(f"  {message}\n")
        self.stream.flush()

    def _left(self, now: float) -> str:
        """When the end may come."""
        if self._expected is None:
            return ""
        left = self._start + self._expected - now
        if left <= 0:
            return " (it takes longer than last time)"
        return f" (about {in_words(left)} left)"

    def clear(self) -> None:
        """Takes the line that changes off the terminal."""
        if self._shown:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()
            self._shown = False


def in_words(seconds: float) -> str:
    """A time as people say it: `40 s`, `3 min`, `1.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
