"""What kind of value a column is declared to hold, by the name of its type."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_visionforge.database import Column


class Kind(StrEnum):
    """The kinds that rules tell apart."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    MOMENT = "moment"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    OTHER = "other"


NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER})

_PATTERNS = (
    (Kind.OTHER, r"\[\]$"),
    (Kind.MOMENT, r"^(timestamp|datetime)"),
    (Kind.DATE, r"^date$"),
    (Kind.BOOLEAN, r"^bool"),
    (Kind.TEXT, r"char|text|clob|string|^enum|^set\b"),
    (Kind.INTEGER, r"\b(tiny|small|medium|big)?int(eger)?\d*\b|\b(small|big)?serial\b"),
    (Kind.NUMBER, r"^(numeric|decimal|dec|number|fixed|real|float|double|money)\b"),
    (Kind.BYTES, r"blob|binary|bytea"),
)
_SIZE = re.compile(r"\(\s*(\d+)\s*\)")
_SCALE = re.compile(r"\(\s*\d+\s*,\s*(\d+)\s*\)")
_NO_SCALE = re.compile(r"(numeric|decimal|dec)\s*\(\s*\d+\s*\)", re.I)


def kind_of(column: Column) -> Kind:
    """The kind of a column's declared type; OTHER where the name of the type says nothing."""
    declared = column.type.strip().lower()
    return next((kind for kind, pattern in _PATTERNS if re.search(pattern, declared)), Kind.OTHER)


def size_of(column: Column) -> int | None:
    """How many characters the type of a text allows; None where it says nothing."""
    size = _SIZE.search(column.type)
    return int(size[1]) if size else None


def scale_of(column: Column) -> int | None:
    """How many decimals the type of a number allows; None where it says nothing."""
    scale = _SCALE.search(column.type)
    return int(scale[1]) if scale else None


def tolerance_of(column: Column) -> Decimal | None:
    """Half a unit of the last declared decimal; 0 for integers; None where no scale is declared."""
    scale = scale_of(column)
    if scale is not None:
        return Decimal(5).scaleb(-scale - 1)
    if _NO_SCALE.fullmatch(column.type.strip()):
        return Decimal("0.5")
    return Decimal(0) if kind_of(column) is Kind.INTEGER else None
