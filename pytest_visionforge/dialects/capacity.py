"""What a column can hold, in words on which all DBMS agree: whether another one can hold as much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SIZES = re.compile(r"\((\d+)(?:\s*,\s*(-?\d+))?\)")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a type can hold, as far as it says; None: it sets no limit, or none is known.

    `low` to `high` are its numbers, `fraction` the digits behind the point of numbers and of seconds,
    `bits` those of a double's mantissa. `characters` is the length of texts, `octets` of bytes. `zone`:
    timestamps know their zone. `beyond`: characters beyond U+FFFF fit. `loose`: the DBMS lets a column
    hold more than its type says, so that a limit that is missing says nothing.
    """

    low: int | None = None
    high: int | None = None
    fraction: int | None = None
    bits: int | None = None
    characters: int | None = None
    octets: int | None = None
    zone: bool | None = None
    beyond: bool = True
    loose: bool = False

    def lost_in(self, after: Capacity) -> Iterator[str]:
        """In which respects the other one holds less: range, fraction, precision, length, zone, character set."""
        bits = None if self.high is None or self.fraction else max(self.high, -(self.low or 0)).bit_length()
        either = self.loose or after.loose
        topics = (
            ("range", self.high, after.high),
            ("range", _below(self.low), _below(after.low)),
            ("fraction", self.fraction, after.fraction),
            ("precision", self.bits or bits, after.bits),
            ("length", self.characters, after.characters),
            ("length", self.octets, after.octets),
        )
        for words, before, limit in topics:
            if limit is not None and (before > limit if before is not None else not either):
                yield words
        if self.zone and after.zone is False:
            yield "zone"
        if self.beyond and not after.beyond:
            yield "character set"


def _below(low: int | None) -> int | None:
    return None if low is None else -low


def sizes(type: str) -> list[int]:
    """The numbers in a type's parentheses, one or two; [] where it has none."""
    found = _SIZES.search(type)
    return [int(size) for size in found.groups() if size] if found else []


def base_of(type: str) -> str:
    """A type without length, precision and scale, in small letters."""
    return " ".join(re.sub(r"\([^)]*\)", " ", type.lower()).split())


def whole(bits: int, unsigned: bool = False) -> Capacity:
    """Whole numbers of so many bits."""
    top: int = 2**bits - 1 if unsigned else 2 ** (bits - 1) - 1
    return Capacity(low=0 if unsigned else -top - 1, high=top, fraction=0)


def decimal(digits: int, fraction: int, unsigned: bool = False) -> Capacity:
    """Decimals of so many digits in all."""
    top: int = 10 ** max(digits - fraction, 0) - 1
    return Capacity(low=0 if unsigned else -top, high=top, fraction=max(fraction, 0))
