"""The short strings of a plan: `0..100`, `a <= b`, `sum(lines.total)`, `30d`, `1%`, `2GB`.

Each function turns one text into its value or raises `Wrong` with what is wrong and how it is written.
"""

from __future__ import annotations

import base64
import re
import warnings
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

PUBLIC_KEY_BYTES = 32
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


class Wrong(ValueError):
    """A value of the plan is wrong; the message says how it should be."""


def said(text: str) -> str:
    """The text in quotes, on one line, cut where it is long."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


class Sum(NamedTuple):
    """What `sum|count|min|max|avg(child[.expression] [where condition])` says."""

    function: str
    child: str
    expression: str
    condition: str


def duration(text: str) -> float:
    """The seconds of `800ms`, `5s`, `10min`, `24h` or `30d`."""
    seconds = _measured(text, _SECONDS, "a duration; write 800ms, 5s, 10min, 24h or 30d")
    if not seconds:
        raise Wrong(f"{said(text)} is no time at all; write 800ms, 5s, 10min, 24h or 30d")
    return seconds


def size(text: str) -> int:
    """The bytes of `2GB` (units of a thousand: B, kB, MB, GB, TB)."""
    return round(_measured(text, _BYTES, "a size; write 500MB, 2GB or 1.5TB"))


def share(text: str) -> float:
    """`1%` as 0.01; at least 0% and at most 100%."""
    value = _measured(text, {"%": 1}, "a share; write 1% or 0.5%")
    if value > 100:
        raise Wrong(f"{said(text)} is more than all; a share is at most 100%")
    return value / 100


def public_key(text: str) -> str:
    """An Ed25519 public key: the 32 bytes in base64, as `visionforge key` prints it."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != PUBLIC_KEY_BYTES:
        raise Wrong(f"{said(text)} is no Ed25519 public key; `visionforge key NAME.pem` prints one")
    return text


def _measured(text: str, units: dict[str, Any], expected: str) -> float:
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([A-Za-z%]+)", text)
    if not match or match[2] not in units:
        raise Wrong(f"{said(text)} is not {expected}")
    return float(Decimal(match[1]) * Decimal(str(units[match[2]])))


def bounds(text: str) -> tuple[str | None, str | None]:
    """The two sides of `LO..HI`, numbers, dates or timestamps; None where a side is open."""
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not dots:
        raise Wrong(f"{said(text)} is not a range; write 0..100, 1.. or ..2024-12-31")
    if not low and not high:
        raise Wrong("'..' is open on both sides, so it asserts nothing; write 0..100, 1.. or ..100")
    sides = [_bound(side) for side in (low, high) if side]
    if len(sides) == 2 and not _in_order(*sides):
        raise Wrong(f"{said(text)} is empty or mixed; write the lower side first, both of one kind")
    return low or None, high or None


def _bound(text: str) -> Decimal | datetime:
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    if _MOMENT.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise Wrong(f"{said(text)} is not a date: {error}") from None
    raise Wrong(f"{said(text)} is no side of a range; write a number, a date or a timestamp (2024-12-31)")


def _in_order(low: Any, high: Any) -> bool:
    try:
        return bool(low <= high)
    except TypeError:
        return False


def row_bounds(text: str) -> tuple[int | None, int | None]:
    """The two sides of `LO..HI` as numbers of rows."""
    low, high = bounds(text)
    for side in (low, high):
        if side is not None and not re.fullmatch(r"[0-9]{1,18}", side):
            raise Wrong(f"{said(side)} is no number of rows; write 1.. or 0..500")
    return None if low is None else int(low), None if high is None else int(high)


def in_order(text: str) -> tuple[str, ...]:
    """The columns of `a <= b <= c`."""
    columns = tuple(part.strip() for part in text.split("<="))
    if len(columns) < 2 or any(not column or re.search(r"[<>=]", column) for column in columns):
        raise Wrong(f"{said(text)} is not an order; write ordered_at <= paid_at <= shipped_at")
    return columns


def table_column(text: str) -> tuple[str, str]:
    """The table and the column of `table.column`; the table may itself hold a schema."""
    table, _, column = (part.strip() for part in text.rpartition("."))
    if not table or not column or re.search(r"[<>=,;()\n]", text):
        raise Wrong(f"{said(text)} is not table.column; write customers.id")
    return table, column


def expressions(text: str) -> tuple[str, ...]:
    """The columns or expressions of `tenant, lower(email)`, parted at the outer commas."""
    commas = [match.start() for match in re.finditer(",", _outer(text))]
    starts, ends = [0, *(comma + 1 for comma in commas)], [*commas, len(text)]
    parts = tuple(text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    if not all(parts):
        raise Wrong(f"{said(text)} has nothing beside a comma; write tenant, lower(email)")
    return parts


def aggregate(text: str) -> Sum:
    """The parts of `sum(order_lines.price * quantity where cancelled = 0)`.

    A child whose name holds a dot stands in double quotes: `count("sales.lines")`.
    """
    call = re.fullmatch(r"\s*(sum|count|min|max|avg)\s*\((.*)\)\s*", text, re.S)
    if not call:
        raise Wrong(f"{said(text)} is not an aggregate; write sum(order_lines.price) or count(order_lines)")
    function, inner = call.groups()
    cut = re.search(r"\bwhere\b", _outer(inner), re.I)
    subject, condition = (inner[: cut.start()], inner[cut.end() :].strip()) if cut else (inner, "")
    if cut and not condition:
        raise Wrong(f"{said(text)} has no condition after `where`")
    match = re.fullmatch(r'(?:"([^"]+)"|([^."()]+))(?:\.(.+))?', subject.strip(), re.S)
    if not match:
        raise Wrong(f"{said(text)} names no child table; write {function}(child.expression)")
    expression = (match[3] or "").strip()
    if function != "count" and not expression:
        raise Wrong(f"{said(text)} does not say what of the child; write {function}(child.expression)")
    return Sum(function, (match[1] or match[2]).strip(), expression, condition)


def _outer(text: str) -> str:
    """The text with everything inside quotes and brackets blanked out, at its length."""
    outer, depth, quote = [], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif not depth:
            outer.append(character)
            continue
        if depth < 0:
            break
        outer.append("\0")
    if depth or quote:
        raise Wrong(f"{said(text)} has a quote or bracket without its other half")
    return "".join(outer)


def regex(text: str) -> str:
    """A regular expression, once it has been seen to compile."""
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise Wrong(f"{said(text)} is not a regular expression: {error}") from None
    return text


def requirement(text: str) -> str:
    """A distribution or program with its versions: `alembic>=1.12`, `pg_dump>=15,<18`."""
    name, version = r"[A-Za-z0-9][\w.+-]*(\[[\w, -]+\])?", r"(>=|<=|==|!=|~=|<|>) *[0-9][\w.*+!-]*"
    if not re.fullmatch(rf"{name} *({version}( *, *{version})*)?", text):
        raise Wrong(f"{said(text)} is not a name with versions; write alembic>=1.12 or pg_dump>=15,<18")
    return text


def identifier(text: str) -> str:
    """The id of a rule: letters, digits, `_`, `-` and `.`, so that it can be typed on a command line."""
    if not re.fullmatch(r"\w[\w.-]*", text):
        raise Wrong(f"{said(text)} is no id; write letters, digits, - and _: paid-orders-are-settled")
    return text


def rights(text: str) -> str:
    """The rights on a path: of `r`, `w` and `x`, each at most once."""
    if not re.fullmatch(r"(?!.*(.).*\1)[rwx]+", text):
        raise Wrong(f"{said(text)} are no rights; write r, rw or rwx")
    return text
