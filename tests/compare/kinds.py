"""Kinds of columns for property tests: their type in each DBMS, and the values that a pair of them holds."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.damages.sample import DBMS

Pair = tuple[str, str]
Values = st.SearchStrategy[Any]
HOSTILE = (
    *("", " ", "~", "|", "5:12|", "a|b", "NULL", "\\N", "\\", "'", '"', "%s", ":x", "$1", "0", "1e3", "-0"),
    *(
        "a ",
        " a",
        "a\nb",
        "a\r\nb",
        "a\tb",
        "é",
        "e\u0301",
        "ß",
        "\u017f",
        "İ",
        "😀",
        "\u200b",
        "\ufeff",
        "\u00a0",
    ),
)
ENUM = ("new", "paid", "it's", "Ünter")
ENUM_TYPE = "CREATE TYPE kind AS ENUM ('new', 'paid', 'it''s', 'Ünter')"


@dataclass(frozen=True, repr=False)
class Kind:
    """One kind of column: its `types` on SQLite, PostgreSQL and MariaDB, and the `values` of a pair.

    `same` gives what two values must share to be equal, `shown` how a finding shows one in a key.
    `keyed` are the types of a key, where it may be one; `within` the only DBMS that have it.
    """

    types: tuple[str, str, str]
    values: Callable[[Pair], Values]
    same: Callable[[Any], object] = lambda value: value
    shown: Callable[[Any], str] = str
    keyed: tuple[str, str, str] | None = None
    within: Collection[str] = DBMS

    def __repr__(self) -> str:
        return "/".join(self.types)

    def type(self, dbms: str, *, key: bool) -> str:
        """The column's type."""
        return (self.keyed if key and self.keyed else self.types)[DBMS.index(dbms)]

    def fits(self, pair: Pair) -> bool:
        """Do both DBMS have it?"""
        return set(pair) <= set(self.within)


def _texts(pair: Pair, size: int = 40) -> Values:
    excluded = "\x00" if "postgresql" in pair else ""
    letters = st.characters(exclude_categories=["Cs"], exclude_characters=excluded)
    return st.sampled_from(HOSTILE) | st.text(letters, max_size=size)


def _floats(pair: Pair) -> Values:
    """Infinity is only in PostgreSQL and SQLite, NaN in PostgreSQL."""
    infinite = "mariadb" not in pair
    return st.floats(allow_nan=set(pair) == {"postgresql"}, allow_infinity=infinite)


def _singles(pair: Pair) -> Values:
    small = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
    return small.filter(lambda value: value == 0 or 1e-37 < abs(value) < 1e38)


def _bits(value: float) -> object:
    return "NaN" if math.isnan(value) else struct.pack(">d", value + 0.0)


def _years(pair: Pair) -> tuple[date, date]:
    return date(1000 if "mariadb" in pair else 1, 1, 1), date(9999, 12, 31)


def _moments(pair: Pair) -> Values:
    first, last = _years(pair)
    return st.datetimes(datetime(first.year, 1, 1), datetime(last.year, 12, 31, 23, 59, 59, 999999))


def _instants(pair: Pair) -> Values:
    """MariaDB's TIMESTAMP counts the seconds since 1970 in 32 bits."""
    if "mariadb" not in pair:
        return _moments(pair)
    return st.datetimes(datetime(1970, 1, 1, 0, 0, 1), datetime(2038, 1, 19, 3, 14, 7))


def _documents(pair: Pair) -> Values:
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    words = st.sampled_from(HOSTILE) | st.text(letters, max_size=8)
    numbers = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15).filter(lambda v: abs(v) > 1e-15)
    leaves = st.none() | st.booleans() | numbers | words
    nested = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=6,
    )
    return nested.map(lambda value: json.dumps(value, ensure_ascii=False))


def _document(text: str) -> object:
    return json.dumps(json.loads(text, parse_float=_number, parse_int=_number), sort_keys=True)


def _number(text: str) -> list[str]:
    return ["number", format(Decimal(text).normalize(), "f")]


def _trimmed(value: Decimal | datetime) -> str:
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _stored(value: object) -> object:
    """SQLite's own equality: whole numbers are one, whatever their class."""
    return ("number", value) if isinstance(value, (int, float)) else value


def _of(strategy: Values) -> Callable[[Pair], Values]:
    return lambda pair: strategy


_WHOLE = st.integers(-(2**31), 2**31 - 1)
_GREAT = st.sampled_from((-(2**63), 2**63 - 1, 0)) | st.integers(-(2**63), 2**63 - 1)

KINDS: dict[str, Kind] = {
    "smallint": Kind(("SMALLINT", "smallint", "smallint"), _of(st.integers(-(2**15), 2**15 - 1))),
    "integer": Kind(("INTEGER", "integer", "int"), _of(_WHOLE), keyed=("INTEGER NOT NULL", "integer", "int")),
    "bigint": Kind(
        ("BIGINT", "bigint", "bigint"), _of(_GREAT), keyed=("BIGINT NOT NULL", "bigint", "bigint")
    ),
    "decimal": Kind(
        ("NUMERIC(14,4)", "numeric(14,4)", "decimal(14,4)"),
        _of(st.decimals(-9999999999, 9999999999, places=4)),
        shown=_trimmed,
        keyed=("NUMERIC(14,4) NOT NULL", "numeric(14,4)", "decimal(14,4)"),
    ),
    "great decimal": Kind(
        ("TEXT", "numeric(40,10)", "decimal(40,10)"),
        _of(st.decimals(-(10**30) + 1, 10**30 - 1, places=10)),
    ),
    "double": Kind(("DOUBLE", "double precision", "double"), _floats, same=_bits),
    "real": Kind(("REAL", "real", "float"), _singles, same=_bits),
    "boolean": Kind(("BOOLEAN", "boolean", "boolean"), _of(st.booleans())),
    "text": Kind(
        ("TEXT", "text", "longtext"),
        _texts,
        keyed=("TEXT NOT NULL", "varchar(60)", "varchar(60) COLLATE utf8mb4_nopad_bin"),
    ),
    "varchar": Kind(("VARCHAR(40)", "varchar(40)", "varchar(40)"), _texts),
    "char": Kind(
        ("CHAR(20)", "char(20)", "char(20)"), lambda pair: _texts(pair, 20).map(lambda text: text.rstrip(" "))
    ),
    "bytes": Kind(
        ("BLOB", "bytea", "longblob"),
        _of(st.binary(max_size=30) | st.binary(min_size=60, max_size=100)),
        shown=lambda value: f"0x{value.hex()}",
    ),
    "short bytes": Kind(
        ("BLOB", "bytea", "varbinary(40)"),
        _of(st.binary(max_size=40)),
        shown=lambda value: f"0x{value.hex()}",
        keyed=("BLOB NOT NULL", "bytea", "varbinary(40)"),
    ),
    "date": Kind(
        ("DATE", "date", "date"),
        lambda pair: st.dates(*_years(pair)),
        keyed=("DATE NOT NULL", "date", "date"),
    ),
    "time": Kind(("TIME", "time", "time(6)"), _of(st.times())),
    "timestamp": Kind(
        ("TIMESTAMP", "timestamp", "datetime(6)"),
        _moments,
        shown=_trimmed,
        keyed=("TIMESTAMP NOT NULL", "timestamp", "datetime(6)"),
    ),
    "timestamptz": Kind(("TIMESTAMP", "timestamptz", "timestamp(6) NULL DEFAULT NULL"), _instants),
    "uuid": Kind(
        ("UUID", "uuid", "char(36)"),
        _of(st.uuids().map(str)),
        shown=lambda value: value.replace("-", ""),
        keyed=("UUID NOT NULL", "uuid", "char(36)"),
    ),
    "json": Kind(("TEXT", "jsonb", "json"), _documents, same=_document),
    "enum": Kind(("TEXT", "kind", "enum('new', 'paid', 'it''s', 'Ünter')"), _of(st.sampled_from(ENUM))),
    "array": Kind(("", "text[]", ""), lambda pair: st.lists(_texts(pair)), within=("postgresql",)),
    "inet": Kind(("", "inet", ""), _of(st.ip_addresses().map(str)), within=("postgresql",)),
    "range": Kind(
        ("", "int8range", ""),
        _of(st.integers(-9, 9).map(lambda low: f"[{low},{low + 9})")),
        within=("postgresql",),
    ),
    "bits": Kind(("", "", "bit(40)"), _of(st.integers(0, 2**40 - 1)), within=("mariadb",)),
    "unsigned": Kind(("", "", "bigint unsigned"), _of(st.integers(0, 2**64 - 1)), within=("mariadb",)),
    "set": Kind(
        ("", "", "set('a','b','c')"), _of(st.sampled_from(("", "a", "a,b", "b,c", "c"))), within=("mariadb",)
    ),
    "anything": Kind(
        ("", "", ""),
        lambda pair: _GREAT | _floats(pair) | _texts(pair) | st.binary(max_size=70),
        same=_stored,
        within=("sqlite",),
    ),
}
KEYS = ("integer", "bigint", "decimal", "text", "short bytes", "date", "timestamp", "uuid")


def written(value: Any, dbms: str) -> Any:
    """A value as a driver of that DBMS is given it: decimals and times as text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return int(value) if isinstance(value, bool) and dbms == "sqlite" else value
