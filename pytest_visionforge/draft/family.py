"""The rows seen of a parent and of its children, side by side: what fails in them is not tried at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import prod
from typing import Any

from pytest_visionforge.draft.sight import Sight

SOME = 10  # parents whose children are looked at, where not all children are seen
NEAR = 0.51  # by which a sum may miss: the check knows the decimals of the column, and is stricter
LONGEST_MOMENT = 19  # characters of a text that is a moment without a zone

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """Parents by their key, and the rows of their children by that key: all of them for the keys in `known`.

    Both are empty where keys are no whole numbers: how others compare is for the database to say. Each
    `may` is True where nothing that is seen speaks against it.
    """

    parents: Mapping[int, Row] = field(default_factory=dict)
    children: Mapping[int, Sequence[Row]] = field(default_factory=dict)
    known: frozenset[int] = frozenset()

    def may_have(self) -> bool:
        """May every parent have a child?"""
        return all(self.children.get(key) for key in self.known)

    def may_total(self, total: str, factors: tuple[str, ...]) -> bool:
        """May `total` of the parent be the sum of the product of `factors` (of none: the count) of its children?"""
        return not any(self._misses(key, total, factors) for key in self.known)

    def _misses(self, key: int, total: str, factors: tuple[str, ...]) -> bool:
        stored = self.parents[key][total]
        values = [[row[name] for name in factors] for row in self.children.get(key, ())]
        if stored is None or any(None in each for each in values):
            return False
        given = float(sum(prod(map(float, each)) for each in values))
        return abs(float(stored) - given) > NEAR + 1e-9 * abs(given)

    def may_follow(self, moment: str, parents: str) -> bool:
        """May `moment` of each child be no earlier than `parents` of its parent?"""
        return not any(
            _is_earlier(row[moment], self.parents[key][parents])
            for key, rows in self.children.items()
            if key in self.parents
            for row in rows
        )


def _is_earlier(one: Any, other: Any) -> bool:
    """Surely, whatever the way in which moments are written."""
    if type(one) is not type(other) or not isinstance(one, date | str):
        return False
    if isinstance(one, str) and (_form(one) != _form(other) or len(one) > LONGEST_MOMENT):
        return False
    try:
        return bool(one < other)
    except TypeError:  # one with a zone, one without
        return False


def _form(moment: str) -> tuple[int, str]:
    """How it is written: how long, and with a blank or a T in the middle."""
    return len(moment), moment[10:11]


def keys(parent: Sight, column: str) -> list[int]:
    """Keys of the first parents, if they are whole numbers."""
    found = parent.all.get(column, ())
    return list(found) if _whole(found) else []


def family(parents: Mapping[int, Row], children: Iterator[Row], column: str, known: Iterable[int]) -> Family:
    """The family of parents by their key and of rows whose `column` holds one."""
    return Family(parents, _by_key(children, column), frozenset(known))


def _by_key(found: Iterator[Row], column: str) -> dict[int, list[Row]]:
    """Rows in lists, by the key that stands in a column; without those whose key is no whole number."""
    lists = dict[int, list[Row]]()
    for row in found:
        if _whole([row[column]]):
            lists.setdefault(row[column], []).append(row)
    return lists


def rows(sight: Sight) -> Iterator[Row]:
    """The first rows, by name of the column."""
    return (dict(zip(sight.columns, row, strict=True)) for row in sight.first)


def _whole(found: Sequence[Any]) -> bool:
    """Are they numbers without decimals, and any at all?"""
    return bool(found) and all(isinstance(each, int) and not isinstance(each, bool) for each in found)
