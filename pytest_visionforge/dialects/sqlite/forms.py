"""Functions that SQLite calls for the canonical text of a value, whatever its storage class.

A value that does not fit its family gives a text that no fitting value gives: a difference to be
seen, never a value passed over.
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from hashlib import sha256

from pytest_visionforge.database.session import verbatim

Value = int | float | str | bytes | None

SIGNIFICANT = 15  # decimal digits that a REAL holds for certain
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*")
_DATE = re.compile(r"(\d{4,}-\d\d-\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_TIMESTAMP = re.compile(
    r"(\d{4,}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d+))?)?\s*(Z|[-+]\d\d:?\d\d)?", re.IGNORECASE
)
_TIME = re.compile(r"(\d\d:\d\d)(:\d\d)?(?:\.(\d+))?")
_JULIAN_EPOCH = 2440587.5  # the Unix epoch as a Julian day


def odd(value: Value) -> str:
    """A value that does not fit its family: its storage class, and its text with its length."""
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return f"?{type(value).__name__} {len(text)}:{text}"


def number(value: Value) -> str | None:
    """A number without exponent and trailing zeros; a REAL by its first 15 digits, text exactly."""
    if value is None or isinstance(value, int):
        return None if value is None else str(value)
    if isinstance(value, bytes):
        return odd(value)
    if isinstance(value, float):
        value = f"{value:.{SIGNIFICANT}g}"
    if not _NUMBER.fullmatch(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(value) or odd(value)
    try:
        text = format(Decimal(value.strip()), "f")
    except InvalidOperation:
        return odd(value)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def double(value: Value) -> str | None:
    """The IEEE 754 bits of a number, big end first; -0 is 0."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or float(value) != value:
        return odd(value)
    return struct.pack(">d", value + 0.0).hex()


def day(value: Value) -> str | None:
    """A date as YYYY-MM-DD."""
    if value is None:
        return None
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found:
        return found[1]
    moment = timestamp(value)
    return moment[:-9] if moment and moment.endswith(" 00:00:00") else odd(value)


def timestamp(value: Value) -> str | None:
    """A moment as YYYY-MM-DD HH:MM:SS[.fraction], in UTC where a zone is given."""
    if isinstance(value, (int, float)):
        seconds = value if isinstance(value, int) else round((value - _JULIAN_EPOCH) * 86400, 3)
        return _from_epoch(seconds) or odd(value)
    if value is None or isinstance(value, bytes):
        return None if value is None else odd(value)
    found = _TIMESTAMP.fullmatch(value)
    if not found:
        return odd(value)
    days, minutes, seconds_text, fraction, zone = found.groups()
    text = f"{days} {minutes or '00:00'}{seconds_text or ':00'}"
    if zone and zone.upper() != "Z" and zone[1:].replace(":", "") != "0000":
        text = _in_utc(text, zone) or odd(value)
    return text + _fraction(fraction)


def _from_epoch(seconds: float) -> str | None:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%d %H:%M:%S}".zfill(19) + _fraction(f"{moment:%f}")


def _in_utc(text: str, zone: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return f"{moment:%Y-%m-%d %H:%M:%S}".zfill(19)


def _fraction(digits: str | None) -> str:
    digits = (digits or "").rstrip("0")
    return f".{digits}" if digits else ""


def time(value: Value) -> str | None:
    """A time of day as HH:MM:SS[.fraction]."""
    if value is None:
        return None
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}{found[2] or ':00'}{_fraction(found[3])}" if found else odd(value)


def uuid(value: Value) -> str | None:
    """A UUID as small hex digits without hyphens, from text or from 16 bytes, with its length in bytes."""
    if value is None:
        return None
    if isinstance(value, bytes) and len(value) == 16:
        return f"32:{value.hex()}"
    if not isinstance(value, str):
        return odd(value)
    text = value.replace("-", "").lower()
    return f"{len(text.encode())}:{text}"


FUNCTIONS: dict[str, Callable[[Value], str | None]] = {
    "number": number,
    "double": double,
    "date": day,
    "timestamp": timestamp,
    "time": time,
    "uuid": uuid,
}


def sql(v: str, family: str) -> str:
    """SQL: the canonical text of a value, without a function of ours where it is stored as it usually is."""
    usual = "".join(f" WHEN {condition} THEN {text}" for condition, text in _usual(v, family))
    return f"CASE{usual} ELSE vf_{family}({v}) END" if usual else f"vf_{family}({v})"


_DIGIT = "[0-9]"
_DAY = "-".join((4 * _DIGIT, 2 * _DIGIT, 2 * _DIGIT))
_CLOCK = ":".join(3 * (2 * _DIGIT,))


def _usual(v: str, family: str) -> Iterator[tuple[str, str]]:
    """Conditions under which an expression gives what the function of the family would."""
    text = f"typeof({v}) = 'text' AND {v} GLOB"
    trimmed = f"rtrim(rtrim({v}, '0'), '.')"
    if family == "number":
        digits = (
            f"printf('%.{SIGNIFICANT}g', {v})"  # exact where it reads back; else SQLite's versions differ
        )
        yield f"typeof({v}) = 'integer'", f"CAST({v} AS TEXT)"
        yield (
            f"typeof({v}) = 'real' AND abs({v}) BETWEEN 1e-4 AND 1e14 AND CAST({digits} AS REAL) = {v}",
            digits,
        )
    elif family == "date":
        yield f"{text} '{_DAY}'", v
    elif family in ("timestamp", "time"):
        form = _CLOCK if family == "time" else f"{_DAY} {_CLOCK}"
        yield f"{text} '{verbatim(form)}'", v
        yield f"{text} '{verbatim(form)}.{6 * _DIGIT}'", trimmed


def digest(value: str | bytes | None) -> str | None:
    """The SHA-256 of a text or blob, in hex."""
    if value is None:
        return None
    return sha256(value.encode() if isinstance(value, str) else value).hexdigest()


def decoded(octets: bytes) -> str:
    """A text, whatever its bytes: those that are no UTF-8 become lone surrogates."""
    return octets.decode("utf-8", "surrogateescape")


def register(connection: sqlite3.Connection, encoding: str) -> None:
    """Gives the functions to a connection, as `vf_number` and so on; `encoding`: of texts in its file."""
    for name, function in FUNCTIONS.items():
        connection.create_function(f"vf_{name}", 1, function, deterministic=True)
    utf8 = encoding == "UTF-8"
    connection.create_function("vf_sha256", 1, digest, deterministic=True)
    connection.create_function("vf_is_utf8", 0, lambda: utf8, deterministic=True)
    connection.create_function("vf_utf8", 1, partial(_utf8, encoding=encoding), deterministic=True)


def _utf8(octets: bytes | None, *, encoding: str) -> bytes | None:
    """A text's bytes in UTF-8, of its bytes in the file; half a pair of surrogates stays what it is."""
    if octets is None:
        return None
    try:
        return octets.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # half a character at its end
        return b"?" + octets
