"""How DuckDB reads a column of a SQLite file, and one of a PostgreSQL table: equal values have equal texts then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_visionforge.database.session import unescaped, verbatim
from pytest_visionforge.dialects.capacity import base_of
from pytest_visionforge.dialects.rooms.canonical import Packable
from pytest_visionforge.dialects.sqlite import canonical as stored

_NAME = re.compile(r'"(?:[^"]|"")*"')
_NUMERIC = re.compile(r"numeric\((\d+)")
_SURE_DIGITS = 15  # decimal digits that a double holds for certain
_SMALL = {"smallint", "integer"}  # whole numbers that a double holds
_WITHOUT_ZONE = {"timestamp", "timestamp without time zone"}
_READ_AS = {
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP",
}  # types of columns, as DuckDB reads them
_DAY = "CASE WHEN typeof({v}) = 'text' AND length({v}) = 10 THEN {v} WHEN {v} IS NOT NULL THEN '?' END"
_MOMENT = (
    "CASE WHEN typeof({v}) = 'text' AND length({v}) BETWEEN 19 AND 26 AND instr({v}, '(') = 0 THEN"
    " CASE WHEN length({v}) = 19 THEN {v} ELSE rtrim(rtrim({v}, '0'), '.') END WHEN {v} IS NOT NULL THEN '?' END"
)
_STRICT_DAY = "[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"
_STRICT_HOURS = ("[01][0-9]", "2[0-3]")
_STRICT_REST = ":[0-5][0-9]:[0-5][0-9]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: PostgreSQL's SQL and its type, and DuckDB's SQL for that both sides agree.

    `text`: SQLite's SQL, where DuckDB must not read the file's column itself. `odd`: SQLite's SQL for a
    value that DuckDB may read as another one, so that the column must be read as `instead`.
    """

    typed: str
    type: str
    agree: str
    text: str = ""
    odd: str = ""
    instead: Column | None = None


def is_plain(kept: Packable) -> bool:
    """Is it a column of the file, and no other expression?"""
    return bool(_NAME.fullmatch(unescaped(kept.expression)))


def is_whole(type: str) -> bool:
    """Has a column of the file whole numbers, by its type?"""
    return "INT" in type.upper() or "BOOL" in type.upper()


def columns(kept: Sequence[Packable], typed: Sequence[Packable]) -> Sequence[Column]:
    """How each column is compared; () where one cannot be compared so."""
    found = [_column(number, *fields) for number, fields in enumerate(zip(kept, typed, strict=True))]
    known = [column for column in found if column is not None]
    return known if len(known) == len(found) else ()


def _column(number: int, kept: Packable, typed: Packable) -> Column | None:
    value, v = f"a.{unescaped(kept.expression)}", f"({typed.expression})"
    base = base_of(typed.type)
    if typed.family in ("date", "timestamp"):
        return _instant(number, kept, v, typed.family, base)
    for type, read_as in _readings(typed.family, kept.type, typed.type.lower(), base):
        sql = f"{v}::{type}" if type else v
        return Column(sql, type or typed.type, _agree(value, read_as, number))
    return None


def _agree(value: str, read_as: str, number: int) -> str:
    return f"(typeof({value}) = '{read_as}' AND {value} IS NOT DISTINCT FROM b.f{number}::{read_as})"


def _readings(family: str, kept: str, typed: str, base: str) -> Iterator[tuple[str, str]]:
    """PostgreSQL's type ("": as it is), and the one as which DuckDB must read the file's column."""
    if family == "number" and is_whole(kept):
        if base in (*_SMALL, "bigint", "boolean"):
            yield "", "BIGINT"
    elif family == "number":
        if base in _SMALL:
            yield "", "DOUBLE"
        elif (digits := _NUMERIC.match(typed)) and int(digits[1]) <= _SURE_DIGITS:
            yield "float8", "DOUBLE"  # by the server: DuckDB reads a numeric's NaN as 0
    elif family == "double" and base in ("double precision", "real") and stored.family(kept) == "double":
        yield "", "DOUBLE"
    elif family == "text" and base in ("text", "character varying") and not stored.is_padded(kept):
        yield "text", "VARCHAR"
    elif family == "bytes" and base == "bytea":
        yield "", "BLOB"


def _instant(number: int, kept: Packable, v: str, family: str, base: str) -> Column | None:
    """DuckDB reads the file's, where all texts are such as it would print; else it prints the server's."""
    if family == "date" and base == "date":
        sql, text, odd = v, _DAY, _odd_day(kept.expression)
    elif family == "timestamp" and base in _WITHOUT_ZONE:
        sql, text, odd = v, _MOMENT, _odd_moment(kept.expression)
    elif family == "timestamp" and base == "timestamp with time zone":
        sql, text, odd = f"({v} AT TIME ZONE 'UTC')", _MOMENT, _odd_moment(kept.expression)
    else:
        return None
    prints = f"t.f{number} IS NOT DISTINCT FROM b.f{number}::VARCHAR"
    printed = Column(sql, family, prints, text=text.format(v=kept.expression))
    read_as = _READ_AS.get(kept.type.upper())
    if read_as != family.upper():
        return printed
    agree = _agree(f"a.{unescaped(kept.expression)}", read_as, number)
    return Column(sql, family, agree, odd=odd, instead=printed)


def _odd_day(v: str) -> str:
    """SQLite's SQL: a value is no day of a year of four digits, written as it is printed."""
    return _odd(v, [(10, f"{v} NOT GLOB '{_STRICT_DAY}'")])


def _odd_moment(v: str) -> str:
    """The same for a moment: to the second, or with up to six digits of a fraction; the usual ones first."""
    return _odd(
        v, [(19 + (digits and digits + 1), _not_moment(v, digits)) for digits in (6, 0, 3, 5, 4, 2, 1)]
    )


def _not_moment(v: str, digits: int) -> str:
    rest = _STRICT_REST + (f".{'[0-9]' * digits}" if digits else "")
    return verbatim(" AND ".join(f"{v} NOT GLOB '{_STRICT_DAY} {hour}{rest}'" for hour in _STRICT_HOURS))


def _odd(v: str, forms: Sequence[tuple[int, str]]) -> str:
    """By the length in bytes, since SQLite's own functions see no further than a NUL in a text."""
    cases = " ".join(f"WHEN {length} THEN {odd}" for length, odd in forms)
    return f"CASE length(CAST({v} AS BLOB)) {cases} ELSE {v} IS NOT NULL END"
