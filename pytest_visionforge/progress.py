"""Word of long work: on a terminal one line that changes, with a bar; elsewhere a line every ten seconds.

Elsewhere is where the stream is no terminal, or one that cannot go back (`TERM=dumb`), or where CI runs it
(`CI`): there a line that changes fills the log. Nothing is coloured, so `NO_COLOR` asks for nothing more.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import TextIO

PATIENCE = 2.0  # seconds of silence: what is done by then needs no word
PAUSE_TERMINAL, PAUSE_LOG = 0.1, 10.0
BAR = 20  # characters of a bar
FAR = 300.0  # seconds from which the hour of the end helps more than what is left
_SHARE = re.compile(r"(?<![\d.])(\d{1,3}) %")


class Progress:
    """Call it with what is being done; it shows as much of that as helps.

    Words that tell a share (`orders: 40 %, ...`) get a bar on a terminal. `expected` is how many seconds the
    whole will take, as far as is known: then the end is told, and the bar is that of the time. `apart`: others
    write on this terminal too, so it begins a line of its own.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        *,
        expected: float | None = None,
        apart: bool = False,
    ) -> None:
        self.stream = stream
        self._terminal = _goes_back(stream, os.environ)
        self._clock = clock
        self._start = clock()
        self._expected = expected
        self._begin = "\n" if apart else ""
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
        share = self._share(message, now)
        message += self._left(now)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 3
            line = message if share is None else f"{self._bar(share)} {message}"
            self.stream.write(f"{self._begin}\r\x1b[2K  {_printable(line)[:width]}")
            self._shown = True
        else:
            self.stream.write(f"{self._begin}  {_printable(message)}\n")
        self._begin = ""
        self.stream.flush()

    def _share(self, message: str, now: float) -> float | None:
        """How much is done (0..1): of the time that is known, else as the words tell; None where neither does."""
        if self._expected:
            return min((now - self._start) / self._expected, 0.99)
        said = _SHARE.search(message)
        return min(int(said[1]) / 100, 1.0) if said else None

    def _bar(self, share: float) -> str:
        """`#####---------------`, in signs that every terminal has."""
        done = round(BAR * share)
        return f"[{'#' * done}{'-' * (BAR - done)}]"

    def _left(self, now: float) -> str:
        """When the end may come."""
        if self._expected is None:
            return ""
        left = self._start + self._expected - now
        if left <= 0:
            return " (it takes longer than last time)"
        end = f", until {datetime.now().astimezone() + timedelta(seconds=left):%H:%M}" if left > FAR else ""
        return f" (about {in_words(left)} left{end})"

    def clear(self) -> None:
        """Takes the line that changes off the terminal."""
        if self._shown:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()
            self._shown = False


def _goes_back(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Is it a terminal that a person looks at, on which a line can be written over?"""
    in_ci = environ.get("CI", "").lower() not in ("", "0", "false")
    return stream.isatty() and not in_ci and environ.get("TERM") != "dumb"


def _printable(text: str) -> str:
    """The name of a table cannot steer the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def in_words(seconds: float) -> str:
    """A time as people say it: `40 s`, `3 min`, `1.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
