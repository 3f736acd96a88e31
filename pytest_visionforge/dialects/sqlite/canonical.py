"""SQLite's values as canonical text, and their digests.

Against SQLite a value is what is stored: its storage class and its exact value. Against another
DBMS it is what its declared type means there, by the functions of `forms`.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import INLINE_BYTES, INLINE_TEXT
from pytest_visionforge.dialects.sqlite import forms

TYPED = False
ALTERS = False
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


def ordered(type: str) -> bool:
    """Only whole numbers are ordered as elsewhere: everything else may be stored as anything."""
    return "INT" in type.upper()


def type_of(session: Session, source: str, expression: str) -> str:
    """The storage class of an expression's first value, as a declared type."""
    found = session.value(f"SELECT typeof({expression}) FROM {source} WHERE {expression} IS NOT NULL LIMIT 1")
    return str(found or "").upper()


def prepare(session: Session) -> None:
    """Gives the session the functions that the forms need."""
    driver = session.connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    forms.register(driver)


def text(expression: str, family: str, type: str) -> str:
    """SQL that gives the canonical text of a value."""
    v = f"({expression})"
    if family == "stored":
        return _stored(v)
    if family in forms.FUNCTIONS:
        return _called(v, family)
    if family == "bytes":
        return f"CASE WHEN {v} IS NOT NULL THEN {_octets(f'CAST({v} AS BLOB)')} END"
    if family == "json":
        return f"length(CAST({v} AS BLOB)) || ':' || {v}"
    return _characters(f"rtrim({v}, ' ')" if _is_padded(type) else f"CAST({v} AS TEXT)")


def _called(v: str, family: str) -> str:
    called = f"vf_{family}({v})"
    if family != "number":
        return called
    return f"CASE typeof({v}) WHEN 'integer' THEN CAST({v} AS TEXT) ELSE {called} END"


def _is_padded(type: str) -> bool:
    """CHAR(n), whose blanks at the end mean nothing where the other DBMS is asked."""
    return type.upper().partition("(")[0].strip() in ("CHAR", "CHARACTER", "NCHAR")


def _characters(v: str) -> str:
    octets = f"CAST({v} AS BLOB)"
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
    whole = f"abs({v}) < 9.2e18 AND {v} = CAST({v} AS INTEGER)"
    return (
        f"CASE typeof({v}) WHEN 'integer' THEN 'n' || {v} WHEN 'text' THEN 't' || {_characters(v)}"
        f" WHEN 'blob' THEN 'b' || {_octets(v)} WHEN 'real' THEN"
        f" CASE WHEN {whole} THEN 'n' || CAST({v} AS INTEGER) ELSE 'd' || vf_double({v}) END END"
    )


def row(texts: Sequence[str]) -> str:
    """SQL that joins the texts of a row; NULL is a field that no value gives."""
    return _joined([f"coalesce({text}, '~')" for text in texts])


def _joined(parts: list[str]) -> str:
    """Joined in halves: SQLite limits how deep an expression may be, not how long."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_joined(parts[:middle])} || '|' || {_joined(parts[middle:])})"


def fetched(text: str) -> str:
    """A canonical text, to be read by the client as bytes: SQLite's text may be no UTF-8."""
    return f"CAST({text} AS BLOB)"


def sha256(text: str) -> str:
    """SQL: the SHA-256 of a text, in hex."""
    return f"vf_sha256(CAST({text} AS BLOB))"


def digest(session: Session, source: str, row: str, order: str) -> tuple[int, str]:
    """The number of rows, and the SHA-256 of their SHA-256s in order."""
    whole, rows = hashlib.sha256(), 0
    for (octets,) in session.rows(f"SELECT {fetched(row)} {source} ORDER BY {order}"):
        whole.update(hashlib.sha256(octets).hexdigest().encode())
        rows += 1
    return rows, whole.hexdigest()


def buckets(session: Session, query: str) -> Iterator[tuple[str, int, str]]:
    """(bucket, rows, digest) of a query that gives bucket `b`, a row's hash `h` and its count `n`."""
    hashes = session.rows(f"SELECT b, h, n FROM ({query}) ORDER BY b, h")
    for bucket, items in groupby(hashes, key=lambda item: str(item[0])):
        whole, rows = hashlib.sha256(), 0
        for _, found, count in items:
            whole.update(f"{found}:{count}".encode())
            rows += count
        yield bucket, rows, whole.hexdigest()
