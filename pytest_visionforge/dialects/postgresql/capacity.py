"""What PostgreSQL's types can hold."""

from __future__ import annotations

import re

from pytest_visionforge.database.facts import Column
from pytest_visionforge.dialects.capacity import Capacity, decimal, sizes, whole

_WHOLE = {"smallint": 16, "integer": 32, "bigint": 64}
_BITS = {"real": 24, "double precision": 53}
_TIME = re.compile(r"(timestamp|time)(\(\d\))? (with|without) time zone")


def capacity(column: Column) -> Capacity:
    """What values of the column's type can be."""
    type, numbers = column.type, sizes(column.type)
    clock = _TIME.fullmatch(type)
    if clock:
        return Capacity(fraction=numbers[0] if numbers else 6, zone=clock[3] == "with")
    if type == "boolean":
        return Capacity(low=0, high=1, fraction=0)
    if type in _WHOLE:
        return whole(_WHOLE[type])
    if type in _BITS:
        return Capacity(bits=_BITS[type])
    if type.startswith("numeric(") and numbers:
        return decimal(numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if type.startswith("character") and numbers:
        return Capacity(characters=numbers[0])
    return Capacity()
