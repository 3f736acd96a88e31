"""Which form of a value both sides of a comparison are given, and how it reads for people.

The families: number, decimal (both sides print each number with the same decimals), double, text,
bytes, date, timestamp, time, uuid, json, other (by its text) and, where both sides are SQLite,
stored (storage class and exact value). A family is chosen for the
pair: what one side calls a date and the other a timestamp is compared as timestamps.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_visionforge.dialects import Dialect

SHOWN = 200  # characters of a value that a finding shows
PLAIN = 30  # digits up to which a number of JSON is written without an exponent
_MIXED = {
    frozenset(("number", "double")): "number",
    frozenset(("date", "timestamp")): "timestamp",
    frozenset(("bytes", "text")): "bytes",
    frozenset(("uuid", "text")): "uuid",
    frozenset(("uuid", "bytes")): "uuid",
    frozenset(("uuid", "other")): "uuid",
    frozenset(("json", "text")): "json",
    frozenset(("json", "other")): "json",
}
_DECLARED = {"number", "double", "date", "timestamp", "time", "uuid", "json", "bytes", "text"}


@dataclass(frozen=True, slots=True)
class Form:
    """The family in which both sides of a column are compared; `note` says where that is less than exact."""

    family: str
    note: str = ""


def form_of(before: Dialect, type_before: str, after: Dialect, type_after: str) -> Form:
    """The form for a column of `type_before` in one DBMS and of `type_after` in another.

    A type is "" where it is not known; then it is taken to be that of the other side.
    """
    families = _families(before, type_before, after, type_after)
    if not before.canonical.TYPED and not after.canonical.TYPED:
        return _untyped(families)
    if before.name == after.name:
        return _same_dbms(families, type_before or type_after, type_after or type_before)
    if not before.canonical.TYPED or not after.canonical.TYPED:
        return _half_typed(*(families if before.canonical.TYPED else families[::-1]))
    if families == ("number", "number") and _as_printed(before, type_before, after, type_after):
        return Form("decimal")
    return _mixed(*families)


def _as_printed(before: Dialect, type_before: str, after: Dialect, type_after: str) -> bool:
    """Do both types print each number with the same decimals, so that none need be trimmed?"""
    scale = before.canonical.scale(type_before)
    return bool(scale) and scale == after.canonical.scale(type_after)


def _families(before: Dialect, type_before: str, after: Dialect, type_after: str) -> tuple[str, str]:
    first = before.canonical.family(type_before) if type_before else ""
    second = after.canonical.family(type_after) if type_after else ""
    return first or second or "text", second or first or "text"


def _untyped(families: tuple[str, str]) -> Form:
    """What is stored; where a declared type turns text into numbers or back, its text."""
    if families[0] != families[1] and "text" in families:
        return Form("text", f"{families[0]} against {families[1]}: by their text")
    return Form("stored")


def _same_dbms(families: tuple[str, str], type_before: str, type_after: str) -> Form:
    if families == ("json", "json") and type_before == type_after:
        return Form("text")
    if families == ("other", "other"):
        return Form("other", f"{type_after}: by its text")
    return _mixed(*families)


def _mixed(first: str, second: str) -> Form:
    if "json" in (first, second):
        family = "json" if first == second else _MIXED.get(frozenset((first, second)), "text")
        return Form(family, "as JSON values: blanks and the order of keys do not count")
    if first == second:
        return Form(first, "by its text" if first == "other" else "")
    family = _MIXED.get(frozenset((first, second)), "text")
    return Form(family, f"{first} against {second}: as {family}")


def _half_typed(typed: str, declared: str) -> Form:
    """The DBMS with types decides, and SQLite's value is read as it says; SQLite where only it knows."""
    family = declared if typed == "other" and declared in _DECLARED else typed
    for known in ("uuid", "json"):
        if {typed, declared} == {known, "text"}:
            family = known
    notes = {
        "number": "REAL in SQLite by 15 significant digits",
        "timestamp": "SQLite's text, Unix seconds or Julian days read as UTC timestamps",
        "json": "as JSON values: blanks and the order of keys do not count",
        "other": "by its text",
    }
    return Form(family, notes.get(family, ""))


def settled(family: str, text: str | None) -> str | None:
    """A canonical text in which what the family calls equal is equal: JSON, which no SQL can settle."""
    if text is None or family != "json":
        return text
    try:
        value = json.loads(text.partition(":")[2], parse_float=Decimal, parse_int=Decimal)
        settled = _settled(value)
    except (ValueError, RecursionError):
        return text
    return f"{len(settled.encode('utf-8', 'surrogateescape'))}:{settled}"


def _settled(value: Any) -> str:
    """JSON with sorted keys and each number in its shortest form; a text stays in its quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {_settled(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_settled, value)) + "]"
    if isinstance(value, Decimal):
        return _shortest(value)
    return _quoted(value)


def _quoted(value: str | bool | None) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shortest(number: Decimal) -> str:
    """1, 1.0 and 10e-1 are one number; without an exponent where people would write none."""
    if not number:
        return "0"
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # JSON has no NaN; what Python takes for one is no Decimal
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    exponent += len(text) - len(short)
    plain = f"{Decimal((sign, tuple(map(int, short)), exponent)):f}" if abs(exponent) <= PLAIN else ""
    return plain or f"{'-' * sign}{short}e{exponent}"


def shown(family: str, text: str | None) -> str | None:
    """A canonical text as people read it; None for NULL."""
    if text is None:
        return None
    if family == "stored":
        return shown({"n": "number", "d": "double", "t": "text", "b": "bytes"}[text[0]], text[1:])
    if family == "double" and re.fullmatch(r"[0-9a-f]{16}", text):
        return repr(struct.unpack(">d", bytes.fromhex(text))[0])
    if family == "decimal":
        return text.rstrip("0").rstrip(".")
    if family == "bytes" and "#" not in text:
        return _cut(f"0x{text}")
    if family in ("text", "json", "other", "bytes", "uuid"):
        return _content(text)
    return _cut(text)


def _content(text: str) -> str:
    found = re.match(r"(\d+)([:#])", text)
    if not found:
        return _cut(text)
    rest = text[found.end() :]
    return _cut(rest) if found[2] == ":" else f"{int(found[1]):,} bytes, SHA-256 {rest[:16]}..."


def _cut(text: str) -> str:
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


_LITERAL = re.compile(
    r"\(*('(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false|null)\)*(?:::[\w \"\[\]().]+)?\)*", re.IGNORECASE
)
_WORDS = {"true": "1", "false": "0", "null": "", "": ""}


def literal(default: str | None) -> str | None:
    """A default as a plain value that compares across DBMS: '' for NULL, None if it is no literal."""
    if default is None:
        return ""
    found = _LITERAL.fullmatch(default.strip())
    if not found:
        return None
    text = found[1]
    if text.startswith("'"):
        text = text[1:-1].replace("''", "'")
    text = _WORDS.get(text.lower(), text)
    return f"{Decimal(text).normalize():f}" if re.fullmatch(r"-?\d+(\.\d+)?", text) else text
