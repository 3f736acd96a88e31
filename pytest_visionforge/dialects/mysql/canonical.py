"""MariaDB's and MySQL's values as canonical text, and their digests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text as statement
from sqlalchemy.exc import DBAPIError

from pytest_visionforge.database import Table
from pytest_visionforge.database.session import Session, message_of, verbatim
from pytest_visionforge.dialects.rooms.canonical import INLINE_BYTES, INLINE_ROW, INLINE_TEXT, WORDS, Packable
from pytest_visionforge.errors import DatabaseError

TYPED = True
ALTERS = True
PACKS = False
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
_TOO_LONG = (
    "the server cut the text of rows while it hashed them (a row is longer than"
    " max_allowed_packet); raise max_allowed_packet on the server and compare again"
)
# what makes NULL of zero dates (the last one is short for several), and fills up each CHAR
_ALTERING = {"NO_ZERO_DATE", "NO_ZERO_IN_DATE", "PAD_CHAR_TO_FULL_LENGTH", "TRADITIONAL"}
GATHERED = 1 << 30  # bytes that the rows of a segment may have together
_UTF8 = ("utf8", "ascii")  # character sets whose bytes are those of UTF-8
# bytes that a value may have in UTF-8, where the type itself does not say it in parentheses
_SIZES = {"enum": 1_020, "set": 65_343, "tinytext": 1_020, "tinyblob": 255}
_BOUNDS = {
    "number": re.compile(r"-?\d+(\.\d+)?"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "timestamp": re.compile(r"\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"),
    "bytes": re.compile(r"[0-9a-f]*"),
}
_WHOLE = re.compile(r"(decimal|numeric)\(\d+(,0)?\)")
# what a result says of its columns, as the type that has the same form
_CODES = {
    **dict.fromkeys((1, 2, 3, 8, 9), "bigint"),
    **dict.fromkeys((0, 246), "decimal(65,30)"),
    **dict.fromkeys((4, 5), "double"),
    **dict.fromkeys((7, 12), "datetime of any fraction"),
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


def order(type: str, collation: str | None) -> str:
    """Numbers and times are ordered alike everywhere, binary values by bytes, texts by their collation."""
    if _base(type) in _INTEGERS | {"decimal", "numeric"}:
        return "number"
    if family(type) in ("date", "timestamp"):
        return family(type)
    if _base(type) == "varbinary":
        return "bytes"
    return f"mysql {collation}" if collation and _base(type) in ("char", "varchar") else ""


def bound(expression: str, order: str) -> str:
    """SQL: a value of a key's column as text."""
    v = f"({expression})"
    if order == "bytes":
        return f"LOWER(HEX({v}))"
    return _timestamp(v, "") if order == "timestamp" else _characters(v)


def limit(bound: str, order: str) -> str:
    """SQL: the literal of such a text."""
    if order not in _BOUNDS:
        return f"_utf8mb4 X'{bound.encode().hex()}'"
    if not _BOUNDS[order].fullmatch(bound):
        raise DatabaseError(f"{bound!r} is no bound of a segment: the baseline is not what it was")
    if order == "bytes":
        return f"X'{bound}'"
    return bound if order == "number" else verbatim(f"'{bound}'")


def type_of(session: Session, source: str, expression: str) -> str:
    """The type of an expression over the rows of a table, as far as its result tells."""
    try:
        with session.connection.execute(statement(f"SELECT {expression} FROM {source} LIMIT 0")) as result:
            code: Any = result.cursor.description[0][1]
    except DBAPIError as error:
        raise DatabaseError(message_of(error)) from None
    return _CODES.get(code, "longtext")


def in_order(table: Table, key: Sequence[str]) -> str:
    """InnoDB keeps the rows of a table in the order of its primary key: it need only be made to read them so."""
    primary = table.primary_key.columns if table.primary_key else ()
    whole = not table.partitions and table.options.get("engine") == "InnoDB"
    return "FORCE INDEX (PRIMARY)" if whole and tuple(key) == primary else ""


def scale(type: str) -> int | None:
    """The decimals of a DECIMAL."""
    found = re.match(r"(?:decimal|numeric)\(\d+,(\d+)\)", type)
    return int(found[1]) if found and "zerofill" not in type else None


def prepare(session: Session, ranges: bool = False) -> None:
    """Sets what the gathering of a segment's rows needs, and lets the server print what is stored."""
    modes = str(session.value("SELECT @@sql_mode")).split(",")
    kept = ",".join(mode for mode in modes if mode not in _ALTERING)
    session.connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {GATHERED}, sql_mode = '{kept}'")


def text(expression: str, family: str, type: str, collation: str | None = None) -> str:
    """SQL that gives the canonical text of a value."""
    v = f"({expression})"
    if family in _CHARACTERS:
        return _CHARACTERS[family](v, type.lower(), collation)
    return _FORMS[family](v, type.lower())


def _trimmed(text: str) -> str:
    """Without the zeros at the end of a fraction that is there."""
    return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"


def _number(v: str, type: str) -> str:
    base = _base(type)
    v = f"({v} + 0)" if base in ("bit", "year") or "zerofill" in type else v
    if base in _INTEGERS or base in ("bit", "year") or _WHOLE.match(type):
        return v
    if base in ("decimal", "numeric"):
        return _trimmed(_decimal(v, type))
    digits = f"CAST({_characters(v)} AS DECIMAL(65,30))"
    fits = f"{digits} + 0e0 = {v}"  # too small and too great ones do not: their text is no number's
    return f"IF({fits}, {_trimmed(_characters(digits))}, CONCAT('?', {v}))"


def _decimal(v: str, type: str) -> str:
    return f"IF({v} = 0, 0.0, {v})"  # -0.00 is 0


def _characters(v: str) -> str:
    """What a value prints, in the session's UTF-8."""
    return f"CAST({v} AS CHAR)"


def _double(v: str, type: str) -> str:
    """Its IEEE bytes, as a geometry keeps them; + 0 makes -0 to 0."""
    return f"LOWER(HEX(REVERSE(SUBSTRING(POINT({v} + 0e0, 0), 10, 8))))"


def characters(v: str, type: str, collation: str | None = None) -> str:
    """SQL: a text in UTF-8; whatever else it is, as it prints."""
    base = _base(type)
    if base == "bit":
        digits = re.search(r"\d+", type)
        return f"LPAD(BIN({v} + 0), {digits.group() if digits else 1}, '0')"
    if base in _GEOMETRIES or base in ("geometrycollection", "geomcollection"):
        return f"ST_AsText({v})"
    if base not in _TEXTS:
        return _characters(v)
    return v if (collation or "").startswith(_UTF8) else f"CONVERT({v} USING utf8mb4)"


def _is_short(type: str, limit: int) -> bool:
    """Can no value of this type be longer than `limit` bytes, in UTF-8 too?"""
    found = re.match(r"(?:var)?(?:char|binary)\((\d+)\)", type)
    size = 4 * int(found[1]) if found else _SIZES.get(_base(type))
    return size is not None and size <= limit


def _text(v: str, type: str, collation: str | None) -> str:
    text = characters(v, type, collation)
    size = f"OCTET_LENGTH({text})"
    whole = _with_length(text)
    if _is_short(type, INLINE_TEXT) or (type == "text" and text == v):  # 65,535 bytes at most
        return whole
    return f"IF({size} <= {INLINE_TEXT}, {whole}, CONCAT({size}, '#', SHA2({text}, 256)))"


def _json(v: str, type: str, collation: str | None) -> str:
    return _with_length(characters(v, type, collation))


def _with_length(text: str) -> str:
    """As bytes: texts of different collations cannot be put together."""
    return f"CONCAT(OCTET_LENGTH({text}), ':', CAST({text} AS BINARY))"


def _bytes(v: str, type: str, collation: str | None) -> str:
    v = v if family(type) == "bytes" else characters(v, type, collation)
    if _is_short(type, INLINE_BYTES):
        return f"LOWER(HEX({v}))"
    size = f"OCTET_LENGTH({v})"
    return f"IF({size} <= {INLINE_BYTES}, LOWER(HEX({v})), CONCAT({size}, '#', SHA2({v}, 256)))"


def _timestamp(v: str, type: str) -> str:
    if re.match(r"(datetime|timestamp)(\([1-6]\))?$", type):
        return _trimmed(v) if "(" in type else v
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
    return v


_FORMS = {
    "number": _number,
    "decimal": _decimal,
    "double": _double,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
    "uuid": _uuid,
}
_CHARACTERS = {"text": _text, "other": _text, "json": _json, "bytes": _bytes}
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}


def measure(expression: str, family: str, type: str) -> tuple[str, str]:
    """SQL: a number (of bits, too) or a moment, or how many bytes a value is long; and the sum, "" of moments."""
    if family in ("date", "timestamp"):
        return expression, ""
    v = f"({expression} + 0)" if family in ("number", "double") else f"LENGTH({expression})"
    return v, f"SUM({v})"


def joined(texts: Sequence[str]) -> str:
    """SQL: values that are no NULL, as they print, with bars between them."""
    return f"CONCAT_WS('|', {', '.join(texts)})"


def row(fields: Sequence[Packable]) -> str:
    """SQL: the text of a row; as bytes where its texts' collations are not the same, which cannot be put together."""
    texts = [field for field in fields if field.family in WORDS]
    mixed = len({(_base(field.type) in _TEXTS, field.collation) for field in texts}) > 1
    return joined([part for field in fields for part in _parts(field, mixed)])


def _parts(field: Packable, as_bytes: bool) -> Sequence[str]:
    """SQL: what stands for a value in the text of a row; NULL (which `joined` leaves out) behind a ~ only."""
    v, type = f"({field.expression})", field.type.lower()
    if field.family not in WORDS:
        form = text(field.expression, field.family, field.type, field.collation)
        return [f"COALESCE({form}, '~')" if field.nullable else form]
    whole = characters(v, type, field.collation)
    size = f"OCTET_LENGTH({whole})"
    sha256 = f"SHA2({whole}, 256)"
    whole = f"CAST({whole} AS BINARY)" if as_bytes else whole
    if not _is_short(type, INLINE_ROW):
        whole = f"IF({size} <= {INLINE_ROW}, {whole}, {sha256})"
        size = f"IF({size} <= {INLINE_ROW}, {size}, CONCAT({size}, '#'))"
    return [f"COALESCE({size}, '~')" if field.nullable else size, whole]


def packed(type: str) -> str:
    """Rows have no binary form: making the text is what costs, and no form of it costs less."""
    return ""


def pack(fields: Sequence[Packable]) -> str:
    """There is none."""
    raise NotImplementedError


def fetched(text: str) -> str:
    """A canonical text, to be read by the client as bytes: not all that a text is made of is UTF-8."""
    return f"CAST({text} AS BINARY)"


def sha256(text: str) -> str:
    """SQL: the SHA-256 of a text, in hex."""
    return f"SHA2({text}, 256)"


def digests(
    session: Session, sources: Sequence[str], row: str, order: str, *, limit: int, packed: bool
) -> list[tuple[int, str]]:
    """The number of rows of each source, and the SHA-256 of their texts in order.

    The server gathers no more than its max_allowed_packet, and no row that is longer; it warns of both.
    Then rows are hashed here, one by one.
    """
    order = f" ORDER BY {order}" if order else ""
    gathered = f"GROUP_CONCAT({row}{order} SEPARATOR X'0A')"
    found = session.all(
        " UNION ALL ".join(
            f"SELECT {number}, COUNT(*), SHA2(COALESCE({gathered}, ''), 256) {source}"
            for number, source in enumerate(sources)
        )
    )
    whole = not session.value("SELECT @@warning_count")
    digests = {int(number): (int(rows), str(digest)) for number, rows, digest in found}
    result = []
    for number, source in enumerate(sources):
        rows, digest = digests[number]
        if rows > limit:
            digest = ""
        elif not whole:
            digest = _read(session, f"SELECT CAST({row} AS BINARY) {source}{order}")
        result.append((rows, digest))
    return result


def _read(session: Session, query: str) -> str:
    found = hashlib.sha256()
    for number, (row,) in enumerate(session.rows(query)):
        if row is None:
            raise DatabaseError(_TOO_LONG)
        found.update(b"\n" + row if number else row)
    return found.hexdigest()


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
        raise DatabaseError(_TOO_LONG)
