"""The rows of a SQLite file beside those of a PostgreSQL table: DuckDB reads both, where it is installed.

Both come in the order of the key, the first row beside the first, and so on; so nothing is kept or
sorted, however many there are. Two values are taken for equal only where their canonical texts are;
that others differ is found out by their texts. It is used where it is faster than digests are.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL

from pytest_visionforge.database.database import Database
from pytest_visionforge.database.session import Session, unescaped
from pytest_visionforge.dialects import child
from pytest_visionforge.dialects.beside_columns import Column, columns, is_plain, is_whole
from pytest_visionforge.dialects.rooms.canonical import Packable
from pytest_visionforge.errors import BackupError

PAIR = ("sqlite", "postgresql")
EXTENSIONS = ("duckdb_extension_sqlite_scanner", "duckdb_extension_postgres_scanner")
SETTINGS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "100MB",
    "temp_directory": "",
    "threads": "1",
}
Key = tuple[int, ...]
_OPTIONS = "-c TimeZone=UTC -c row_security=off -c lock_timeout=2000 -c jit=off"


class Readable(Protocol):
    """How one side is read: SQL."""

    @property
    def table(self) -> str:
        """The quoted table."""

    @property
    def fields(self) -> Sequence[Packable]:
        """Its columns."""

    @property
    def key_fields(self) -> Sequence[Packable]:
        """Those of its key."""

    @property
    def where(self) -> str:
        """Which rows; "" for all."""

    def source(self, condition: str = "") -> str:
        """FROM the table WHERE ..."""


class Shifted(Exception):
    """A row stands beside one of another key: some are on one side only."""


class Odd(Exception):
    """Some columns hold texts that DuckDB may read as other values: `numbers` says which."""

    def __init__(self, numbers: Collection[int]) -> None:
        super().__init__(numbers)
        self.numbers = frozenset(numbers)


@dataclass(frozen=True, slots=True)
class Beside:
    """A table in a file, and one on a server, as DuckDB would read them; `forth`: the file is before."""

    file: URL
    server: URL
    kept: Readable
    typed: Readable
    columns: Sequence[Column]
    forth: bool

    def differing(
        self,
        limit: int,
        alone: Callable[[], tuple[Sequence[Key], Sequence[Key]]] = lambda: ((), ()),
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[Key] | None:
        """The keys of the rows that may differ, `limit` at most.

        Rows with keys that are only before or only after, as `alone` says, are not looked at. It is called
        while DuckDB starts, and `meanwhile` while it reads: whatever they raise ends it. None where DuckDB
        fails. Shifted where the other keys are not the same on both sides.
        """

        def query() -> str:
            before, after = alone()
            return self._query(limit, *((before, after) if self.forth else (after, before)))

        rows = _run([*_loaded(), *_attached(self.file, self.server)], query, meanwhile)
        keys = len(self.kept.key_fields)
        if rows is None:
            return None
        if any(row[:keys] != row[keys:] for row in rows):
            raise Shifted
        return [tuple(row[:keys]) for row in rows]

    @property
    def unsure(self) -> frozenset[int]:
        """The columns of which DuckDB may read a text as another value, by their numbers."""
        return frozenset(number for number, column in enumerate(self.columns) if column.odd)

    def refuse_odd(self, file: Session) -> None:
        """Raises Odd where the file holds such texts; one scan, which ends at the first of them."""
        waiting = {number: self.columns[number].odd for number in sorted(self.unsure)}
        found: set[int] = set()
        while waiting:
            conditions = list(waiting.values())
            source = self.kept.source(f"({' OR '.join(conditions)})")
            row = next(iter(file.all(f"SELECT {', '.join(conditions)} {source} LIMIT 1")), None)
            if row is None:
                break
            found |= {number for number, odd in zip(waiting, row, strict=True) if odd}
            waiting = {number: odd for number, odd in waiting.items() if number not in found}
        if found:
            raise Odd(found)

    def by_texts(self, numbers: Collection[int]) -> Beside:
        """The same, but DuckDB does not read these columns: they are compared by their texts, which takes longer."""
        columns = [
            column.instead if number in numbers and column.instead else column
            for number, column in enumerate(self.columns)
        ]
        return replace(self, columns=columns)

    def _query(self, limit: int, in_file: Sequence[Key], on_server: Sequence[Key]) -> str:
        shown = [
            *(f"a.{unescaped(field.expression)}" for field in self.kept.key_fields),
            *(f"b.f{number}" for number in self._key_numbers),
        ]
        agree = " AND ".join(column.agree for column in self.columns)
        return (
            f"SELECT {', '.join(shown)} FROM file.{unescaped(self.kept.table)} AS a"
            f" POSITIONAL JOIN {self._on_server(in_file, on_server)} AS b{self._texts()}"
            f" WHERE NOT ({agree}) LIMIT {limit}"
        )

    @property
    def _key_numbers(self) -> Sequence[int]:
        numbers = {id(field): number for number, field in enumerate(self.typed.fields)}
        return [numbers[id(field)] for field in self.typed.key_fields]

    def _on_server(self, in_file: Sequence[Key], on_server: Sequence[Key]) -> str:
        """The server's rows in order, but for those that are only there; for those only in the file, their keys.

        The file is read as it is: DuckDB would keep in memory whatever it has to leave rows out of. The
        table's rows are put in order before the others come to them: so an index can do it, and nothing is
        sorted.
        """
        names = [f"{column.typed} AS f{number}" for number, column in enumerate(self.columns)]
        order = f"ORDER BY {', '.join(f'f{number}' for number in self._key_numbers)}"
        query = f"SELECT {', '.join(names)} {self.typed.source(_none_of(self.typed, on_server))} {order}"
        if in_file:
            rows = " UNION ALL ".join([f"({query})", *map(self._only_key, in_file)])
            query = f"SELECT * FROM ({rows}) AS u {order}"
        return f"postgres_query('server', {_literal(unescaped(query))})"

    def _only_key(self, key: Key) -> str:
        """SQL: a row that has a key and nothing else."""
        parts = dict(zip(self._key_numbers, key, strict=True))
        values = [f"{parts.get(number, 'NULL')}::{column.type}" for number, column in enumerate(self.columns)]
        return f"SELECT {', '.join(values)}"

    def _texts(self) -> str:
        """Dates and times as they are kept, where DuckDB would read some that are none."""
        names = [f"{column.text} AS f{number}" for number, column in enumerate(self.columns) if column.text]
        if not names:
            return ""
        query = f"SELECT {', '.join(names)} {self.kept.source()} ORDER BY rowid"
        return f" POSITIONAL JOIN sqlite_query('file', {_literal(unescaped(query))}) AS t"


def beside(before: Database, after: Database, old: Readable, new: Readable) -> Beside | None:
    """Two tables side by side.

    None where another way must be taken: these are other DBMS, a type is none that can be compared so,
    or DuckDB is not installed.
    """
    sides = {before.dialect.name: (before, old), after.dialect.name: (after, new)}
    if set(sides) != set(PAIR) or not all(map(find_spec, ("duckdb", *EXTENSIONS))):
        return None
    (file, kept), (server, typed) = (sides[name] for name in PAIR)
    whole = all(is_whole(field.type) for field in kept.key_fields)
    if kept.where or not whole or not all(map(is_plain, kept.fields)):
        return None
    found = columns(kept.fields, typed.fields)
    return Beside(file.url, server.url, kept, typed, found, before is file) if found else None


def _none_of(side: Readable, keys: Sequence[Key]) -> str:
    """SQL: a row has none of these keys; "" where there are none."""
    names = [field.expression for field in side.key_fields]
    if len(names) == 1 and keys:
        return f"{names[0]} NOT IN ({', '.join(str(int(key)) for (key,) in keys)})"
    each = (
        " AND ".join(f"{name} = {int(part)}" for name, part in zip(names, key, strict=True)) for key in keys
    )
    return " AND ".join(f"NOT ({condition})" for condition in each)


def version() -> str:
    """DuckDB's version."""
    from importlib.metadata import version as version_of

    return version_of("duckdb")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _loaded() -> Iterator[str]:
    """Loads the extensions from where they are installed."""
    for name in EXTENSIONS:
        spec = find_spec(name)
        folders = spec.submodule_search_locations if spec else None
        for folder in folders or ():
            yield from (f"LOAD {_literal(str(path))}" for path in Path(folder).rglob("*.duckdb_extension"))


def _attached(file: URL, server: URL) -> Iterator[str]:
    from psycopg.conninfo import make_conninfo

    yield f"ATTACH {_literal(file.database or '')} AS file (TYPE sqlite, READ_ONLY)"
    named = {**server.translate_connect_args(username="user", database="dbname"), **server.query}
    options = f"{named.pop('options', '')} {_OPTIONS}"
    address = make_conninfo(**named, options=options, application_name="visionforge")
    yield f"ATTACH {_literal(address)} AS server (TYPE postgres, READ_ONLY)"


def _run(
    statements: Sequence[str], query: Callable[[], str], meanwhile: Callable[[], object]
) -> list[list[int]] | None:
    """The rows of a query after some statements; None where DuckDB failed: what it says might hold the password.

    The query is asked for while the statements run, and `meanwhile` is called while the query does.
    """
    program = child.Command(
        arguments=[sys.executable, "-P", str(Path(__file__).with_name("duck.py"))],
        environment={},
        tidy=lambda line: "",
    )
    with tempfile.TemporaryFile() as output:
        try:
            with child.reader(program, output) as sink:
                sink.write(_line({"settings": SETTINGS, "statements": statements}))
                sink.write(_line(query()))
                sink.no_more()
                meanwhile()
        except BackupError:
            return None
        output.seek(0)
        return [json.loads(line) for line in output]


def _line(task: object) -> bytes:
    return json.dumps(task).encode() + b"\n"
