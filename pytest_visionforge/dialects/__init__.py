"""What each DBMS does its own way, and nothing else: one folder each, the same rooms in each.

`session` opens and limits, `language` writes SQL, `catalog` reads the schema, `canonical` gives the
one text per value on which all agree, `archive` backs up and restores. Above this package nobody
asks which DBMS it has; a new one is a new folder here and a line in `_PACKAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from pytest_visionforge.errors import PlanError

if TYPE_CHECKING:
    from pytest_visionforge.database.facts import Schema
    from pytest_visionforge.database.session import Session

_PACKAGES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}

INLINE_TEXT = 65536  # bytes of a text up to which its canonical form holds it; longer: its SHA-256
INLINE_BYTES = 64  # the same for binary values


class SessionRoom(Protocol):
    """How a DBMS is opened, limited and asked who it is."""

    def engine(self, url: URL, connections: int) -> Engine:
        """A pool of at most `connections` connections that can only read."""

    def begin(self, connection: Connection, seconds: float) -> None:
        """Starts a read-only transaction on one snapshot; each statement may take `seconds`."""

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


class LanguageRoom(Protocol):
    """How a DBMS says in SQL what the others say in other words."""

    def quote(self, name: str) -> str:
        """A name as an identifier, for a statement that `Session` runs."""

    def quote_table(self, schema: str | None, name: str) -> str:
        """A table's name, with its schema where it is not the default one."""

    def matches(self, expression: str, parameter: str) -> str:
        """True where the whole text matches the regular expression in `:parameter`."""

    def as_text(self, expression: str) -> str:
        """The value as text."""

    def plain(self, expression: str) -> str:
        """The text in byte order, without the collation's ideas of equality."""

    def now(self) -> str:
        """The server's now, comparable with its timestamps (UTC)."""

    def timestamp(self, expression: str) -> str:
        """A timestamp column in a form that compares with `now()` and with others of its kind."""

    def same(self, left: str, right: str) -> str:
        """True where both are NULL or both are equal."""

    def literal(self, text: str) -> str:
        """A text as a literal, for a statement that people are shown."""

    def number(self, expression: str) -> str:
        """A number in a form with which sums do not lose cents (exact where the DBMS has it)."""


class CatalogRoom(Protocol):
    """What a DBMS knows about its objects."""

    def read_schema(self, session: Session) -> Schema:
        """The application's objects, without the system's, temporary ones and extensions' members.

        A few queries over the whole catalogue, however many tables there are; see
        `pytest_visionforge.database.facts` for what each fact means.
        """

    def database_size(self, session: Session, url: URL) -> int:
        """Bytes on disk, with indexes, without the server's own log."""

    def table_sizes(self, session: Session) -> Mapping[tuple[str | None, str], int]:
        """Bytes on disk of each table with its indexes, by schema (None: the default one) and name.

        Empty where the DBMS cannot tell.
        """

    def data_directories(self, session: Session, url: URL) -> tuple[str, ...]:
        """The directories on this machine that hold the database; () where they are elsewhere or hidden."""

    def unreadable(self, session: Session) -> tuple[str, ...]:
        """Ids of tables and views of which the role may not SELECT every row, sorted."""

    def damage(self, session: Session, table: str) -> tuple[str, ...]:
        """What the DBMS's own check says of the pages and indexes of a table (by id), or of all ("").

        One line for each piece of damage, about 100 at most; () where all is sound. It reads the
        whole table. CannotTell, with a remedy, where the server has no such check for this role.
        """


class CanonicalRoom(Protocol):
    """One text per value on which all DBMS agree, and digests of rows; see docs/compare.md.

    `TYPED`: a column holds only values of its type. `ALTERS`: a table that is there can be given
    constraints (where not, it is rebuilt).
    """

    TYPED: bool
    ALTERS: bool

    def family(self, type: str) -> str:
        """The kind of value that a type holds; "other" where nothing is known but its text."""

    def ordered(self, type: str) -> bool:
        """Does the DBMS order this type as all others do, so that its key can be cut into ranges?"""

    def type_of(self, session: Session, source: str, expression: str) -> str:
        """The type of an expression over the rows of `source` (a quoted table)."""

    def prepare(self, session: Session) -> None:
        """Makes a session ready for the SQL below; called before it is used, once or more often."""

    def text(self, expression: str, family: str, type: str) -> str:
        """SQL: the canonical text of a value of that type in a family's form (NULL for NULL)."""

    def row(self, texts: Sequence[str]) -> str:
        """SQL: one text of the canonical texts of a row, from which each can be told."""

    def fetched(self, text: str) -> str:
        """SQL: a canonical text in the form in which the client can read it (str or bytes)."""

    def sha256(self, text: str) -> str:
        """SQL: the SHA-256 of a text in UTF-8, as hex digits."""

    def digest(self, session: Session, source: str, row: str, order: str) -> tuple[int, str]:
        """The rows of `source` ("FROM ... WHERE ...") counted, and the SHA-256 of their hashes in order."""

    def buckets(self, session: Session, query: str) -> Iterator[tuple[str, int, str]]:
        """(bucket, rows, digest), sorted: `query` gives bucket `b`, a row's hash `h`, how many times `n`."""


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
    begun while the session was open.
    """

    tools: Mapping[str, str]
    options: tuple[str, ...]
    shared: bool


class ArchiveRoom(Protocol):
    """How a DBMS is backed up and put back; what `pytest_visionforge.backup` builds on.

    `tag` is the random part of a backup's id. Every method raises BackupError, and leaves nothing
    behind when it does.
    """

    def place(self, url: URL) -> str:
        """Where the database is, as a text without user and password that stays the same."""

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

    def load(self, payloads: Payloads, url: URL, progress: Callable[[str], None]) -> None:
        """Restores payloads of any kind into an empty database; jobs that run by themselves stay out."""

    def swap(
        self,
        scratch: URL,
        url: URL,
        payloads: Payloads,
        tag: str,
        keep_old: bool,
        progress: Callable[[str], None],
    ) -> str:
        """Puts a loaded scratch database in the place of the one at `url`; says where the old one is kept."""


@dataclass(frozen=True)
class Dialect:
    """The rooms of one DBMS, each imported when it is entered first."""

    name: str

    @cached_property
    def session(self) -> SessionRoom:
        """How it is opened."""
        room: SessionRoom = self._room("session")
        return room

    @cached_property
    def language(self) -> LanguageRoom:
        """How it says things in SQL."""
        room: LanguageRoom = self._room("language")
        return room

    @cached_property
    def catalog(self) -> CatalogRoom:
        """How its objects are read."""
        room: CatalogRoom = self._room("catalog")
        return room

    @cached_property
    def canonical(self) -> CanonicalRoom:
        """How its values become canonical text."""
        room: CanonicalRoom = self._room("canonical")
        return room

    @cached_property
    def archive(self) -> ArchiveRoom:
        """How it is backed up and restored."""
        room: ArchiveRoom = self._room("archive")
        return room

    def _room(self, room: str) -> Any:
        return import_module(f"{__name__}.{self.name}.{room}")


def parse_url(text: str | URL) -> URL:
    """A database's URL, with the driver that we use; PlanError where it is not one of ours."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise PlanError(
            "not a database URL; write sqlite:///path.db, postgresql://user@host/name or mysql://user@host/name"
        ) from None
    name = _PACKAGES.get(url.get_backend_name())
    if name is None:
        raise PlanError(
            f"{url.get_backend_name()} is not a DBMS that can be migrated here; known: "
            + ", ".join(sorted(set(_PACKAGES)))
        )
    return url.set(drivername=_DRIVERS[name])


_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


def of(url: URL) -> Dialect:
    """The dialect of a URL."""
    return named(_PACKAGES[url.get_backend_name()])


@cache
def named(name: str) -> Dialect:
    """The dialect called "sqlite", "postgresql" or "mysql"; one object each."""
    return Dialect(name)
