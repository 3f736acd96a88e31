"""What MariaDB's and MySQL's types can hold."""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_visionforge.database.facts import Column
from pytest_visionforge.dialects.capacity import Capacity, decimal, sizes, whole

_WHOLE = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_BOOLEAN = Capacity(low=0, high=1, fraction=0)
_FULL = ("utf8mb4", "utf16", "utf16le", "utf32")


def capacity(column: Column) -> Capacity:
    """What values of the column's type can be; `tinyint(1)` is a boolean."""
    base = re.match(r"\w*", column.type)
    word = base.group() if base else ""
    if word in _WHOLE:
        if column.type == "tinyint(1)":
            return _BOOLEAN
        return whole(_WHOLE[word], "unsigned" in column.type)
    return _OTHERS.get(word, _unlimited)(column, sizes(column.type))


def _unlimited(column: Column, numbers: list[int]) -> Capacity:
    return Capacity(beyond=_beyond(column))


def _beyond(column: Column) -> bool:
    return column.collation is None or column.collation.partition("_")[0] in _FULL


def _decimal(column: Column, numbers: list[int]) -> Capacity:
    return decimal(numbers[0], numbers[1] if len(numbers) > 1 else 0, "unsigned" in column.type)


def _text(column: Column, numbers: list[int]) -> Capacity:
    return Capacity(characters=numbers[0], beyond=_beyond(column))


def _named(column: Column, numbers: list[int]) -> Capacity:
    """An ENUM: its longest name."""
    names = re.findall(r"'((?:[^']|'')*)'", column.type)
    longest = max((len(name.replace("''", "'")) for name in names), default=0)
    return Capacity(characters=longest, beyond=_beyond(column))


def _octets(column: Column, numbers: list[int]) -> Capacity:
    return Capacity(octets=numbers[0])


def _clock(zone: bool) -> Callable[[Column, list[int]], Capacity]:
    return lambda column, numbers: Capacity(fraction=numbers[0] if numbers else 0, zone=zone)


_OTHERS: dict[str, Callable[[Column, list[int]], Capacity]] = {
    "decimal": _decimal,
    "float": lambda column, numbers: Capacity(bits=24),
    "double": lambda column, numbers: Capacity(bits=53),
    "bit": lambda column, numbers: whole(numbers[0], unsigned=True),
    "year": lambda column, numbers: Capacity(low=0, high=2155, fraction=0),
    "char": _text,
    "varchar": _text,
    "tinytext": lambda column, numbers: Capacity(characters=255, beyond=_beyond(column)),
    "enum": _named,
    "binary": _octets,
    "varbinary": _octets,
    "tinyblob": lambda column, numbers: Capacity(octets=255),
    "datetime": _clock(zone=False),
    "timestamp": _clock(zone=True),
    "time": _clock(zone=False),
}
