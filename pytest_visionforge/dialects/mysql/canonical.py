"""MariaDB's and MySQL's values as canonical text, and their digests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text as statement
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database.session import Session, message_of
from pytest_visionforge.dialects import INLINE_BYTES, INLINE_TEXT
from pytest_visionforge.errors import DatabaseError

TYPED = True
ALTERS = True
_INTEGERS = {"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "boolean", "bool"}
_GEOMETRIES = ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")
_FAMILIES = {
    **dict.fromkeys(_INTEGERS, "number"),
    **dict.fromkeys(("decimal", "numeric", "bit", "year"), "number"),
    **dict.fromkeys(("double", "float", "real"), "double"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), "text"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    **dict.fromkeys((*_GEOMETRIES, "geometrycollection", "geomcollection"), "bytes"),
    **dict.fromkeys(("datetime", "timestamp"), "timestamp"),
    "date": "date",
    "time": "time",
    "uuid": "uuid",
    "json": "json",
}
_WHOLE = re.compile(r"(decimal|numeric)\(\d+(,0)?\)")
# what a result says of its columns, as the type that has the same form
_CODES = {
    **dict.fromkeys((1, 2, 3, 8, 9), "bigint"),
    **dict.fromkeys((0, 246), "decimal(65,30)"),
    **dict.fromkeys((4, 5), "double"),
    **dict.fromkeys((7, 12), "datetime"),
    10: "date",
    11: "time",
    13: "year",
    16: "bit",
    245: "json",
    255: "geometry",
}


def _base(type: str) -> str:
    found = re.match(r"\w+", type.lower())
    return found.group() if found else ""


def family(type: str) -> str:
    """The family of a type; "other" is compared by its text."""
    return _FAMILIES.get(_base(type), "other")


def ordered(type: str) -> bool:
    """Numbers, dates and timestamps are ordered alike everywhere, and by their indexes."""
    return _base(type) in _INTEGERS | {"decimal", "numeric"} or family(type) in ("date", "timestamp")


def type_of(session: Session, source: str, expression: str) -> str:
    """The type of an expression over the rows of a table, as far as its result tells."""
    try:
        with session.connection.execute(statement(f"SELECT {expression} FROM {source} LIMIT 0")) as result:
            code: Any = result.cursor.description[0][1]
    except DBAPIError as error:
        raise DatabaseError(message_of(error)) from None
    return _CODES.get(code, "longtext")


def prepare(session: Session) -> None:
    """Sets what the gathering of a segment's hashes needs; whether it sufficed is proved each time."""
    session.connection.exec_driver_sql("SET SESSION group_concat_max_len = 1073741824")


def text(expression: str, family: str, type: str) -> str:
    """SQL that gives the canonical text of a value."""
    return _FORMS[family](f"({expression})", type.lower())


def _trimmed(text: str) -> str:
    """Without the zeros at the end of a fraction that is there."""
    return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"


def _number(v: str, type: str) -> str:
    base = _base(type)
    v = f"({v} + 0)" if base in ("bit", "year") or "zerofill" in type else v
    if base in _INTEGERS or base in ("bit", "year") or _WHOLE.match(type):
        return _characters(v)
    if base in ("decimal", "numeric"):
        return _trimmed(_characters(f"IF({v} = 0, 0.0, {v})"))  # -0.00 is 0
    return _trimmed(_characters(f"CAST({_characters(v)} AS DECIMAL(65,30))"))


def _characters(v: str) -> str:
    return f"CONVERT(CAST({v} AS CHAR) USING utf8mb4)"


def _double(v: str, type: str) -> str:
    """Its IEEE bytes, as a geometry keeps them; + 0 makes -0 to 0."""
    return f"LOWER(HEX(REVERSE(SUBSTRING(POINT({v} + 0e0, 0), 10, 8))))"


def _utf8(v: str, type: str) -> str:
    if _base(type) in ("varchar", "text", "mediumtext", "longtext"):
        return f"CONVERT({v} USING utf8mb4)"
    return _characters(v)


def _text(v: str, type: str) -> str:
    v = _utf8(v, type)
    size = f"OCTET_LENGTH({v})"
    return f"IF({size} <= {INLINE_TEXT}, CONCAT({size}, ':', {v}), CONCAT({size}, '#', SHA2({v}, 256)))"


def _json(v: str, type: str) -> str:
    v = _utf8(v, type)
    return f"CONCAT(OCTET_LENGTH({v}), ':', {v})"


def _bytes(v: str, type: str) -> str:
    v = v if family(type) == "bytes" else _utf8(v, type)
    size = f"OCTET_LENGTH({v})"
    return f"IF({size} <= {INLINE_BYTES}, LOWER(HEX({v})), CONCAT({size}, '#', SHA2({v}, 256)))"


def _timestamp(v: str, type: str) -> str:
    return _trimmed(_characters(f"CAST({v} AS DATETIME(6))"))


def _time(v: str, type: str) -> str:
    return _trimmed(_characters(f"CAST({v} AS TIME(6))"))


def _uuid(v: str, type: str) -> str:
    """With its length: a column of text may hold anything."""
    if family(type) == "bytes":
        return f"CONCAT(OCTET_LENGTH({v}) * 2, ':', LOWER(HEX({v})))"
    digits = f"LOWER(REPLACE({_characters(v)}, '-', ''))"
    return f"CONCAT(OCTET_LENGTH({digits}), ':', {digits})"


def _date(v: str, type: str) -> str:
    return _characters(v)


_FORMS = {
    "number": _number,
    "double": _double,
    "text": _text,
    "other": _text,
    "json": _json,
    "bytes": _bytes,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
    "uuid": _uuid,
}


def row(texts: Sequence[str]) -> str:
    """SQL that joins the texts of a row; NULL is a field that no value gives."""
    return f"CONCAT_WS('|', {', '.join(f'''COALESCE({text}, '~')''' for text in texts)})"


def fetched(text: str) -> str:
    """A canonical text, to be read by the client."""
    return text


def sha256(text: str) -> str:
    """SQL: the SHA-256 of a text, in hex."""
    return f"SHA2({text}, 256)"


def digest(session: Session, source: str, row: str, order: str) -> tuple[int, str]:
    """The number of rows, and the SHA-256 of their SHA-256s in order."""
    rows, size, found = session.row(
        "SELECT n, OCTET_LENGTH(g), SHA2(g, 256) FROM (SELECT COUNT(*) AS n,"
        f" COALESCE(GROUP_CONCAT({sha256(row)} ORDER BY {order} SEPARATOR ''), '') AS g {source}) AS gathered"
    )
    _prove_whole(int(size), 64 * int(rows))
    return int(rows), str(found)


def buckets(session: Session, query: str) -> Iterator[tuple[str, int, str]]:
    """(bucket, rows, digest) of a query that gives bucket `b`, a row's hash `h` and its count `n`."""
    item = "CONCAT(h, ':', n)"
    for bucket, rows, whole, size, found in session.rows(
        "SELECT b, s, w, OCTET_LENGTH(g), SHA2(g, 256) FROM (SELECT b, SUM(n) AS s,"
        f" SUM(65 + OCTET_LENGTH(n)) AS w, GROUP_CONCAT({item} ORDER BY h SEPARATOR '') AS g"
        f" FROM ({query}) AS hashed GROUP BY b) AS gathered ORDER BY b"
    ):
        _prove_whole(int(size or 0), int(whole))
        yield bucket, int(rows), found


def _prove_whole(size: int, expected: int) -> None:
    """A text that the server has cut would give a digest of less than the rows: never take it."""
    if size != expected:
        raise DatabaseError(
            "the server cut the text of rows while it hashed them (a row is longer than"
            " max_allowed_packet); raise max_allowed_packet on the server and compare again"
        )
