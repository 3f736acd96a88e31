"""How far a dump has come, and when it will be done, as far as that can be told."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytest_visionforge.backup.payload import Sink

PAUSE = 1.0  # seconds between two words


class Pace:
    """Tells, a word a second, how many bytes were dumped of about as many as the database has on disk."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say = total, say
        self._done = 0
        self._start = self._last = time.monotonic()

    def add(self, count: int) -> None:
        """So many more bytes."""
        self._done += count
        now = time.monotonic()
        if now - self._last < PAUSE:
            return
        self._last = now
        left = (now - self._start) * (self._total / self._done - 1)
        end = f", about {left:,.0f} s left" if left > 0 else ""
        self._say(f"dumped {self._done / 1e6:,.0f} MB of about {self._total / 1e6:,.0f} MB{end}")


class Told:
    """Passes bytes on and tells of them."""

    def __init__(self, sink: Sink, pace: Pace) -> None:
        self._sink, self._pace = sink, pace

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._sink.write(data)
        self._pace.add(len(data))
