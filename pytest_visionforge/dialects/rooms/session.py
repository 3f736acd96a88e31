"""Opening: what each DBMS must have in its `session`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import URL, Connection, Engine

if TYPE_CHECKING:
    from pytest_visionforge.database.session import Session


class SessionRoom(Protocol):
    """How a DBMS is opened, limited and asked who it is."""

    def engine(self, url: URL, connections: int) -> Engine:
        """A pool of at most `connections` connections that can only read."""

    def begin(self, connection: Connection, seconds: float) -> None:
        """Starts a read-only transaction on one snapshot; each statement may take `seconds`."""

    def begin_all(self, connections: Sequence[Connection], seconds: float) -> bool:
        """Starts one on each, all on one snapshot; False where that is not certain: then only the first counts."""

    def state(self, session: Session) -> str:
        """Words that stay the same only as long as nobody writes; "" where that cannot be known.

        Those of one moment: whether a session's snapshot is of it, the words after its beginning tell.
        """

    def cancel(self, connection: Connection) -> None:
        """Stops the statement that runs on a connection, from another thread."""

    def active(self, session: Session, ours: int) -> int:
        """How many sessions of others the server works for right now; `ours` of all are our own."""

    def recover(self, connection: Connection) -> None:
        """Makes the transaction go on after a statement that failed, on the same snapshot."""

    def is_time_limit(self, error: BaseException | None) -> bool:
        """Was a statement cancelled by its time limit?"""

    def read_only(self, session: Session) -> bool:
        """Does the server itself say that this session cannot write?"""

    def product(self, session: Session) -> str:
        """The DBMS's own name: SQLite, PostgreSQL, MySQL or MariaDB."""

    def version(self, session: Session) -> tuple[int, ...]:
        """The server's version."""

    def identity(self, session: Session, url: URL) -> str:
        """A text that only this database has, whichever road leads to it."""

    def now(self, session: Session) -> datetime:
        """The server's clock, UTC."""
