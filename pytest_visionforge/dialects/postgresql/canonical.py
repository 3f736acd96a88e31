"""PostgreSQL's values as canonical text, and their digests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects import INLINE_BYTES, INLINE_TEXT

TYPED = True
ALTERS = True
_INTEGERS = {"smallint", "integer", "bigint"}
_FAMILIES = {
    **dict.fromkeys(_INTEGERS, "number"),
    **dict.fromkeys(("numeric", "boolean", "money"), "number"),
    **dict.fromkeys(("double precision", "real"), "double"),
    **dict.fromkeys(("text", "character varying", "character", "name", "citext", '"char"', "json"), "text"),
    **dict.fromkeys(("timestamp without time zone", "timestamp with time zone", "timestamp"), "timestamp"),
    **dict.fromkeys(("time without time zone", "time"), "time"),
    "bytea": "bytes",
    "date": "date",
    "uuid": "uuid",
    "jsonb": "json",
}


def _base(type: str) -> str:
    """The type without length, precision and scale: they are no part of a value's form."""
    return " ".join(re.sub(r"\([^)]*\)", " ", type.lower()).split())


def family(type: str) -> str:
    """The family of a type; "other" is compared by its text."""
    return _FAMILIES.get(_base(type), "other")


def ordered(type: str) -> bool:
    """Numbers, dates and timestamps are ordered alike everywhere, and by their indexes."""
    return _base(type) in _INTEGERS | {"numeric"} or family(type) in ("date", "timestamp")


def type_of(session: Session, source: str, expression: str) -> str:
    """The type of an expression over the rows of a table."""
    row = f"(SELECT) AS one LEFT JOIN {source} ON true LIMIT 1"  # a row, though the table be empty
    return str(session.value(f"SELECT pg_typeof({expression})::text FROM {row}"))


def prepare(session: Session) -> None:
    """PostgreSQL's session is as it must be: UTC, ISO dates, exact floats."""


def text(expression: str, family: str, type: str) -> str:
    """SQL that gives the canonical text of a value."""
    return _FORMS[family](f"({expression})", _base(type))


def _number(v: str, type: str) -> str:
    if type in _INTEGERS:
        return f"{v}::text"
    if type == "boolean":
        return f"{v}::int::text"
    if type in ("numeric", "money"):
        return f"trim_scale({v}::numeric)::text"
    return f"trim_scale({v}::text::numeric)::text"


def _double(v: str, type: str) -> str:
    return f"encode(float8send({v}::float8 + 0.0::float8), 'hex')"  # -0 + 0 is 0


def _text(v: str, type: str) -> str:
    octets = f"convert_to({v}::text, 'UTF8')"
    size = f"length({octets})"
    return (
        f"CASE WHEN {size} <= {INLINE_TEXT} THEN {size}::text || ':' || {v}::text"
        f" ELSE {size}::text || '#' || encode(sha256({octets}), 'hex') END"
    )


def _json(v: str, type: str) -> str:
    return f"length(convert_to({v}::text, 'UTF8'))::text || ':' || {v}::text"


def _bytes(v: str, type: str) -> str:
    v = v if type == "bytea" else f"convert_to({v}::text, 'UTF8')"
    return (
        f"CASE WHEN length({v}) <= {INLINE_BYTES} THEN encode({v}, 'hex')"
        f" ELSE length({v})::text || '#' || encode(sha256({v}), 'hex') END"
    )


def _timestamp(v: str, type: str) -> str:
    return f"({v} AT TIME ZONE 'UTC')::text" if type.endswith("with time zone") else f"{v}::timestamp::text"


def _uuid(v: str, type: str) -> str:
    """With its length: a column of text may hold anything."""
    if type == "bytea":
        return f"length({v}) * 2 || ':' || encode({v}, 'hex')"
    return _json(f"lower(replace({v}::text, '-', ''))", type)


def _plain(v: str, type: str) -> str:
    return f"{v}::text"


_FORMS = {
    "number": _number,
    "double": _double,
    "text": _text,
    "other": _text,
    "json": _json,
    "bytes": _bytes,
    "timestamp": _timestamp,
    "date": _plain,
    "time": _plain,
    "uuid": _uuid,
}


def row(texts: Sequence[str]) -> str:
    """SQL that joins the texts of a row; NULL is a field that no value gives."""
    return f"array_to_string(ARRAY[{', '.join(texts)}]::text[], '|', '~')"


def fetched(text: str) -> str:
    """A canonical text, to be read by the client."""
    return text


def sha256(text: str) -> str:
    """SQL: the SHA-256 of a text, in hex."""
    return f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"


def _gathered(item: str, order: str) -> str:
    return sha256(f"coalesce(string_agg({item}, '' ORDER BY {order}), '')")


def digest(session: Session, source: str, row: str, order: str) -> tuple[int, str]:
    """The number of rows, and the SHA-256 of their SHA-256s in order."""
    found = session.row(f"SELECT count(*), {_gathered(sha256(row), order)} {source}")
    return int(found[0]), str(found[1])


def buckets(session: Session, query: str) -> Iterator[tuple[str, int, str]]:
    """(bucket, rows, digest) of a query that gives bucket `b`, a row's hash `h` and its count `n`."""
    item = "(h || ':' || n::text)"
    gathered = _gathered(item, f'{item} COLLATE "C"')
    for bucket, rows, found in session.rows(
        f"SELECT b, sum(n), {gathered} FROM ({query}) AS hashed GROUP BY b ORDER BY b"
    ):
        yield bucket, int(rows), found
