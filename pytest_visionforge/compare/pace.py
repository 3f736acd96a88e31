"""How hard a comparison works, and word of how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from pytest_visionforge.database import Session, Snapshot

BUSY = 8  # statements of others that the server works on, above which a kind comparison waits
LOOK = 5.0  # seconds between two looks at what the server does
PATIENCE = 30.0  # seconds after which it goes on all the same
Progress = Callable[[str], None]


@dataclass
class Pace:
    """Bounds the share of time in which each session works (`load`, 0..1), and tells of the progress.

    With a load of less than 1, sessions rest after each segment, and wait while the server is busy
    with others.
    """

    load: float = 1.0
    progress: Progress | None = None
    _looked: float = field(default=0.0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def tell(self, words: str) -> None:
        """Says what is being done."""
        if self.progress:
            self.progress(words)

    def rest(self, snapshot: Snapshot, session: Session, worked: float) -> None:
        """Keeps a session that worked for so many seconds from its next segment for its share of time."""
        if self.load >= 1:
            return
        snapshot.rest(worked * (1 / self.load - 1))
        until = time.monotonic() + PATIENCE
        while self._is_busy(snapshot, session) and time.monotonic() < until:
            self.tell("waiting: the server is busy with others")
            snapshot.rest(1.0)

    def _is_busy(self, snapshot: Snapshot, session: Session) -> bool:
        """Asked by one session at a time, and not after every segment."""
        with self._lock:
            if time.monotonic() - self._looked < LOOK:
                return False
            self._looked = time.monotonic()
        if session.dialect.session.active(session, len(snapshot.sessions)) <= BUSY:
            return False
        self._looked = 0.0
        return True


@dataclass
class Journey:
    """How far one table is, and when it will be done."""

    table: str
    pace: Pace
    rows: int = 0
    _total: int | None = None
    _began: float = field(default_factory=time.monotonic)

    def expect(self, total: int) -> None:
        """Now it is known how many rows there are."""
        self._total = total

    def went(self, rows: int) -> None:
        """So many rows more are done."""
        self.rows += rows
        self.pace.tell(f"{self.table}: {self}")

    def __str__(self) -> str:
        if not self._total or not self.rows:
            return f"{self.rows:,} rows"
        share = min(1.0, self.rows / self._total)
        worked = time.monotonic() - self._began
        rate, left = self.rows / max(worked, 0.001), worked * (1 - share) / share
        rows = f"{_count(self.rows, self._total)} rows, {rate:,.0f} rows/s"
        return f"{100 * share:.0f} %, {rows}, {_duration(left)} left"


def _count(rows: int, total: int) -> str:
    """So many of so many, in one unit."""
    if total >= 1_000_000:
        return f"{rows / 1e6:.1f} of {total / 1e6:.1f} M"
    return f"{rows:,} of {total:,}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
