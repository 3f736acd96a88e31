"""PostgreSQL's values as canonical text, and their digests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_visionforge.database import Table
from pytest_visionforge.database.session import Session
from pytest_visionforge.dialects.capacity import base_of
from pytest_visionforge.dialects.halves import halved
from pytest_visionforge.dialects.postgresql.language import literal
from pytest_visionforge.dialects.rooms.canonical import INLINE_BYTES, INLINE_ROW, INLINE_TEXT, WORDS, Packable
from pytest_visionforge.errors import DatabaseError

ARGUMENTS = 90  # of one call; PostgreSQL takes 100
TYPED = True
ALTERS = True
PACKS = True
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


_TEXTS = {"text", "character varying", "character", "name", "citext", "json"}
_BOUNDS = {
    "number": re.compile(r"-?\d+(\.\d+)?"),
    "date": re.compile(r"\d{4,}-\d\d-\d\d"),
    "timestamp": re.compile(r"\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"),
    "uuid": re.compile(r"[0-9a-f-]{36}"),
    "bytes": re.compile(r"[0-9a-f]*"),
}


def family(type: str) -> str:
    """The family of a type; "other" is compared by its text."""
    return _FAMILIES.get(base_of(type), "other")


def order(type: str, collation: str | None) -> str:
    """Numbers and times are ordered alike everywhere, binary values and texts of collation C by their bytes."""
    base = base_of(type)
    if base in _INTEGERS | {"numeric"}:
        return "number"
    if family(type) in ("date", "timestamp"):
        return family(type)
    if base in ("uuid", "bytea"):
        return {"uuid": "uuid", "bytea": "bytes"}[base]
    return "text" if collation in ("C", "POSIX") and base in ("text", "character varying") else ""


def bound(expression: str, order: str) -> str:
    """SQL: a value of a key's column as text."""
    if order == "bytes":
        return f"encode({expression}, 'hex')"
    if order == "timestamp":
        return f"regexp_replace(({expression})::text, '\\+00$', '')"  # the session's zone is UTC
    return f"({expression})::text"


def limit(bound: str, order: str) -> str:
    """SQL: the literal of such a text."""
    if order == "text":
        return literal(bound)
    if not _BOUNDS[order].fullmatch(bound):
        raise DatabaseError(f"{bound!r} is no bound of a segment: the baseline is not what it was")
    if order == "bytes":
        return rf"'\x{bound}'::bytea"
    return bound if order == "number" else literal(bound)


def type_of(session: Session, source: str, expression: str) -> str:
    """The type of an expression over the rows of a table."""
    row = f"(SELECT) AS one LEFT JOIN {source} ON true LIMIT 1"  # a row, though the table be empty
    return str(session.value(f"SELECT pg_typeof({expression})::text FROM {row}"))


def in_order(table: Table, key: Sequence[str]) -> str:
    """A table's rows lie in no order."""
    return ""


def scale(type: str) -> int | None:
    """The decimals of a numeric that declares them."""
    found = re.fullmatch(r"numeric\(\d+,(\d+)\)", type.lower())
    return int(found[1]) if found else None


def prepare(session: Session, ranges: bool = False) -> None:
    """No statement is worth compiling, and no worker is asked for; in ranges an index gives the order."""
    for setting in (
        "jit = off",
        "max_parallel_workers_per_gather = 0",
        f"enable_sort = {'off' if ranges else 'on'}",  # whatever is known of a table that was just restored
    ):
        session.connection.exec_driver_sql(f"SET LOCAL {setting}")


def text(expression: str, family: str, type: str, collation: str | None = None) -> str:
    """SQL that gives the canonical text of a value."""
    return f"{_FORMS[family](f'({expression})', type)}::text"


def _number(v: str, type: str) -> str:
    type = base_of(type)
    if type in _INTEGERS:
        return v
    if type == "boolean":
        return f"{v}::int"
    if type in ("numeric", "money"):
        return f"trim_scale({v}::numeric)"
    return f"trim_scale({v}::text::numeric)"


def _double(v: str, type: str) -> str:
    return f"encode(float8send({v}::float8 + 0.0::float8), 'hex')"  # -0 + 0 is 0


def _is_short(type: str, limit: int) -> bool:
    """Can no text of this type be longer than `limit` bytes?"""
    found = re.fullmatch(r"character(?: varying)?\((\d+)\)", type.lower())
    return found is not None and 4 * int(found[1]) <= limit


def _characters(v: str, type: str) -> str:
    """What a value prints; of an address without the mask that a cast would add."""
    if base_of(type) in ("text", "character varying"):
        return v
    return f"{f'abbrev({v})' if base_of(type) == 'inet' else v}::text"


def _octets(text: str) -> str:
    """How many bytes a text has in UTF-8, as the session is; few databases are not."""
    return (
        f"CASE WHEN (SELECT getdatabaseencoding() = 'UTF8') THEN octet_length({text})"
        f" ELSE length(textsend({text})) END"
    )


def _text(v: str, type: str) -> str:
    text = _characters(v, type)
    size = _octets(text)
    short = f"(({size}) || ':' || {text})"
    if _is_short(type, INLINE_TEXT):
        return short
    long = f"({size}) || '#' || encode(sha256(textsend({text})), 'hex')"
    return f"(CASE WHEN ({size}) <= {INLINE_TEXT} THEN {short} ELSE {long} END)"


def _json(v: str, type: str) -> str:
    return f"(({_octets(f'{v}::text')}) || ':' || {v}::text)"


def _bytes(v: str, type: str) -> str:
    v = v if base_of(type) == "bytea" else f"textsend({v}::text)"
    return (
        f"(CASE WHEN length({v}) <= {INLINE_BYTES} THEN encode({v}, 'hex')"
        f" ELSE length({v}) || '#' || encode(sha256({v}), 'hex') END)"
    )


def _timestamp(v: str, type: str) -> str:
    zoned = base_of(type).endswith("with time zone")
    return f"({v} AT TIME ZONE 'UTC')" if zoned else f"{v}::timestamp"


def _uuid(v: str, type: str) -> str:
    """With its length: a column of text may hold anything."""
    if base_of(type) == "bytea":
        return f"(length({v}) * 2 || ':' || encode({v}, 'hex'))"
    return _json(f"lower(replace({v}::text, '-', ''))", type)


def _as_printed(v: str, type: str) -> str:
    return v


_FORMS = {
    "number": _number,
    "decimal": _as_printed,
    "double": _double,
    "text": _text,
    "other": _text,
    "json": _json,
    "bytes": _bytes,
    "timestamp": _timestamp,
    "date": _as_printed,
    "time": _as_printed,
    "uuid": _uuid,
}


def measure(expression: str, family: str, type: str) -> tuple[str, str]:
    """SQL: a number or a moment, or how many bytes a value is long; and the sum, "" of moments."""
    v = f"({expression})"
    if family in ("date", "timestamp"):
        return v, ""
    if family in ("number", "double"):
        v += {"boolean": "::int", "money": "::numeric"}.get(base_of(type), "")
    else:
        v = f"octet_length({v})" if base_of(type) == "bytea" else f"octet_length({v}::text)"
    return v, f"sum({v})"


def joined(texts: Sequence[str]) -> str:
    """SQL: values that are no NULL, as they print, with bars between them."""
    if len(texts) > ARGUMENTS:
        return joined([joined(texts[first : first + ARGUMENTS]) for first in range(0, len(texts), ARGUMENTS)])
    return f"concat_ws('|', {', '.join(texts)})"


def row(fields: Sequence[Packable]) -> str:
    """SQL: the text of a row. One call for all columns: it is what a join by || would do many times."""
    return joined([part for field in fields for part in _parts(field)])


def _parts(field: Packable) -> Sequence[str]:
    """SQL: what stands for a value in the text of a row; NULL (which `joined` leaves out) behind a ~ only."""
    v = f"({field.expression})"
    if field.family not in WORDS:
        form = _FORMS[field.family](v, field.type)
        return [f"coalesce({form}::text, '~')" if field.nullable else form]
    text = _characters(v, field.type)
    size, whole = f"({_octets(text)})", text
    if not _is_short(field.type, INLINE_ROW):
        whole = (
            f"CASE WHEN {size} <= {INLINE_ROW} THEN {text} ELSE encode(sha256(textsend({text})), 'hex') END"
        )
        size = f"CASE WHEN {size} <= {INLINE_ROW} THEN {size}::text ELSE {size} || '#' END"
    return [f"coalesce(({size})::text, '~')" if field.nullable else size, whole]


_FIXED = {
    **dict.fromkeys(_INTEGERS, "integer"),
    "numeric": "numeric",
    "boolean": "boolean",
    "double precision": "double",
    "real": "double",
    "date": "date",
    "time without time zone": "time",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "uuid": "uuid",
}
_SENT = {
    "integer": "int8send({v})",
    "numeric": "numeric_send(trim_scale({v}))",
    "boolean": "boolsend({v})",
    "double": "float8send({v}::float8 + 0.0::float8)",
    "date": "date_send({v})",
    "time": "time_send({v})",
    "timestamp": "timestamp_send({v})",
    "timestamptz": "timestamptz_send({v})",
    "uuid": "uuid_send({v})",
}


def packed(type: str) -> str:
    """The binary form of a type: numbers of one kind, and all texts, have the same."""
    base = base_of(type)
    if base in _TEXTS:
        return "text"
    return "bytes" if base == "bytea" else _FIXED.get(base, "")


def pack(fields: Sequence[Packable]) -> str:
    """The bytes that the DBMS itself sends for each value, so that each value can be told.

    First the numbers of the columns of fixed length that are NULL, ended by FFFF; then the values that
    have one as they are, texts ended by FF, bytes after their length. No text in UTF-8 holds a byte
    above F4: so FE stands for NULL, and FD is followed by the SHA-256 of a long value.
    """
    holes = [
        f"CASE WHEN ({field.expression}) IS NULL THEN '\\x{number:04x}'::bytea ELSE ''::bytea END"
        for number, field in enumerate(fields)
        if field.nullable and field.packed in _SENT
    ]
    return halved([*holes, r"'\xffff'::bytea", *map(_packed, fields)], " || ")


def _packed(field: Packable) -> str:
    v = f"({field.expression})"
    if field.packed in _SENT:
        sent = _SENT[field.packed].format(v=v)
        return f"coalesce({sent}, ''::bytea)" if field.nullable else sent
    if field.packed == "bytes":
        octets, whole = v, rf"'\xff'::bytea || int4send(length({v})) || {v}"
    else:
        v = f"{v}::text" if field.packed else text(field.expression, field.family, field.type)
        octets = f"textsend({v})"
        whole = rf"{octets} || '\xff'::bytea"
    if not _is_short(field.type, INLINE_ROW):
        long = rf"'\xfd'::bytea || sha256({octets})"
        whole = f"CASE WHEN octet_length({v}) > {INLINE_ROW} THEN {long} ELSE {whole} END"
    return rf"coalesce({whole}, '\xfe'::bytea)" if field.nullable else f"({whole})"


def fetched(text: str) -> str:
    """A canonical text, to be read by the client."""
    return text


def sha256(text: str) -> str:
    """SQL: the SHA-256 of a text, in hex."""
    return f"encode(sha256(textsend({text})), 'hex')"


def digests(
    session: Session, sources: Sequence[str], row: str, order: str, *, limit: int, packed: bool
) -> list[tuple[int, str]]:
    """The number of rows of each source, and the SHA-256 of their bytes, or of their texts, in order."""
    found = session.all(
        " UNION ALL ".join(
            f"SELECT {number}, count(r), {_gathered(packed)} FROM"
            f" (SELECT {row} AS r {source} ORDER BY {order} LIMIT {limit + 1}) AS s"
            for number, source in enumerate(sources)
        )
    )
    result = {int(number): (int(rows), str(digest)) for number, rows, digest in found}
    return [
        result[number] if result[number][0] <= limit else (_count(session, source), "")
        for number, source in enumerate(sources)
    ]


def _gathered(packed: bool) -> str:
    if packed:
        return "encode(sha256(coalesce(string_agg(r, ''::bytea), ''::bytea)), 'hex')"
    return sha256("coalesce(string_agg(r, chr(10)), '')")


def _count(session: Session, source: str) -> int:
    return int(session.value(f"SELECT count(*) {source}"))


def buckets(session: Session, query: str) -> Iterator[tuple[str, int, str]]:
    """(bucket, rows, digest) of a query that gives bucket `b`, a row's hash `h` and its count `n`."""
    item = "(h || ':' || n::text)"
    gathered = sha256(f"""coalesce(string_agg({item}, '' ORDER BY {item} COLLATE "C"), '')""")
    for bucket, rows, found in session.rows(
        f"SELECT b, sum(n), {gathered} FROM ({query}) AS hashed GROUP BY b ORDER BY b"
    ):
        yield bucket, int(rows), found
