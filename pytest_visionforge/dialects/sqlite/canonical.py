"""SQLite's values as canonical text, and their digests.

Against SQLite a value is what is stored: its storage class and its exact value. Against another
DBMS it is what its declared type means there, by the functions of `forms`.
"""

from __future__ import annotations

import hashlib
import marshal
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from typing import Any

from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database import Table
from pytest_visionforge.database.session import Session, unescaped
from pytest_visionforge.dialects.halves import halved
from pytest_visionforge.dialects.rooms.canonical import INLINE_BYTES, INLINE_ROW, INLINE_TEXT, WORDS, Packable
from pytest_visionforge.dialects.sqlite import forms
from pytest_visionforge.errors import DatabaseError, TimeLimit

TYPED = False
ALTERS = False
PACKS = True
# the first word that a declared type holds decides (as in SQLite's own rules of affinity)
_WORDS = (
    ("BOOL", "number"),
    ("INT", "number"),
    ("JSON", "json"),
    ("CHAR", "text"),
    ("CLOB", "text"),
    ("TEXT", "text"),
    ("ENUM", "text"),
    ("BLOB", "bytes"),
    ("BINARY", "bytes"),
    ("UUID", "uuid"),
    ("GUID", "uuid"),
    ("REAL", "double"),
    ("FLOA", "double"),
    ("DOUB", "double"),
    ("DATETIME", "timestamp"),
    ("TIMESTAMP", "timestamp"),
    ("DATE", "date"),
    ("TIME", "time"),
    ("DEC", "number"),
    ("NUM", "number"),
    ("MONEY", "number"),
)


def family(type: str) -> str:
    """The family that a declared type means to another DBMS."""
    upper = type.upper()
    return next((family for word, family in _WORDS if word in upper), "other")


def order(type: str, collation: str | None) -> str:
    """Whole numbers alone: everything else may be stored as anything. That a bound is one is proved each time."""
    return "number" if "INT" in type.upper() else ""


def bound(expression: str, order: str) -> str:
    """SQL: a value of a key's column as text."""
    return f"CASE typeof({expression}) WHEN 'integer' THEN CAST({expression} AS TEXT) ELSE '?' END"


def limit(bound: str, order: str) -> str:
    """SQL: the literal of such a text."""
    if not re.fullmatch(r"-?\d+", bound):
        raise DatabaseError(f"{bound!r} is no bound of a segment: the baseline is not what it was")
    return bound


def type_of(session: Session, source: str, expression: str) -> str:
    """The storage class of an expression's first value, as a declared type."""
    found = session.value(f"SELECT typeof({expression}) FROM {source} WHERE {expression} IS NOT NULL LIMIT 1")
    return str(found or "").upper()


def in_order(table: Table, key: Sequence[str]) -> str:
    """An ORDER BY costs nothing where the rows lie in order."""
    return ""


def scale(type: str) -> int | None:
    """A declared scale means nothing."""
    return None


def prepare(session: Session, ranges: bool = False) -> None:
    """Gives the session the functions that the forms need."""
    forms.register(_driver(session), str(session.value("PRAGMA encoding")))


def _driver(session: Session) -> sqlite3.Connection:
    driver = session.connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def text(expression: str, family: str, type: str, collation: str | None = None) -> str:
    """SQL that gives the canonical text of a value."""
    v = f"({expression})"
    if family == "stored":
        return _stored(v)
    if family in forms.FUNCTIONS:
        return forms.sql(v, family)
    if family == "bytes":
        return f"CASE WHEN {v} IS NOT NULL THEN {_octets(_utf8(v))} END"
    text = _words(v, family, type)
    return f"length({_utf8(v)}) || ':' || {v}" if family == "json" else _characters(text)


def _words(v: str, family: str, type: str) -> str:
    """SQL: a text, without what CHAR(n) fills it up with; whatever else a value is, as a text."""
    if family == "json":
        return v
    return f"rtrim({v}, ' ')" if is_padded(type) else f"CAST({v} AS TEXT)"


def is_padded(type: str) -> bool:
    """CHAR(n), whose blanks at the end mean nothing where the other DBMS is asked."""
    return type.upper().partition("(")[0].strip() in ("CHAR", "CHARACTER", "NCHAR")


def _utf8(v: str) -> str:
    """SQL: a text's bytes in UTF-8, also in a file in UTF-16, of which a blob would hold other bytes."""
    octets = f"CAST({v} AS BLOB)"
    return f"CASE WHEN vf_is_utf8() OR typeof({v}) = 'blob' THEN {octets} ELSE vf_utf8({octets}) END"


def _characters(v: str) -> str:
    octets = _utf8(v)
    return (
        f"CASE WHEN length({octets}) <= {INLINE_TEXT} THEN length({octets}) || ':' || {v}"
        f" ELSE length({octets}) || '#' || vf_sha256({octets}) END"
    )


def _octets(v: str) -> str:
    return (
        f"CASE WHEN length({v}) <= {INLINE_BYTES} THEN lower(hex({v}))"
        f" ELSE length({v}) || '#' || vf_sha256({v}) END"
    )


def _stored(v: str) -> str:
    """Storage class and exact value; a REAL that is a whole number is that number."""
    return (
        f"CASE typeof({v}) WHEN 'integer' THEN 'n' || {v} WHEN 'text' THEN 't' || {_characters(v)}"
        f" WHEN 'blob' THEN 'b' || {_octets(v)} WHEN 'real' THEN"
        f" CASE WHEN {v} = CAST({v} AS INTEGER) THEN 'n' || CAST({v} AS INTEGER) ELSE 'd' || vf_double({v}) END"
        " END"
    )


def measure(expression: str, family: str, type: str) -> tuple[str, str]:
    """SQL: a number or a moment, or how many bytes a value is long; and the sum, "" of moments.

    What is none, whatever the type says, is passed over. A sum of doubles does not overflow.
    """
    if family in ("date", "timestamp"):
        odd = f"{expression} GLOB '*[^-0-9 \\:.TZ+]*'"
        return f"CASE WHEN typeof({expression}) = 'text' AND NOT {odd} THEN {expression} END", ""
    if family in ("number", "double"):
        v = f"CASE WHEN typeof({expression}) IN ('integer', 'real') THEN {expression} END"
    else:
        v = f"length(CAST({expression} AS BLOB))"
    return v, f"CASE WHEN count({v}) > 0 THEN total({v}) END"


def joined(texts: Sequence[str]) -> str:
    """SQL that joins texts; in halves: SQLite limits how deep an expression may be, not how long."""
    return halved(texts, " || '|' || ")


def row(fields: Sequence[Packable]) -> str:
    """SQL: the text of a row."""
    return joined([_part(field) for field in fields])


def _part(field: Packable) -> str:
    """SQL: what stands for a value in the text of a row, whatever the schema says of NULL."""
    v = f"({field.expression})"
    if field.family not in WORDS:
        return f"coalesce({text(field.expression, field.family, field.type)}, '~')"
    words = _words(v, field.family, field.type)
    size = f"length({_utf8(words)})"
    return (
        f"CASE WHEN {v} IS NULL THEN '~' WHEN {size} <= {INLINE_ROW} THEN {size} || '|' || {words}"
        f" ELSE {size} || '#|' || vf_sha256({_utf8(words)}) END"
    )


def fetched(text: str) -> str:
    """A canonical text, to be read by the client as bytes: SQLite's text may be no UTF-8."""
    return _utf8(text)


def sha256(text: str) -> str:
    """SQL: the SHA-256 of a text, in hex."""
    return f"vf_sha256({_utf8(text)})"


_TEXT, _WHOLE = ("CHAR", "CLOB", "TEXT"), ("INT",)
_NAME = re.compile(r'"(?:[^"]|"")*"')


def packed(type: str) -> str:
    """Values as they are stored; texts apart, since a text against a number is compared as a text."""
    return "text" if family(type) == "text" else "value"


def pack(fields: Sequence[Packable]) -> str:
    """SQL: the values of a row, one by one, for the client to pack. A REAL that is a whole number is that number."""
    return ", ".join(_value(field) for field in fields)


def _value(field: Packable) -> str:
    v = f"({field.expression})"
    if not field.packed:
        return text(v, field.family, field.type)
    if _NAME.fullmatch(field.expression) and not _keeps_whole_reals(field.type):
        return field.expression
    whole = f"typeof({v}) = 'real' AND {v} = CAST({v} AS INTEGER)"
    return f"CASE WHEN {whole} THEN CAST({v} AS INTEGER) ELSE {v} END"


def _keeps_whole_reals(type: str) -> bool:
    """Where a column's affinity is REAL or none, 5.0 is not stored as 5."""
    upper = type.upper()
    if "INT" in upper or any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return False
    return not upper or any(word in upper for word in ("BLOB", "REAL", "FLOA", "DOUB"))


def digests(
    session: Session, sources: Sequence[str], row: str, order: str, *, limit: int, packed: bool
) -> list[tuple[int, str]]:
    """The number of rows of each source, and the SHA-256 of their values, or of their texts, in order.

    Rows come one by one, so that memory holds one.
    """
    selected, of_row, end = (row, _packed, b"") if packed else (fetched(row), _text, b"\n")
    return [
        _digest(session, f"SELECT {selected} {source} ORDER BY {order}", of_row, end, limit)
        or (int(session.value(f"SELECT count(*) {source}")), "")
        for source in sources
    ]


def _packed(row: tuple[Any, ...]) -> bytes:
    """Version 2 of the format writes each value by its class and all of its bits, and nothing of the process."""
    return marshal.dumps(row, 2)


def _text(row: tuple[Any, ...]) -> bytes:
    text: bytes = row[0]
    return text


def _digest(
    session: Session, query: str, of_row: Callable[[tuple[Any, ...]], bytes], end: bytes, limit: int
) -> tuple[int, str] | None:
    """None where there are more rows than `limit`."""
    try:
        return _digest_of(islice(_rows(session, query, str), limit + 1), of_row, end, limit)
    except UnicodeError:
        return _digest_of(islice(_rows(session, query, forms.decoded), limit + 1), of_row, end, limit)


def _digest_of(
    found: Iterable[tuple[Any, ...]], of_row: Callable[[tuple[Any, ...]], bytes], end: bytes, limit: int
) -> tuple[int, str] | None:
    whole, rows = hashlib.sha256(), 0
    for row in found:
        whole.update((end if rows else b"") + of_row(row))
        rows += 1
    return (rows, whole.hexdigest()) if rows <= limit else None


def _rows(session: Session, query: str, text: Callable[[bytes], str]) -> Iterator[tuple[Any, ...]]:
    """The rows as the driver gives them: what SQLAlchemy makes of them costs as much again.

    UnicodeError where a text is none that `text` makes of its bytes.
    """
    driver = _driver(session)
    driver.text_factory = text
    try:
        with closing(session.connection.exec_driver_sql(unescaped(query))) as result:
            cursor: Any = result.cursor
            yield from cursor
    except (DBAPIError, sqlite3.Error) as error:
        raise _ours(session, error.orig if isinstance(error, DBAPIError) else error) from None
    finally:
        driver.text_factory = str


def _ours(session: Session, error: BaseException | None) -> Exception:
    if str(error).startswith("Could not decode to UTF-8"):
        return UnicodeError(str(error))
    if session.dialect.session.is_time_limit(error):
        return TimeLimit(f"cancelled after its time limit of {session.seconds:g} s")
    return DatabaseError(str(error))


def buckets(session: Session, query: str) -> Iterator[tuple[str, int, str]]:
    """(bucket, rows, digest) of a query that gives bucket `b`, a row's hash `h` and its count `n`."""
    hashes = session.rows(f"SELECT b, h, n FROM ({query}) ORDER BY b, h")
    for bucket, items in groupby(hashes, key=lambda item: str(item[0])):
        whole, rows = hashlib.sha256(), 0
        for _, found, count in items:
            whole.update(f"{found}:{count}".encode())
            rows += count
        yield bucket, rows, whole.hexdigest()
