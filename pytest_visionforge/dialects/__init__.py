"""What each DBMS does its own way, and nothing else: one folder each, the same rooms in each.

`session` opens and limits, `language` writes SQL, `catalog` reads the schema, `canonical` gives the
one text per value on which all agree, `archive` backs up and restores, `remedy` puts back, `watch`
and `explain` say what goes on. Above this package nobody
asks which DBMS it has; a new one is a new folder here and a line in `_PACKAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
    from pytest_visionforge.database.database import Database
    from pytest_visionforge.database.definitions import Definition, Grant, Partition, Policy
    from pytest_visionforge.database.facts import Column, Schema, Table, View
    from pytest_visionforge.database.session import Session
    from pytest_visionforge.dialects.capacity import Capacity
    from pytest_visionforge.dialects.pulse import Access, Activity, Pulse

_PACKAGES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}

INLINE_TEXT = 65536  # bytes of a text up to which its canonical form holds it; longer: its SHA-256
INLINE_BYTES = 64  # the same for binary values
INLINE_PACKED = 1024  # bytes of a value up to which the binary form of a row holds it


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
    """What a DBMS knows about its objects. `COMMENTS`: tables and columns have comments."""

    COMMENTS: bool

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

    def capacity(self, column: Column) -> Capacity:
        """What values of a column's type can be, for comparing it with that of another DBMS."""

    def unreadable(self, session: Session) -> tuple[str, ...]:
        """Ids of tables and views of which the role may not SELECT every row, sorted."""

    def damage(self, session: Session, table: str) -> tuple[str, ...]:
        """What the DBMS's own check says of the pages and indexes of a table (by id), or of all ("").

        One line for each piece of damage, about 100 at most; () where all is sound. It reads the
        whole table. CannotTell, with a remedy, where the server has no such check for this role.
        """


class RemedyRoom(Protocol):
    """SQL for people that puts an object of the schema back; a sentence, or "", where that is not simple."""

    def declared(self, column: Column) -> str:
        """A column as it stands in CREATE TABLE."""

    def column(self, table: Table, column: Column, topic: str) -> str:
        """Makes a column what it should be in one topic.

        That is type, nullability, default, identity, generated, collation or comment.
        """

    def option(self, table: Table, name: str, value: str) -> str:
        """Sets one of the options of a table, or its comment; "" stands for none."""

    def view(self, view: View) -> str:
        """Creates a view."""

    def partition(self, before: Table, now: Table, partition: Partition, is_table: bool) -> str:
        """Makes a partition of `before` one of the table `now` again; `is_table`: it is still there."""

    def policy(self, table: Table, policy: Policy) -> str:
        """Creates a row security policy."""

    def definition(self, wanted: Definition, now: Definition | None) -> str:
        """Creates a routine, type, extension or event, or makes it of what is there now."""

    def drop(self, kind: str, id: str, table: Table | None) -> str:
        """Drops an object of that kind; a policy is one of its table."""

    def owner(self, kind: str, id: str, owner: str) -> str:
        """Gives an object back to its owner."""

    def grant(self, grants: Sequence[Grant]) -> str:
        """Grants what one role may do on one object."""

    def revoke(self, grants: Sequence[Grant]) -> str:
        """Takes it away."""


class CanonicalRoom(Protocol):
    """One text per value on which all DBMS agree, and digests of rows; see docs/compare.md.

    `TYPED`: a column holds only values of its type. `ALTERS`: a table that is there can be given
    constraints (where not, it is rebuilt). `PACKS`: rows have a binary form, for two databases of this
    DBMS, that is cheaper than their text.
    """

    TYPED: bool
    ALTERS: bool
    PACKS: bool

    def family(self, type: str) -> str:
        """The kind of value that a type holds; "other" where nothing is known but its text."""

    def order(self, type: str, collation: str | None) -> str:
        """The order of a key's column, where it is the same on every side that gives the same word; else ""."""

    def bound(self, expression: str, order: str) -> str:
        """SQL: a value of a key's column as the text that stands for it in a segment's bounds."""

    def limit(self, bound: str, order: str) -> str:
        """SQL: the literal of such a text; DatabaseError where it is none."""

    def type_of(self, session: Session, source: str, expression: str) -> str:
        """The type of an expression over the rows of `source` (a quoted table)."""

    def prepare(self, session: Session, ranges: bool = False) -> None:
        """Makes a session ready for the SQL below; `ranges`: an index of the key gives the rows in order."""

    def text(self, expression: str, family: str, type: str, collation: str | None = None) -> str:
        """SQL: the canonical text of a value of that type in a family's form (NULL for NULL)."""

    def measure(self, expression: str, family: str, type: str) -> tuple[str, str]:
        """SQL: a number or a moment itself, or how many bytes any other is long; and the sum, "" of moments."""

    def row(self, texts: Sequence[str]) -> str:
        """SQL: one text of the canonical texts of a row (none NULL), from which each can be told."""

    def packed(self, type: str) -> str:
        """The binary form of a type, which all types have that give the same word; "" for its canonical text."""

    def pack(self, fields: Sequence[Packable]) -> str:
        """SQL: the binary form of a row. Equal rows may differ in it, different ones are never equal."""

    def fetched(self, text: str) -> str:
        """SQL: a canonical text in the form in which the client can read it (str or bytes)."""

    def sha256(self, text: str) -> str:
        """SQL: the SHA-256 of a text in UTF-8, as hex digits."""

    def digests(
        self, session: Session, sources: Sequence[str], row: str, order: str, *, limit: int, packed: bool
    ) -> list[tuple[int, str]]:
        """The rows of each source ("FROM ... WHERE ...") counted, and the SHA-256 that stands for them in order.

        That is of the SHA-256s of their texts, or where `packed` of their binary forms. It is "" where
        there are more than `limit` rows.
        """

    def buckets(self, session: Session, query: str) -> Iterator[tuple[str, int, str]]:
        """(bucket, rows, digest), sorted: `query` gives bucket `b`, a row's hash `h`, how many times `n`."""


class Packable(Protocol):
    """A column of a row: SQL, what it is compared as, and how much is known of it."""

    @property
    def expression(self) -> str:
        """SQL that gives the value."""

    @property
    def family(self) -> str:
        """What it is compared as, where it has no binary form."""

    @property
    def type(self) -> str:
        """The type here."""

    @property
    def packed(self) -> str:
        """Its binary form, the same on both sides; "" for its canonical text."""

    @property
    def nullable(self) -> bool:
        """May it be NULL here?"""


class JoinRoom(Protocol):
    """How two databases of one DBMS are seen through one connection, and what is exactly equal in them."""

    def engine(self, before: Database, after: Database, connections: int) -> Engine | None:
        """A pool of read-only connections that see both databases; None where there can be none."""

    def tables(self, before: Database, after: Database, old: str, new: str) -> tuple[str, str]:
        """The names of a table before and one after (quoted) in such a connection."""

    def pieces(self, connections: int) -> int:
        """Into how many ranges of the key a table is cut."""

    def same(self, left: str, right: str, family: str, types: tuple[str, str]) -> str | None:
        """SQL: both are NULL, or equal to the byte; None where SQL cannot tell exactly."""

    def seeks(self, session: Session, query: str, keys: int) -> bool:
        """Does a join find each row by the index of its whole key? Else it would take longer than digests do."""


class WatchRoom(Protocol):
    """What a server says of itself while others work: quick, and without a lock.

    Our own sessions are passed over, and nobody's values are shown.
    """

    def settings(self, session: Session) -> Mapping[str, str]:
        """The settings that differ from the default, by name; never one that may hold a secret."""

    def pulse(self, session: Session, url: URL) -> Pulse:
        """One look."""

    def environment(self, mark: str) -> Mapping[str, str]:
        """Variables by which the DBMS's client programs make themselves known to the server."""

    def disconnect(self, session: Session, mark: str, ports: frozenset[int]) -> int:
        """Ends the sessions of programs of this machine that are gone, known by `mark` or by their local ports."""

    def blockers(self, session: Session, url: URL, seconds: float) -> tuple[Activity, ...]:
        """Dumps, prepared transactions and those older than `seconds`: a lock makes everybody wait behind them."""


class ExplainRoom(Protocol):
    """How a DBMS would read the tables of a query."""

    def accesses(self, session: Session, sql: str) -> tuple[Access, ...]:
        """How each table is read, in the order of the DBMS's own plan."""


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

    def prepare(self, session: Session, url: URL) -> None:
        """Refuses, before anything is read, where no dump could be made: a program is missing, too old ..."""

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

    @cached_property
    def watch(self) -> WatchRoom:
        """How it is watched while others work."""
        room: WatchRoom = self._room("watch")
        return room

    @cached_property
    def explain(self) -> ExplainRoom:
        """How it would read a query's tables."""
        room: ExplainRoom = self._room("explain")
        return room

    @cached_property
    def remedy(self) -> RemedyRoom:
        """How its objects are put back."""
        room: RemedyRoom = self._room("remedy")
        return room

    @cached_property
    def join(self) -> JoinRoom:
        """How two of its databases are joined."""
        room: JoinRoom = self._room("join")
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
    url = url.set(drivername=_DRIVERS[name])
    if name != "mysql":
        return url
    from pytest_visionforge.dialects.mysql.login import completed
    from pytest_visionforge.dialects.mysql.tls import spelled

    return completed(spelled(url))  # what its client programs would make of it, and the driver does not


_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


def of(url: URL) -> Dialect:
    """The dialect of a URL."""
    return named(_PACKAGES[url.get_backend_name()])


def halved(parts: Sequence[str], join: str) -> str:
    """SQL that joins parts in halves: neither deep nor, where each join copies, quadratic in long rows."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({halved(parts[:middle], join)}{join}{halved(parts[middle:], join)})"


def known() -> tuple[Dialect, ...]:
    """Every dialect."""
    return tuple(named(name) for name in dict.fromkeys(_PACKAGES.values()))


@cache
def named(name: str) -> Dialect:
    """The dialect called "sqlite", "postgresql" or "mysql"; one object each."""
    return Dialect(name)
