"""Several sessions on one snapshot, and work that is spread over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Event, Lock
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeVar

from pytest_visionforge.database.session import Session
from pytest_visionforge.errors import VisionForgeError

AGAIN = 0.2  # seconds after which a session that goes on with its next statement is cancelled once more
P = ParamSpec("P")
R = TypeVar("R")


class Snapshot:
    """Sessions that see one state of a database, at work in as many threads.

    `main` is the first of them. Work is a function of a session; whatever runs when the snapshot is
    left is cancelled at the server. Use it as a context manager; who made the sessions ends them.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = tuple(sessions)
        self.dialect = self.main.dialect
        self._free: SimpleQueue[Session] = SimpleQueue()
        for session in sessions:
            self._free.put(session)
        self._busy: set[Session] = set()
        self._lock = Lock()
        self._ending = Event()
        self._idle = Event()
        self._threads = ThreadPoolExecutor(len(self.sessions), "visionforge")

    @property
    def main(self) -> Session:
        """The session for what must be done in one."""
        return self.sessions[0]

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        while busy := self._at_work():
            for session in busy:
                with suppress(Exception):  # it has just ended, or its connection is gone: nothing runs on it
                    session.cancel()
            self._idle.wait(AGAIN)
        self._threads.shutdown()

    def _at_work(self) -> tuple[Session, ...]:
        with self._lock:
            self._idle.clear()
            return tuple(self._busy)

    @contextmanager
    def lease(self) -> Iterator[Session]:
        """A session for this thread alone; waits until one is free."""
        session = self._free.get()
        try:
            with self._lock:
                if self._ending.is_set():
                    raise VisionForgeError("cancelled")
                self._busy.add(session)
            yield session
        finally:
            with self._lock:
                self._busy.discard(session)
                self._idle.set()
            self._free.put(session)

    def run(self, function: Callable[Concatenate[Session, P], R], *args: P.args, **more: P.kwargs) -> R:
        """The function of a session that is free, in this thread."""
        with self.lease() as session:
            return function(session, *args, **more)

    def start(
        self, function: Callable[Concatenate[Session, P], R], *args: P.args, **more: P.kwargs
    ) -> Future[R]:
        """The same in another thread."""
        return self._threads.submit(lambda: self.run(function, *args, **more))

    def rest(self, seconds: float) -> None:
        """Waits, but not on when the snapshot is left."""
        self._ending.wait(seconds)


@contextmanager
def sharing(source: Snapshot | Session) -> Iterator[Snapshot]:
    """A snapshot as it is, or one of a single session that somebody else has opened."""
    if isinstance(source, Snapshot):
        yield source
    else:
        with Snapshot([source]) as snapshot:
            yield snapshot
