"""What SQLite's declared types say, which its columns need not keep to."""

from __future__ import annotations

import re

from pytest_visionforge.database.facts import Column
from pytest_visionforge.dialects.capacity import Capacity, decimal, sizes

_DOUBLES = ("REAL", "FLOA", "DOUB")


def capacity(column: Column) -> Capacity:
    """The lengths and digits that a type names. Whole numbers have 64 bits, however they are called."""
    type, numbers = column.type.upper(), sizes(column.type)
    if any(word in type for word in _DOUBLES):
        return Capacity(bits=53, loose=True)
    if re.match(r"(DECIMAL|NUMERIC|NUMBER)\b", type) and numbers:
        whole = decimal(numbers[0], numbers[1] if len(numbers) > 1 else 0)
        return Capacity(whole.low, whole.high, whole.fraction, loose=True)
    if "CHAR" in type and numbers:
        return Capacity(characters=numbers[0], loose=True)
    return Capacity(loose=True)
