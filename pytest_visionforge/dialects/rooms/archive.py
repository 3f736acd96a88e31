"""Backups: what each DBMS must have in its `archive`, and what it is given for that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import URL

if TYPE_CHECKING:
    from pytest_visionforge.database.facts import Table
    from pytest_visionforge.database.session import Session


class Sink(Protocol):
    """Takes the bytes of a payload."""

    def write(self, data: bytes) -> object:
        """The next bytes."""


class Raw(Protocol):
    """Gives the bytes of a payload; BackupError where they are not what the manifest names."""

    def read(self, size: int = ...) -> bytes:
        """The next bytes, at most `size`; b"" at the end."""


class Payloads(Protocol):
    """The payloads of one backup, by name."""

    @property
    def names(self) -> Sequence[str]:
        """Their names, in the order in which they were written."""

    def open(self, name: str) -> AbstractContextManager[Raw]:
        """The bytes of one."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """How a dump was made: programs with versions, their options, and whether it is of the session's state.

    `shared`: the payload is of the very snapshot that the session sees; otherwise of one of its own,
    begun while the session was open. `name` is what another tool calls a backup that it made.
    """

    tools: Mapping[str, str]
    options: tuple[str, ...]
    shared: bool
    name: str = ""


class Replaced(Protocol):
    """Tables whose rows have been replaced, in a transaction that is still open.

    `kept` are the tables that hold the rows from before.
    """

    kept: Sequence[str]

    def value(self, sql: str, **parameters: Any) -> Any:
        """The first value of a query over the database as it will be."""

    def set_aside(self, table: Table, where: str) -> tuple[str, int]:
        """Moves the rows `c` of a table of which `where` is true into a new one; its name, their number."""


class ArchiveRoom(Protocol):
    """How a DBMS is backed up and put back; what `pytest_visionforge.backup` builds on.

    `tag` is the random part of a name; for `scratch` it is the backup's, so that the next run finds what
    a dead one has left. Every method raises BackupError, and leaves nothing behind when it does.
    """

    def place(self, url: URL) -> str:
        """Where the database is, as a text without user and password that stays the same."""

    def workspace(self, session: Session, url: URL, kind: str) -> int:
        """Bytes that a dump takes for itself while it runs, beside its payloads."""

    def needs(self, session: Session) -> Mapping[str, tuple[str, ...]]:
        """What a dump needs of a server and does not hold: names by kind ("roles", "extensions", ...)."""

    def lacking(self, url: URL, needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """A sentence, with a remedy, for each kind of which the server at `url` has not all."""

    def prepare(self, session: Session, url: URL, kind: str) -> None:
        """Refuses, before anything is read, where `dump` could make none: a program is missing, too old ..."""

    def dump(
        self,
        session: Session,
        url: URL,
        kind: str,
        write: Callable[[str], AbstractContextManager[Sink]],
        workplace: Path,
        progress: Callable[[str], None],
    ) -> Dumped:
        """Writes the payloads of a "full", "schema" or "data" backup; `workplace` is an empty directory."""

    def check(self, name: str, raw: Raw, workplace: Path) -> None:
        """Reads a payload to its end with the DBMS's own means, without a database."""

    def scratch(self, url: URL | None, tag: str, directory: Path | None) -> AbstractContextManager[URL]:
        """An empty scratch database, dropped afterwards unless `swap` took it.

        It is on the server of `url`; where a database is a file, in `directory`, or beside `url`'s.
        """

    def prepare_scratch(self, url: URL) -> None:
        """Refuses, before anything is read, where the role may make no scratch database."""

    def scratch_disks(self, url: URL | None, directory: Path) -> tuple[str, ...]:
        """The directories on this machine in which a scratch database would lie; () where they are elsewhere."""

    def load(
        self, payloads: Payloads, url: URL, progress: Callable[[str], None], only: Collection[str] = ()
    ) -> None:
        """Restores payloads of any kind into an empty database; jobs that run by themselves stay out.

        With `only` (ids) the rows of other tables stay out too where the payloads allow it, and what would
        not hold without them.
        """

    def recognises(self, head: bytes) -> bool:
        """Is it how a dump, or a file, of this DBMS begins, whoever made it?"""

    def load_foreign(
        self,
        head: bytes,
        open: Callable[[], AbstractContextManager[Raw]],
        url: URL,
        progress: Callable[[str], None],
    ) -> tuple[str, ...]:
        """Restores a dump that others made into an empty scratch database, with care; what is worth knowing."""

    def swap(
        self,
        scratch: URL,
        url: URL,
        payloads: Payloads,
        tag: str,
        progress: Callable[[str], None],
    ) -> str:
        """Puts a loaded scratch database in the place of the one at `url`; says where the old one is kept."""

    def exists(self, url: URL) -> bool:
        """Is there a database at `url`, be it broken?"""

    def make(self, payloads: Payloads, url: URL, progress: Callable[[str], None]) -> bool:
        """Makes the database at `url`, where there is none, as the payloads say that it was: empty.

        False where they do not say it of a database of that name.
        """

    def recover(self, url: URL, progress: Callable[[str], None]) -> str:
        """Completes or undoes what a run that died in a swap has left; what it did ("" where nothing was)."""

    def copy(self, url: URL, tag: str, progress: Callable[[str], None]) -> str:
        """A copy beside the database at `url` without a dump; its name. BackupError where the DBMS cannot."""

    def put_back(self, kept: str, url: URL, tag: str, progress: Callable[[str], None]) -> str:
        """Puts what `swap` or `copy` kept in the place of the database at `url`, as `swap` does."""

    def replacing(
        self,
        scratch: URL,
        url: URL,
        tables: Sequence[Table],
        around: Sequence[Table],
        tag: str,
        progress: Callable[[str], None],
    ) -> AbstractContextManager[Replaced]:
        """Puts the rows of some tables of a scratch database in the place of the ones at `url`.

        `around` are the tables that these refer to or that refer to them. It is one transaction, whose
        end is the block's: an error undoes it. Triggers do not fire; foreign keys are not enforced before
        the end.
        """

    def kept(self, url: URL) -> Sequence[str]:
        """What `swap`, `copy` and `put_back` have kept of the database at `url`, and is still there."""

    def discard(self, url: URL, kept: str) -> None:
        """Removes what `swap`, `copy` or `put_back` kept."""
