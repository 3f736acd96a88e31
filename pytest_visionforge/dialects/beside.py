"""The rows of a SQLite file beside those of a PostgreSQL table: DuckDB reads both, where it is installed.

Both come in the order of the key, the first row beside the first, and so on; so nothing is kept or
sorted, however many there are. Two values are taken for equal only where their canonical texts are;
that others differ is found out by their texts. It is used where it is faster than digests are.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL

from pytest_visionforge.database.database import Database
from pytest_visionforge.database.session import unescaped
from pytest_visionforge.dialects import child
from pytest_visionforge.dialects.capacity import base_of
from pytest_visionforge.dialects.rooms.canonical import Packable
from pytest_visionforge.dialects.sqlite import canonical as stored
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
_OPTIONS = "-c TimeZone=UTC -c row_security=off -c lock_timeout=2000"
_NAME = re.compile(r'"(?:[^"]|"")*"')
_SURE_DIGITS = 15  # decimal digits that a double holds for certain
_SMALL = {"smallint", "integer"}  # whole numbers that a double holds
_DAY = "CASE WHEN typeof({v}) = 'text' AND length({v}) = 10 THEN {v} WHEN {v} IS NOT NULL THEN '?' END"
_MOMENT = (
    "CASE WHEN typeof({v}) = 'text' AND length({v}) BETWEEN 19 AND 26 AND instr({v}, '(') = 0 THEN"
    " CASE WHEN length({v}) = 19 THEN {v} ELSE rtrim(rtrim({v}, '0'), '.') END WHEN {v} IS NOT NULL THEN '?' END"
)


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


@dataclass(frozen=True, slots=True)
class Beside:
    """A table in a file, and one on a server, as DuckDB would read them; `forth`: the file is before."""

    file: URL
    server: URL
    kept: Readable
    typed: Readable
    columns: Sequence[_Column]
    forth: bool

    def differing(
        self,
        limit: int,
        before: Sequence[Key] = (),
        after: Sequence[Key] = (),
        *,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[Key] | None:
        """The keys of the rows that may differ, `limit` at most.

        Rows with keys that are only `before` or only `after` are not looked at. Of `meanwhile`, which is
        called while DuckDB reads, whatever it raises ends the reading. None where DuckDB fails. Shifted
        where the keys are not the same on both sides.
        """
        query = self._query(limit, *((before, after) if self.forth else (after, before)))
        rows = _run([*_loaded(), *_attached(self.file, self.server), query], meanwhile)
        keys = len(self.kept.key_fields)
        if rows is None:
            return None
        if any(row[:keys] != row[keys:] for row in rows):
            raise Shifted
        return [tuple(row[:keys]) for row in rows]

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

        The file is read as it is: DuckDB would keep in memory whatever it has to leave rows out of.
        """
        keys = [field.expression for field in self.typed.key_fields]
        names = [f"{column.typed} AS f{number}" for number, column in enumerate(self.columns)]
        order = [f"k{number}" for number in range(len(keys))]
        names += [f"{key} AS {name}" for key, name in zip(keys, order, strict=True)]
        query = f"SELECT {', '.join(names)} {self.typed.source(_none_of(self.typed, on_server))}"
        rows = " UNION ALL ".join([query, *map(self._only_key, in_file)])
        shown = ", ".join(f"f{number}" for number in range(len(self.columns)))
        query = f"SELECT {shown} FROM ({rows}) AS u ORDER BY {', '.join(order)}"
        return f"postgres_query('server', {_literal(unescaped(query))})"

    def _only_key(self, key: Key) -> str:
        """SQL: a row that has a key and nothing else."""
        parts = dict(zip(self._key_numbers, key, strict=True))
        values = [f"{parts[n]}::int8" if n in parts else "NULL" for n in range(len(self.columns))]
        typed = zip(key, self.typed.key_fields, strict=True)
        return f"SELECT {', '.join([*values, *(f'{part}::{field.type}' for part, field in typed)])}"

    def _texts(self) -> str:
        """Dates and times as they are kept: DuckDB would read some that are none."""
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
    columns = _columns(kept, typed)
    forth = before is file
    return Beside(file.url, server.url, kept, typed, columns, forth) if columns else None


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


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: PostgreSQL's SQL, SQLite's where DuckDB would misread it ("": it does not), when both agree."""

    typed: str
    text: str
    agree: str


def _columns(kept: Readable, typed: Readable) -> Sequence[_Column] | None:
    """How each column is compared; None where one cannot be compared so."""
    plain = all(_NAME.fullmatch(unescaped(field.expression)) for field in kept.fields)
    whole = all(_is_whole(field.type) for field in kept.key_fields)
    if kept.where or not plain or not whole:
        return None
    columns = [
        _column(number, *fields) for number, fields in enumerate(zip(kept.fields, typed.fields, strict=True))
    ]
    known = [column for column in columns if column is not None]
    return known if len(known) == len(columns) else None


def _column(number: int, kept: Packable, typed: Packable) -> _Column | None:
    value, v = f"a.{unescaped(kept.expression)}", f"({typed.expression})"
    base = base_of(typed.type)
    if typed.family in ("date", "timestamp"):
        return _instant(number, kept, v, typed.family, base)
    for sql, read_as in _readings(typed.family, kept.type, typed.type.lower(), base):
        agree = f"(typeof({value}) = '{read_as}' AND {value} IS NOT DISTINCT FROM b.f{number})"
        return _Column(sql.format(v=v), "", agree)
    return None


def _readings(family: str, kept: str, typed: str, base: str) -> Iterator[tuple[str, str]]:
    """PostgreSQL's SQL, and how DuckDB must read the file's column: then equal values have equal texts."""
    if family == "number" and _is_whole(kept):
        if base == "boolean":
            yield "{v}::int::int8", "BIGINT"
        elif base in (*_SMALL, "bigint"):
            yield "{v}::int8", "BIGINT"
    elif family == "number":
        digits = re.match(r"numeric\((\d+)", typed)
        if base in _SMALL or (digits and int(digits[1]) <= _SURE_DIGITS):
            yield "{v}::float8", "DOUBLE"
    elif family == "double" and base in ("double precision", "real") and stored.family(kept) == "double":
        yield "{v}::float8", "DOUBLE"
    elif family == "text" and base in ("text", "character varying") and not stored.is_padded(kept):
        yield "{v}::text", "VARCHAR"
    elif family == "bytes" and base == "bytea":
        yield "{v}", "BLOB"


def _instant(number: int, kept: Packable, v: str, family: str, base: str) -> _Column | None:
    """DuckDB prints a date or a timestamp of four digits' years as it is kept, but for zeros at the end."""
    agree = f"t.f{number} IS NOT DISTINCT FROM b.f{number}::VARCHAR"
    if family == "date" and base == "date":
        return _Column(v, _DAY.format(v=kept.expression), agree)
    text = _MOMENT.format(v=kept.expression)
    if family == "timestamp" and base in ("timestamp", "timestamp without time zone"):
        return _Column(v, text, agree)
    if family == "timestamp" and base == "timestamp with time zone":
        return _Column(f"({v} AT TIME ZONE 'UTC')", text, agree)
    return None


def _is_whole(type: str) -> bool:
    return "INT" in type.upper() or "BOOL" in type.upper()


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


def _run(statements: Sequence[str], meanwhile: Callable[[], None]) -> list[list[int]] | None:
    """The rows of the last statement; None where DuckDB failed: what it says might hold the password."""
    task = json.dumps({"settings": SETTINGS, "statements": statements}).encode()
    program = child.Command(
        arguments=[sys.executable, "-P", str(Path(__file__).with_name("duck.py"))],
        environment={},
        tidy=lambda line: "",
    )
    with tempfile.TemporaryFile() as output:
        try:
            with child.reader(program, output) as sink:
                sink.write(task)
                sink.no_more()
                meanwhile()
        except BackupError:
            return None
        output.seek(0)
        return [json.loads(line) for line in output]
