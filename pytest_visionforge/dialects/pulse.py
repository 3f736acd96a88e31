"""What a server says of itself while others work: facts that mean the same on every DBMS."""

from __future__ import annotations

import re
from dataclasses import dataclass

SHOWN = 100  # characters of a statement


@dataclass(frozen=True, slots=True)
class Activity:
    """A session of somebody else, or a process that holds the file of the database.

    `seconds` is the age of its transaction, None where it has none or that cannot be known.
    `statement` is without its values; `process` is on this machine, 0 where that is not known.
    """

    id: str
    who: str
    seconds: float | None = None
    statement: str = ""
    process: int = 0

    def __str__(self) -> str:
        age = "" if self.seconds is None else f", {self.seconds:.0f} s in its transaction"
        return f"{self.who} ({self.id}){age}" + (f": {self.statement}" if self.statement else "")


@dataclass(frozen=True, slots=True)
class Wait:
    """A session that waits for another; `on` is what they both want, "" where that is not known."""

    waiter: Activity
    blocker: Activity
    on: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica of this server, or this server as the replica of another.

    `lag` is what the server measured last, in seconds, None where it does not tell. `behind`: there is
    something that it has not applied. `position` is how far it has: it changes while the replica works.
    """

    name: str
    lag: float | None = None
    behind: bool = False
    position: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the log that is kept for a reader: so many bytes are `held` back; is it `read` now?

    `lost`: what its reader had still to read is not there any more.
    """

    name: str
    held: int
    read: bool = True
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """One look at a server.

    `connections` of at most `most` (None: there is no limit) are open. `transactions` are the sessions
    of others that are in one, the oldest first. `holders` are processes on this machine that keep all
    others from writing. `progress` is a sentence for each long operation. `note` says what is hidden from us.
    """

    connections: int = 0
    most: int | None = None
    transactions: tuple[Activity, ...] = ()
    waits: tuple[Wait, ...] = ()
    holders: tuple[Activity, ...] = ()
    replicas: tuple[Replica, ...] = ()
    slots: tuple[Slot, ...] = ()
    progress: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """How a query reads one table: by an index, or `whole`; `table` may be the query's own name for it."""

    table: str
    index: str = ""

    @property
    def whole(self) -> bool:
        """It reads every row."""
        return not self.index

    def __str__(self) -> str:
        return f"{self.table} by {self.index}" if self.index else f"{self.table} as a whole"


def anonymous(statement: str | None) -> str:
    """A statement on one line, without comments and values: those may be anybody's."""
    text = re.sub(r"/\*.*?\*/|--[^\n]*", " ", statement or "", flags=re.S)
    text = re.sub(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"(?=\s*[,)])", "?", text)
    text = " ".join(re.sub(r"\b\d[\w.]*", "?", text).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
